"""What surrounds every request: its id, its line in the log, its count, its body in one piece."""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from idp.domain.ids import new_id
from idp.web import logs

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

GIVEN_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
ROUTE = "sesame.route"  # in the environ: the rule that the request was found under, never its path


class Observed:
    """WSGI middleware. Here and not in Flask's hooks: they cost more, and not every answer passes through Flask."""

    def __init__(
        self,
        app: "WSGIApplication",
        *,
        is_proxy: Callable[[str], bool] = lambda _address: False,
        note: Callable[[str, str, int, float], None] = lambda *_request: None,
    ) -> None:
        """is_proxy: whose X-Request-Id is believed; anybody else's would join foreign requests in logs and audit.

        note: told of each answer: route, method, status, seconds.
        """
        self._app, self._is_proxy, self._note = app, is_proxy, note

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        started = time.perf_counter()
        request_id = self._id(environ)
        logs.request_id.set(request_id)
        status = 500

        def start(said: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            nonlocal status
            status = int(said[:3])
            return start_response(said, [*headers, ("X-Request-Id", request_id)], *error)

        try:
            answer = self._app(environ, start)
            return answer if isinstance(answer, Streamed) else whole(answer)
        except BaseException:
            status = 500
            raise
        finally:
            route, method = environ.get(ROUTE, "unknown"), environ["REQUEST_METHOD"]
            seconds = time.perf_counter() - started
            logs.write_request(method, route, status, seconds)
            self._note(route, method, status, seconds)

    def _id(self, environ: "WSGIEnvironment") -> str:
        given = environ.get("HTTP_X_REQUEST_ID")
        is_believed = given and GIVEN_ID.fullmatch(given) and self._is_proxy(environ.get("REMOTE_ADDR", ""))
        return given if given and is_believed else new_id()


class Streamed:
    """The body of an answer that is sent piece by piece, as the pieces come: it occupies a thread until it ends.

    The server closes it at the end, and when it cannot hand on a piece because the client is gone.
    """

    def __init__(self, pieces: Iterator[bytes], close: Callable[[], None]) -> None:
        """close: what to do once, however it ends."""
        self._pieces, self._close = pieces, close
        self._is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._is_closed:
            raise StopIteration
        return next(self._pieces)

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._close()


def whole(answer: Iterable[bytes]) -> list[bytes]:
    """The body as a list, which granian sends at once; it takes any other iterable in steps, each with the lock of the
    interpreter. No answer of ours is long, but those that say so (Streamed).
    """
    if isinstance(answer, list):
        return answer
    try:
        return list(answer)
    finally:
        if close := getattr(answer, "close", None):
            close()
