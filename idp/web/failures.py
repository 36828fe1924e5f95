"""The one renderer of errors: a page for people, JSON for applications, a redirect once it is verified."""

from collections.abc import Callable

import flask
import structlog
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from idp.errors import JourneyError, ProtocolError, Unavailable
from idp.web.pages import Pages
from idp.web.texts import PROTOCOL_STOP, STOPS
from keys.signer import SignerUnavailable

BY_CLIENTS = frozenset({"/token", "/par", "/introspect", "/revoke"})
APPLICATIONS = BY_CLIENTS | {"/userinfo", "/jwks", "/healthz", "/readyz"}
LOGOUT = {"temporary_session": "/compte/logout"}  # by the code of a stop: its page tells people to log out
UPSTREAMS = "/upstream/"  # where other providers speak to this one
HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


class Failures:
    """Answers every exception."""

    def __init__(self, pages: Pages, send_error: Callable[[ProtocolError], flask.Response]) -> None:
        self._pages, self._send_error = pages, send_error

    def render(self, error: Exception) -> flask.Response:
        """The only place that catches everything."""
        if isinstance(error, ProtocolError):
            return self._protocol(error)
        if isinstance(error, JourneyError):
            return self._stop(error.code, error.status, error.detail)
        if isinstance(error, (Unavailable, SignerUnavailable)):
            structlog.get_logger().error("unavailable", cause=str(error), exc_info=error)
            return self._stop("unavailable", 503)
        if isinstance(error, HTTPException) and error.code and error.code < 500:
            response = self._stop(HTTP_CODES.get(error.code, "bad_request"), error.code)
            if isinstance(error, MethodNotAllowed) and error.valid_methods:
                response.headers["Allow"] = ", ".join(error.valid_methods)  # RFC 9110 §15.5.6
            return response
        structlog.get_logger().error("internal error", exc_info=error)
        return self._stop("internal", 500)

    def _protocol(self, error: ProtocolError) -> flask.Response:
        structlog.get_logger().info("protocol error", error=error.code, detail=error.detail or error.description)
        if error.redirect is not None:
            return self._send_error(error)
        if _is_by_application():
            return _json(error.spec.status, error.code, error.description, challenge_only=error.challenge_only)
        title, text = PROTOCOL_STOP
        say = self._pages.say
        explained = f"{say(text)} ({error.description})" if error.description else say(text)
        return self._page(400 if error.spec.status == 401 else error.spec.status, error.code, say(title), explained)

    def _stop(self, code: str, status: int, detail: str = "") -> flask.Response:
        structlog.get_logger().info("journey stopped", code=code, detail=detail)
        if _is_by_application():
            names = {503: "temporarily_unavailable", 500: "server_error"}
            return _json(status, names.get(status, "invalid_request"), "")
        title, text = STOPS[code]
        return self._page(status, code, self._pages.say(title), self._pages.say(text))

    def _page(self, status: int, code: str, title: str, text: str) -> flask.Response:
        actions = [{"label": self._pages.portal_name, "url": "/compte"}]
        return _patient(
            self._pages.render(
                "error.html",
                status=status,
                code=code,
                title=title,
                text=text,
                actions=actions,
                logout_url=LOGOUT.get(code),
            )
        )


def _is_by_application() -> bool:
    return flask.request.path in APPLICATIONS or flask.request.path.startswith(UPSTREAMS)


def _json(status: int, code: str, description: str, *, challenge_only: bool = False) -> flask.Response:
    body = {"error": code, **({"error_description": description} if description else {})}
    response = flask.jsonify(body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    _patient(response)
    if status == 401 and flask.request.path in BY_CLIENTS:
        response.headers["WWW-Authenticate"] = f'Basic realm="{flask.request.path[1:]}"'
    elif flask.request.path == "/userinfo":
        said = "" if challenge_only else f', error="{code}"'
        response.headers["WWW-Authenticate"] = f'Bearer realm="userinfo"{said}'
    return response


def _patient(response: flask.Response) -> flask.Response:
    """Say when to try again, where trying again helps."""
    if response.status_code == 503:
        response.headers["Retry-After"] = "5"
    return response
