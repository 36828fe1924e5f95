"""Several WSGI applications in one process, each on a port of the loopback interface."""

import socket
import ssl
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LOOPBACK = "127.0.0.1"
POLL_INTERVAL_S = 0.05  # how long a stop may wait


class QuietHandler(WSGIRequestHandler):
    """Serves without a line for each request: the terminal of the demo is for its addresses. Errors are still told."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Servers:
    """Starts what was added, in the order of adding, and stops it in the other. A context manager.

    `add` binds the port at once, so that a port in use stops the start before anything runs.
    Raises OSError if the port is taken.
    """

    def __init__(self) -> None:
        self._servers: list[BaseWSGIServer] = []
        self._threads: list[threading.Thread] = []

    def add(self, app: "WSGIApplication", port: int, tls: ssl.SSLContext | None = None) -> int:
        """Bind `port`, 0 for a free one, and return the port that was bound."""
        server = _bind(app, port, tls)
        self._servers.append(server)
        return server.port

    def start(self) -> None:
        for server in self._servers[len(self._threads) :]:
            thread = threading.Thread(
                target=server.serve_forever, args=(POLL_INTERVAL_S,), name=f"wsgi-{server.port}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        for server in reversed(self._servers[: len(self._threads)]):
            server.shutdown()
        for thread in self._threads:
            thread.join()
        for server in self._servers:
            server.server_close()
        self._servers, self._threads = [], []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _bind(app: "WSGIApplication", port: int, tls: ssl.SSLContext | None) -> BaseWSGIServer:
    """werkzeug ends the process when a port is taken; a socket of our own raises OSError, which the caller can word."""
    with socket.create_server((LOOPBACK, port)) as listener:
        return make_server(
            LOOPBACK, port, app, threaded=True, request_handler=QuietHandler, ssl_context=tls, fd=listener.fileno()
        )
