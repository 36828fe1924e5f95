"""Reads the bodies of requests before the application does, a few at a time.

A server thread that waits for a slow sender serves nobody else: sixteen connections that send a header and then nothing
would stop the provider. Through this gate they can only hold some of the threads; a proxy that buffers requests keeps
them from us altogether.
"""

import io
from collections.abc import Iterable
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

WAIT_S = 1.0


class BodyGate:
    """WSGI middleware. `at_once`: bodies read at a time; who finds no place within a second gets a 503."""

    def __init__(self, app: "WSGIApplication", *, at_once: int, max_bytes: int) -> None:
        self._app, self._max_bytes = app, max_bytes
        self._places = BoundedSemaphore(at_once)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        wanted = self._size(environ)
        if wanted:
            if not self._places.acquire(timeout=WAIT_S):
                headers = [("Content-Type", "text/plain; charset=utf-8"), ("Retry-After", "5")]
                start_response("503 Service Unavailable", headers)
                return ["Service momentanément indisponible. Réessayez dans quelques instants.\n".encode()]
            try:
                body = environ["wsgi.input"].read(wanted)
            finally:
                self._places.release()
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
        return self._app(environ, start_response)

    def _size(self, environ: "WSGIEnvironment") -> int:
        """Bytes to read; 0 for no body, and for one whose announced length the application refuses unread."""
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            return self._max_bytes + 1
        announced = environ.get("CONTENT_LENGTH", "")
        size = int(announced) if announced.isdecimal() else 0
        return size if size <= self._max_bytes else 0
