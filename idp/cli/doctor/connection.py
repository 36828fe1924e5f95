"""One connection, one request: for what is asked of a server's TLS, which `requests` does not show."""

import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic

from idp.outgoing import Unreachable
from idp.outgoing.sockets import TimedContext, TimedSocket
from idp.outgoing.targets import is_permitted, parse, resolved, system_resolver
from idp.settings import sections

MAX_HEAD = 65536  # bytes
CARRIAGE = b"\r\n"


@dataclass(frozen=True, slots=True)
class Handshake:
    """session: to offer again; is_resumed: an offered one was taken."""

    version: str | None
    protocol: str | None
    session: ssl.SSLSession | None = field(repr=False)
    is_resumed: bool


@dataclass(frozen=True, slots=True)
class Head:
    """Of an answer; names of headers in lower case."""

    status: int
    headers: dict[str, str] = field(repr=False)
    handshake: Handshake


@dataclass(frozen=True)
class Server:
    """origin: https or http, without a path. The rules of `outgoing` hold, but that no proxy is gone through."""

    origin: str
    settings: sections.Outgoing

    @property
    def host(self) -> str:
        """As in a URL, with the port if it is written."""
        return self.origin.partition("://")[2]

    @cached_property
    def usual(self) -> TimedContext:
        """The context of requests that name none."""
        return self.context()

    def context(self, *, is_verified: bool = True) -> TimedContext:
        """A client's. is_verified: false to speak under a name that is not the server's: nothing secret may be said."""
        context = TimedContext.make(self.settings.ca_file)
        if not is_verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def get(
        self,
        path: str,
        headers: Iterable[tuple[str, str]] = (),
        *,
        context: TimedContext | None = None,
        host: str | None = None,
        server_name: str | None = None,
    ) -> Head:
        """host, server_name: in place of the server's own. Raises Unreachable."""
        lines = [f"GET {path} HTTP/1.1", f"Host: {host or self.host}", "Connection: keep-alive"]
        lines += [f"{name}: {value}" for name, value in headers]
        with self._connected(context or self.usual, server_name, None) as sock:
            try:
                sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
                status, found = _head(_received(sock))
                return Head(status, found, _handshake(sock))
            except (OSError, ValueError) as error:
                raise Unreachable("no_answer", "no answer of HTTP", host=self.host) from error

    def shake(self, context: TimedContext, session: ssl.SSLSession | None = None) -> Handshake:
        """TLS alone. session: of an earlier handshake with the same context. Raises Unreachable."""
        with self._connected(context, None, session) as sock:
            return _handshake(sock)

    def _connected(
        self, context: TimedContext, server_name: str | None, session: ssl.SSLSession | None
    ) -> socket.socket:
        target, ends_at = parse(self.origin), monotonic() + self.settings.timeout_s
        found = resolved(system_resolver, target.host, self.settings.timeout_s)
        permitted = [address for address in found if is_permitted(address, self.settings.allowed_networks)]
        if not permitted:
            raise Unreachable("address", f"not allowed: {', '.join(map(str, found))}", host=target.host)
        sock = TimedSocket(socket.AF_INET6 if permitted[0].version == 6 else socket.AF_INET)
        sock.ends_at = ends_at
        sock.settimeout(self.settings.timeout_s)
        try:
            sock.connect((str(permitted[0]), target.port))
            if not target.is_tls:
                return sock
            return context.wrap_socket(sock, server_hostname=server_name or target.host, session=session)
        except ssl.SSLError as error:
            raise Unreachable("tls", error.reason or "no TLS", host=target.host) from error
        except OSError as error:
            sock.close()
            raise Unreachable("no_answer", "no connection", host=target.host) from error


def _handshake(sock: socket.socket) -> Handshake:
    if not isinstance(sock, ssl.SSLSocket):
        return Handshake(None, None, None, is_resumed=False)
    return Handshake(sock.version(), sock.selected_alpn_protocol(), sock.session, is_resumed=bool(sock.session_reused))


def _received(sock: socket.socket) -> bytes:
    """The head of the answer, perhaps with more. Raises OSError, ValueError."""
    data, piece = b"", bytearray(4096)
    while CARRIAGE * 2 not in data:
        size = sock.recv_into(piece)
        data += piece[:size]
        if not size or len(data) > MAX_HEAD:
            raise ValueError("no head")
    return data


def _head(data: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = data.partition(CARRIAGE * 2)[0].decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return int(first.split(" ")[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}
