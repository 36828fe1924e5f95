"""Answers of public documents, kept as they were given until what they depend on changes."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from idp.web.observed import ROUTE, whole

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Remembered:
    """WSGI middleware: a plain GET of these paths is answered without the framework, once the application has answered.

    Only for answers that are the same for everybody. With a query, or by another method, the application is asked.
    """

    def __init__(self, app: "WSGIApplication", states: Mapping[str, Callable[[], Hashable]]) -> None:
        """states: for each path what its answer depends on, asked each time: none is given in another state.

        Where that cannot be told, the application is asked, and says what is wrong.
        """
        self._app, self._states = app, states
        self._kept: dict[str, tuple[Hashable, list[tuple[str, str]], list[bytes]]] = {}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        asked = self._states.get(path)
        if asked is None or environ["REQUEST_METHOD"] != "GET" or environ.get("QUERY_STRING"):
            return self._app(environ, start_response)
        try:
            state = asked()
        except Exception:
            return self._app(environ, start_response)
        kept = self._kept.get(path)
        if kept is None or kept[0] != state:
            return self._ask(environ, start_response, path, state)
        environ[ROUTE] = path
        start_response("200 OK", kept[1])
        return kept[2]

    def _ask(
        self, environ: "WSGIEnvironment", start_response: "StartResponse", path: str, state: Hashable
    ) -> Iterable[bytes]:
        said: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            said.append((status, headers))
            return start_response(status, headers, *error)

        body = whole(self._app(environ, start))
        status, headers = said[-1]
        if status == "200 OK":
            self._kept[path] = state, headers, body
        return body
