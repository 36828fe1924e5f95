"""The browser: its six cookies, and the token that ties a form to it.

`browser` names the browser for months: it binds Interactions and forms, and recognises a browser that signed in
before. `session` is the single sign-on session. `portal` and `console` are what these sites, clients like the others,
keep of their own logins. `phone` says which enrolled phone it is: a hint, never a proof. `signup` names the
registration that is filled in here, and ends with the browser. All are HttpOnly and SameSite=Lax (a service sends
people here by a top-level navigation); over https they are Secure and carry the __Host- prefix (RFC 6265bis
§4.1.3.2). The language's is in `idp.web.language`.
"""

import hmac
from collections.abc import Callable
from datetime import timedelta

import flask

from idp.domain.ids import digest, new_token
from idp.errors import JourneyError
from idp.settings import Settings

MAX_COOKIE = 400


class Browser:
    """Reads and writes the cookies of the current request."""

    def __init__(self, settings: Settings, mac: Callable[..., str]) -> None:
        prefix = "__Host-" if settings.is_secure else ""
        kinds = ("browser", "session", "portal", "console", "phone", "signup")
        self._names = {kind: f"{prefix}sesame-{kind}" for kind in kinds}
        self._secure = settings.is_secure
        self._remember = timedelta(days=settings.remember_browser_days)
        self._mac = mac

    @property
    def id(self) -> str:
        """The browser's secret name; drawn when it has none yet, and sent with the answer."""
        if "browser" not in flask.g:
            found = self.read("browser")
            flask.g.browser = found or new_token()
            flask.g.browser_is_new = found is None
        name: str = flask.g.browser
        return name

    @property
    def hash(self) -> str:
        """What is stored of the browser's name."""
        return digest(self.id)

    @property
    def csrf_token(self) -> str:
        return self._mac("csrf", self.id)

    def check_form(self) -> None:
        """Refuse a form that this browser was not given. Raises JourneyError("form_foreign")."""
        sent = flask.request.form.get("csrf", "")
        cross_site = flask.request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}
        if cross_site or not hmac.compare_digest(sent.encode(), self.csrf_token.encode()):
            raise JourneyError("form_foreign", status=403)

    def read(self, kind: str) -> str | None:
        """A cookie's value, None if it is absent or absurd."""
        value = flask.request.cookies.get(self._names[kind])
        return value if value and len(value) <= MAX_COOKIE and value.isascii() else None

    def set(self, response: flask.Response, kind: str, value: str, max_age: timedelta | None = None) -> None:
        response.set_cookie(
            self._names[kind], value, max_age=max_age, path="/", secure=self._secure, httponly=True, samesite="Lax"
        )

    def forget(self, response: flask.Response, kind: str) -> None:
        response.delete_cookie(self._names[kind], path="/", secure=self._secure, httponly=True, samesite="Lax")

    def send_name(self, response: flask.Response) -> flask.Response:
        """After each request: give a new browser its name."""
        if flask.g.get("browser_is_new"):
            self.set(response, "browser", flask.g.browser, self._remember)
        return response
