"""HTTP of the helper: 127.0.0.1 only, one request a connection, to processes of this user and session only."""

import json
import logging
import select
import socket
import socketserver
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from card_reader import http_request, origins, peers
from card_reader.desk import Desk, Refusal
from card_reader.http_request import BadRequest, Request
from card_reader.prompt import PromptFailed, Wanted

log = logging.getLogger("card_reader")

HOST = "127.0.0.1"
MOST_CONNECTIONS = 16  # at once; one of them may wait for a person
METHODS = {"/v1/status": "GET", "/v1/allow": "POST", "/v1/authenticate": "POST"}
FROM_A_PAGE = {  # what a browser says of a fetch (Fetch Metadata §2); a browser that says nothing of it is believed
    "sec-fetch-mode": {"cors"},
    "sec-fetch-site": {"cross-site", "same-site"},
    "sec-fetch-dest": {"empty"},
}
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Origin", "Connection": "close"}
NOTICED_S = 0.1  # until it is noticed that the server is to end
END_S = 5.0  # for what is under way


class NoPort(Exception):
    """All ports of the range are taken."""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __bytes__(self) -> bytes:
        content = b"" if self.body is None else json.dumps(self.body).encode()
        headers = {**HEADERS, **self.headers}
        if self.status != 204:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
        lines = [f"HTTP/1.1 {self.status} ", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        return "\r\n".join(lines).encode("ascii") + content


class Server(socketserver.ThreadingTCPServer):
    """Serves a desk on one port until it is closed; a context manager."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = MOST_CONNECTIONS
    allow_reuse_address = sys.platform != "win32"  # where it means: although an old connection lingers

    def __init__(self, desk: Desk, port: int) -> None:
        """Raises OSError if the port is taken."""
        self.desk = desk
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._stopping = threading.Event()
        super().__init__((HOST, port), Connection)
        self.port: int = self.server_address[1]

    def server_bind(self) -> None:
        if sys.platform == "win32":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)  # nobody else on the same port
        super().server_bind()

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002  the base class
        """False closes the connection before a byte of it is read."""
        try:
            peers.check(request)
        except peers.StrangePeer as strange:
            log.debug("a connection was closed: %s", strange)
            return False
        return True

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  says so
        log_failure("connection")

    def is_waiting(self, connection: socket.socket) -> bool:
        """Whether the other end is still there, and so are we."""
        if self._stopping.is_set():
            return False
        try:
            readable, _, _ = select.select([connection], [], [], 0)
            return not readable  # the end; or more than was announced, which no page sends
        except (OSError, ValueError):
            return False

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(NOTICED_S,), name="card-server", daemon=True).start()
        return self

    def __exit__(self, *failure: object) -> None:
        """Closes the open question and waits for it: a terminal gets its echo back, a card is not left in mid-call."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self.shutdown()
        self.server_close()
        end = time.monotonic() + END_S
        for _ in range(MOST_CONNECTIONS):
            self._places.acquire(timeout=max(end - time.monotonic(), 0))
        self.desk.close()


def open_first(desk: Desk, ports: Iterable[int]) -> Server:
    """On the first port that is free. Raises NoPort."""
    for port in ports:
        with suppress(OSError):
            return Server(desk, port)
    raise NoPort


class Connection(socketserver.BaseRequestHandler):
    server: Server

    def handle(self) -> None:
        connection: socket.socket = self.request
        try:
            asked = http_request.read(connection)
        except BadRequest as bad:
            if bad.status is not None:
                connection.sendall(bytes(Response(bad.status, {"error": "malformed"})))
            return
        response = answer(asked, self.server.desk, self.server.port, lambda: self.server.is_waiting(connection))
        with suppress(OSError):  # a page that went away
            connection.settimeout(http_request.READ_S)
            connection.sendall(bytes(response))


def answer(request: Request, desk: Desk, port: int, wanted: Wanted) -> Response:
    """The refusals, in order, then what the desk says."""
    if request.headers.get("host") != f"{HOST}:{port}":  # a name that resolves to us now: DNS rebinding
        return Response(421, {"error": "malformed"})
    method = METHODS.get(request.path)
    if method is None:
        return Response(404, {"error": "malformed"})
    try:
        origin = origins.parse(request.headers.get("origin", ""))
    except origins.OriginRefused:
        return Response(403, {"error": "origin_not_allowed"})
    if any(request.headers.get(name, min(known)) not in known for name, known in FROM_A_PAGE.items()):
        return Response(403, {"error": "malformed"})
    cross = _cross_origin(request.path, origin, desk)  # which cannot fail
    if request.method == "OPTIONS":
        return _preflight(request, method, cross)
    if request.method != method:
        return Response(405, {"error": "malformed"}, {"Allow": f"{method}, OPTIONS", **cross})
    try:
        return Response(200, _told(request, origin, desk, wanted), cross)
    except Refusal as refused:
        return Response(refused.status, {"error": refused.code, "tries": refused.tries}, cross)
    except PromptFailed as failed:
        log.error("the person cannot be asked: %s", failed)
        return Response(503, {"error": "failed", "tries": "ok"}, cross)
    except Exception:  # whatever it is, the page gets an answer and the log no secret
        log_failure(request.path)
        return Response(503, {"error": "failed", "tries": "ok"}, cross)


def _cross_origin(path: str, origin: str, desk: Desk) -> dict[str, str]:
    """An origin that is not allowed may read that it is not, and ask to be; the browser keeps it from the rest."""
    if path == "/v1/authenticate" and not desk.allows(origin):
        return {}
    return {"Access-Control-Allow-Origin": origin}


def _preflight(request: Request, method: str, cross: Mapping[str, str]) -> Response:
    """Fetch §3.3.2. The private network header was Chromium's before Local Network Access, which asks the person."""
    if request.headers.get("access-control-request-method") != method:
        return Response(405, {"error": "malformed"}, {"Allow": f"{method}, OPTIONS"})
    headers = dict(cross)
    if cross:
        headers |= {"Access-Control-Allow-Methods": method, "Access-Control-Allow-Headers": "Content-Type"}
        if request.headers.get("access-control-request-private-network") == "true":
            headers["Access-Control-Allow-Private-Network"] = "true"
    return Response(204, None, headers)


def _told(request: Request, origin: str, desk: Desk, wanted: Wanted) -> Mapping[str, Any]:
    if request.path == "/v1/status":
        return desk.status(origin)
    asked = _json(request)
    return (
        desk.allow(origin, asked, wanted) if request.path == "/v1/allow" else desk.authenticate(origin, asked, wanted)
    )


def _json(request: Request) -> Mapping[str, Any]:
    """The object in the body. Its type is checked so that no form of another site can send one without a preflight."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        asked = json.loads(request.body) if kind == "application/json" else None
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise Refusal("malformed")
    return asked


def log_failure(what: str) -> None:
    """What is being handled, by type and place: the text of a stranger's exception may hold anything, also a PIN."""
    kind, _, trace = sys.exc_info()
    places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(trace)]
    log.error("%s failed: %s at %s", what, kind.__name__ if kind else "?", " < ".join(reversed(places)))
