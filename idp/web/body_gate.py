"""Reads the bodies of requests before the application does, a few at a time.

A server thread that waits for a slow sender serves nobody else: sixteen connections that send a header and then nothing
would stop the provider. Through this gate they can only hold some of the threads; a proxy that buffers requests keeps
them from us altogether.
"""

import io
from collections.abc import Iterable, Mapping
from threading import BoundedSemaphore
from types import MappingProxyType
from typing import TYPE_CHECKING

import flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

WAIT_S = 1.0
BODY = "sesame.body"  # in the environ: the bytes that were read, unless the application will refuse them as too many
LARGE_AT_ONCE = 2
NONE: Mapping[str, int] = MappingProxyType({})


class BodyGate:
    """WSGI middleware. `at_once`: bodies read at a time; who finds no place within a second gets a 503.

    larger: paths whose bodies may have more than `max_bytes`. Two requests to these at a time are read *and answered*,
    however small: what is made of such a body takes longer than reading it.
    """

    def __init__(
        self, app: "WSGIApplication", *, at_once: int, max_bytes: int, larger: Mapping[str, int] = NONE
    ) -> None:
        self._app, self._max_bytes, self._larger = app, max_bytes, larger
        self._places, self._large_places = BoundedSemaphore(at_once), BoundedSemaphore(LARGE_AT_ONCE)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        wanted = self._size(environ)
        if wanted:
            is_large = environ.get("PATH_INFO", "") in self._larger
            places = self._large_places if is_large else self._places
            if not places.acquire(timeout=WAIT_S):
                headers = [("Content-Type", "text/plain; charset=utf-8"), ("Retry-After", "5")]
                start_response("503 Service Unavailable", headers)
                return ["Service momentanément indisponible. Réessayez dans quelques instants.\n".encode()]
            try:
                body = environ["wsgi.input"].read(wanted)
                environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
                if len(body) <= self._max_bytes:
                    environ[BODY] = body
                if is_large:
                    return self._app(environ, start_response)
            finally:
                places.release()
        return self._app(environ, start_response)

    def _size(self, environ: "WSGIEnvironment") -> int:
        """Bytes to read; 0 for no body, and for one whose announced length the application refuses unread."""
        most = self._larger.get(environ.get("PATH_INFO", ""), self._max_bytes)
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            return most + 1
        announced = environ.get("CONTENT_LENGTH", "")
        size = int(announced) if announced.isdecimal() else 0
        return size if size <= most else 0


def body_of(request: flask.Request) -> bytes:
    """The body that the gate has read. Raises RequestEntityTooLarge for one that it did not."""
    found: bytes | None = request.environ.get(BODY)
    return request.get_data() if found is None else found
