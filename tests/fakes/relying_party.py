"""A relying party and its user's browser, in one process: builds requests, follows redirects, checks answers."""

import base64
import hashlib
import html
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fakes.provider import ISSUER, PASSWORD, RP, Provider

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
STATE = "af0ifjsldkj"
NONCE = "n-0S6_WzA2Mj"
HIDDEN = re.compile(r'name="csrf" value="([^"]+)"')
FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
ACTION = re.compile(r'<form id="form-post" method="post" action="([^"]+)">')


def path_of(response: TestResponse) -> str:
    """Where a redirect leads, within the provider."""
    location = str(response.headers["Location"])
    return location.removeprefix(ISSUER)


def answer_of(response: TestResponse) -> dict[str, str]:
    """The authorization response in a redirect to the relying party."""
    location = response.headers["Location"]
    assert response.status_code == 303, response.status_code
    assert location.startswith(RP), location
    assert not urlsplit(location).fragment
    return dict(parse_qsl(urlsplit(location).query, keep_blank_values=True))


def error_of(response: TestResponse, state: str | None = STATE) -> str:
    """The error code of an error redirect; `state` and `iss` are checked, and that nothing else is said."""
    answer = answer_of(response)
    assert answer.get("state") == state, answer
    assert answer.get("iss") == ISSUER, answer
    assert answer.keys() <= {"error", "error_description", "state", "iss"}, answer
    description = answer.get("error_description", "")
    assert all(" " <= c <= "~" and c not in '"\\' for c in description), description
    return answer["error"]


def page_error_of(response: TestResponse) -> str:
    """The error code that a page shows in place of a redirect."""
    assert response.status_code == 400, response.status_code
    assert "Location" not in response.headers
    assert 'id="error-page"' in response.text
    found = re.search(r"<code>(\w+)</code>", response.text)
    assert found, response.text
    return found.group(1)


def form_post_of(response: TestResponse) -> dict[str, str]:
    """The authorization response in a page that posts itself (Form Post Response Mode), and that its CSP lets it."""
    assert response.status_code == 200, response.status_code
    assert "Location" not in response.headers
    action = ACTION.search(response.text)
    assert action, response.text
    target = html.unescape(action.group(1))
    assert target.startswith(RP), target
    assert f"form-action 'self' {RP};" in response.headers["Content-Security-Policy"]
    return hidden_of(response)


def bearer(access_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_token}"}


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def csrf_of(response: TestResponse) -> str:
    found = HIDDEN.search(response.text)
    assert found, response.text[:2000]
    return found.group(1)


def hidden_of(response: TestResponse) -> dict[str, str]:
    """The hidden fields of a page."""
    return {html.unescape(name): html.unescape(value) for name, value in FIELD.findall(response.text)}


@dataclass
class RelyingParty:
    """One client, and one browser that comes through it."""

    provider: Provider
    client_id: str = "rp"
    browser: FlaskClient = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.browser = self.browser or self.provider.browser()

    @property
    def redirect_uri(self) -> str:
        return f"{RP}/{self.client_id}/callback"

    def request(self, **changes: str | None) -> dict[str, str]:
        """A valid authorization request; None leaves a parameter out."""
        values: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid profile email",
            "state": STATE,
            "nonce": NONCE,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in values.items() if value is not None}

    def authorize(self, **changes: str | None) -> TestResponse:
        """GET /authorize: the first answer, not followed."""
        return self.browser.get("/authorize?" + urlencode(self.request(**changes)))

    def open_login(self, **changes: str | None) -> str:
        """Start a login; the path /login/<handle>."""
        response = self.authorize(**changes)
        assert response.status_code == 303, response.text
        path = path_of(response)
        assert path.startswith("/login/"), path
        return path

    def post(self, path: str, page: str | None = None, **fields: str) -> TestResponse:
        """Send a form of the page at `page` (default: the path without its last part) with its CSRF token."""
        shown = self.browser.get(page or path.rpartition("/")[0])
        return self.browser.post(path, data={"csrf": csrf_of(shown), **fields})

    def give_password(self, path: str, login: str = "anne.pierre", password: str = PASSWORD) -> TestResponse:
        """Sign in by password on /login/<handle>."""
        return self.post(f"{path}/password", page=path, login=login, password=password)

    def give_otp(self, path: str, login: str = "anne.pierre", password: str | None = PASSWORD) -> TestResponse:
        """Password, then the code of the e-mail; password None when a first factor is there already."""
        response = self.post(f"{path}/email_otp", page=path)
        if password is not None:
            response = self.post(f"{path}/email_otp", page=f"{path}/email_otp", login=login, password=password)
        assert response.status_code == 303, response.text
        return self.post(f"{path}/email_otp", page=f"{path}/email_otp", code=self.provider.last_code())

    def consent(self, path: str, decision: str = "allow") -> TestResponse:
        """Answer the page that asks for a consent."""
        return self.browser.post(f"{path}/consent", data={**hidden_of(self.browser.get(path)), "decision": decision})

    def login(self, **changes: str | None) -> dict[str, str]:
        """A whole login by password; the authorization response."""
        return answer_of(self.give_password(self.open_login(**changes)))

    def silent(self, **changes: str | None) -> dict[str, str]:
        """An authorization with prompt=none, which never shows a page; the authorization response."""
        return answer_of(self.authorize(prompt="none", **changes))

    def basic(self) -> dict[str, str]:
        """The Authorization header of this client."""
        return basic(self.client_id, self.provider.secrets[self.client_id])

    def token(self, code: str, *, headers: dict[str, str] | None = None, **changes: str | None) -> TestResponse:
        """POST /token, from the application: never with the browser's cookies."""
        values: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
            **changes,
        }
        form = {name: value for name, value in values.items() if value is not None}
        return self.provider.browser().post("/token", data=form, headers=self.basic() if headers is None else headers)

    def refresh(self, token: str, *, headers: dict[str, str] | None = None, **changes: str) -> TestResponse:
        """POST /token with a refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": token, **changes}
        return self.provider.browser().post("/token", data=form, headers=self.basic() if headers is None else headers)

    def ask(self, path: str, *, headers: dict[str, str] | None = None, **form: str) -> TestResponse:
        """POST a form to an endpoint of applications, as this client."""
        return self.provider.browser().post(path, data=form, headers=self.basic() if headers is None else headers)

    def tokens(self, **changes: str | None) -> dict[str, Any]:
        """Login and exchange; the token response, its ID Token verified and put under `claims`."""
        return self.redeem(self.login(**changes)["code"])

    def redeem(self, code: str) -> dict[str, Any]:
        """Exchange a code; the token response, its ID Token verified and put under `claims`."""
        response = self.token(code)
        assert response.status_code == 200, response.text
        tokens: dict[str, Any] = response.json or {}
        return {**tokens, "claims": self.verify(tokens["id_token"])}

    def verify(self, id_token: str) -> dict[str, Any]:
        """The claims of an ID Token, its signature checked against /jwks; times by the test's clock."""
        keys = jwt.PyJWKSet.from_dict(self.provider.browser().get("/jwks").json or {})
        header = jwt.get_unverified_header(id_token)
        key = keys[header["kid"]]
        return jwt.decode(
            id_token,
            key,
            algorithms=[header["alg"]],
            audience=self.client_id,
            issuer=ISSUER,
            options={"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "sub"]},
        )

    def userinfo(self, access_token: str) -> TestResponse:
        return self.provider.browser().get("/userinfo", headers=bearer(access_token))


def s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
