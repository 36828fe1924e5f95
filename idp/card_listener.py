"""The provider's own TLS listener for the browser's certificate dialog: for the demo, on this machine.

What Python's ssl cannot do, a proxy does (docs/card.md): here a certificate of an authority that is not in the file, or
for another use than a client's, ends in the handshake, and no page says why; and browsers are not told which
certificates would do.
"""

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote
from wsgiref.handlers import SimpleHandler
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import structlog

from idp.web import card_hop

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HANDSHAKE_LIMIT_S = 180.0  # as long as a person takes to choose a certificate and type the PIN
TIME_LIMIT_S = 10.0  # for one connection after it, to its last byte
POLL_INTERVAL_S = 0.05  # how long a stop may wait
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: the application has a page for a card that expired
SAID_BY_A_HOP = (card_hop.CLIENT_CERT, card_hop.NGINX_CLIENT_CERT)
ENDED = (OSError, ValueError)  # ValueError: the time limit took the connection from under a read


class CardListener:
    """Serves `app` by TLS 1.2, with the client's certificate as a proxy would state it. A context manager.

    address: of loopback, as a number. certificate: PEM file with the server's certificate and key. authorities: PEM
    file; certificates of others end in the handshake. secret: what makes the application believe the header.
    Raises ValueError for another address, OSError for a port that is taken and for files that cannot be used.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        address: str,
        port: int,
        *,
        certificate: Path,
        authorities: Path,
        secret: str,
        handshake_limit_s: float = HANDSHAKE_LIMIT_S,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> None:
        _refuse_other_networks(address)
        tls = _Tls(certificate, authorities)
        self._server = _Server(app, (address, port), tls, secret, (handshake_limit_s, time_limit_s))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_INTERVAL_S,), name="card-listener", daemon=True
        )

    @property
    def port(self) -> int:
        """The one that was bound, for port 0."""
        return self._server.server_port

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No thread of a connection is left when it returns: those that are open are broken off."""
        self._server.shutdown()
        self._thread.join()
        self._server.break_off_all()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _refuse_other_networks(address: str) -> None:
    """Names too: what they mean is not decided here."""
    try:
        is_loopback = ip_address(address).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ValueError(f"{address}: not a loopback address; before other networks stands a proxy (docs/card.md)")


class _Tls:
    """Makes a context for each connection: Python cannot switch off a context's cache of sessions, and a session
    that is resumed would let the next person in without a card.
    """

    def __init__(self, certificate: Path, authorities: Path) -> None:
        self._certificate, self._authorities = certificate, authorities.read_text(encoding="ascii")
        certificate.read_bytes()  # its error, unlike that of ssl, names the file
        self.context()

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2  # 1.3 wants PSS of the card
        context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
        context.load_cert_chain(self._certificate)
        context.load_verify_locations(cadata=self._authorities)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME  # authorities are named, not roots
        return context


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """A thread for each connection, which does the handshake too: one that never begins it keeps nobody waiting."""

    def __init__(
        self, served: "WSGIApplication", where: tuple[str, int], tls: _Tls, secret: str, limits_s: tuple[float, float]
    ) -> None:
        self.served, self.secret = served, secret
        self._tls, (self._handshake_limit_s, self._time_limit_s) = tls, limits_s
        self._open: set[ssl.SSLSocket] = set()
        self.address_family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
        super().__init__(where, _Request)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]  # without asking a name server
        self.setup_environ()

    def get_request(self) -> tuple[ssl.SSLSocket, Any]:
        plain, address = super().get_request()
        connection = self._tls.context().wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def break_off_all(self) -> None:
        for connection in tuple(self._open):
            _break_off(connection)

    def finish_request(self, request: Any, client_address: Any) -> None:
        try:
            with _ended_after(self._handshake_limit_s, request):
                request.do_handshake()
            with _ended_after(self._time_limit_s, request):
                super().finish_request(request, client_address)
                request.unwrap()
        except ENDED as error:
            structlog.get_logger().info("card listener: a connection failed", cause=str(error))


@contextmanager
def _ended_after(limit_s: float, connection: ssl.SSLSocket) -> Iterator[None]:
    """However often the other side says something meanwhile."""
    connection.settimeout(limit_s)
    limit = threading.Timer(limit_s, _break_off, (connection,))
    limit.daemon = True
    limit.start()
    try:
        yield
    finally:
        limit.cancel()
        limit.join()


def _break_off(connection: ssl.SSLSocket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Request(WSGIRequestHandler):
    """One request. What it says of a certificate is forgotten; the handshake says it."""

    server: _Server
    connection: ssl.SSLSocket

    def handle(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if self.raw_requestline and self.parse_request():
            environ = self.get_environ()
            answer = _Answer(self.rfile, self.wfile, self.get_stderr(), environ)  # type: ignore[arg-type]
            answer.run(self.server.served if environ["PATH_INFO"].startswith(card_hop.PATH) else _nothing)

    def get_environ(self) -> "WSGIEnvironment":
        environ = super().get_environ()
        for header in SAID_BY_A_HOP:
            environ.pop(card_hop.environ_key(header), None)
        der = self.connection.getpeercert(binary_form=True)
        shown = quote(ssl.DER_cert_to_PEM_cert(der), safe="") if der is not None else ""
        environ[card_hop.environ_key(card_hop.NGINX_CLIENT_CERT)] = card_hop.state(shown, self.server.secret)
        return environ

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in http.server
        """Nothing: the address is a pass."""


def _nothing(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:  # noqa: ARG001 - WSGI
    """The icon that browsers look for, for one: to the application it would look like a forgery."""
    start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")])
    return ["Il n'y a rien à cette adresse.\n".encode()]


class _Answer(SimpleHandler):
    os_environ: dict[str, str] = {}  # noqa: RUF012 - wsgiref would put the process's environment into each request's
    http_version = "1.1"

    def log_exception(self, exc_info: Any) -> None:
        if not isinstance(exc_info[1], ENDED):  # the browser went away
            structlog.get_logger().error("card listener: no answer", exc_info=exc_info)

    def get_scheme(self) -> str:
        return "https"

    def cleanup_headers(self) -> None:
        super().cleanup_headers()
        self.headers["Connection"] = "close"  # type: ignore[attr-defined] # missing in its stub
