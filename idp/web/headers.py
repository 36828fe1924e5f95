"""The headers that every answer carries."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
TRANSPORT = {"Strict-Transport-Security": "max-age=63072000; includeSubDomains"}


class SecurityHeaders:
    """WSGI middleware, outermost: adds what the application did not say otherwise.

    Here and not in Flask's hooks: werkzeug looks through all headers for each that is set, and this is for each answer.
    """

    def __init__(self, app: "WSGIApplication", *, secure: bool) -> None:
        """secure: served over https."""
        self._app = app
        given = SECURITY_HEADERS | (TRANSPORT if secure else {})
        self._given = [(name.lower(), (name, value)) for name, value in given.items()]

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            said = {name.lower() for name, _ in headers}
            missing = [header for name, header in self._given if name not in said]
            return start_response(status, headers + missing, *error)

        return self._app(environ, start)
