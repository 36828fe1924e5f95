"""Authlib's OIDC client, whose every request leaves by `idp.outgoing`. The second door to Authlib."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

from idp.methods.federation.faults import LoginRefused
from idp.outgoing import Outgoing, Unreachable
from idp.settings.upstreams import Upstream

if TYPE_CHECKING:
    from authlib.integrations.requests_client import OAuth2Session

TOKEN: Final = re.compile(r"[!-~]+")  # it goes into a header
MAX_BYTES: Final = 262_144  # of a person with many activities
ANSWERS: Final = frozenset({"redirect", "encoding", "too_large"})  # that do not do, but that somebody gave
GATEWAY: Final = frozenset({429, 502, 503, 504})  # nobody behind it, or not now; any other status is an answer
FAULTS_OF_OURS: Final = frozenset({"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"})


class Budget:
    """The time that all calls of one login have together, seconds."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds  # wall time: it is the peer that is waited for

    def left(self) -> float:
        """Raises Unreachable when there is none."""
        seconds = self._ends_at - time.monotonic()
        if seconds <= 0:
            raise Unreachable("too_slow", "the time of all calls is over")
        return seconds


class Client:
    """Asks one upstream. secret: None for a client that its certificate proves (RFC 8705 §2)."""

    def __init__(self, settings: Upstream, outgoing: Outgoing, secret: str | None) -> None:
        self._settings, self._outgoing, self._secret = settings, outgoing, secret

    def authorization_url(self, endpoint: str, code_verifier: str, **values: str) -> str:
        """Where to send the person (OIDC Core §3.1.2.1). values: what changes each time."""
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # noqa: PLC0415 - as below
        from authlib.oauth2.rfc7636 import create_s256_code_challenge  # noqa: PLC0415 - as below

        settings = self._settings
        asked = {"scope": " ".join(settings.scopes), "acr_values": " ".join(settings.acr_values) or None, **values}
        asked |= {"code_challenge": create_s256_code_challenge(code_verifier), "code_challenge_method": "S256"}
        return str(prepare_grant_uri(endpoint, settings.client_id, "code", **asked))

    def document(self, url: str, timeout_s: float) -> Mapping[str, Any]:
        """A JSON object that anybody may read. Raises Unreachable, LoginRefused."""
        with _answer():
            answer = self._outgoing.get(url, accept="application/json", max_bytes=MAX_BYTES, timeout_s=timeout_s)
        if answer.status >= 500 or answer.status in GATEWAY:
            raise Unreachable("no_answer", f"{url}: status {answer.status}")
        found = _json_object(answer.body)
        if answer.status != 200 or found is None:
            raise LoginRefused("upstream_error", f"{url}: status {answer.status}, or not a JSON object")
        return found

    def exchange(self, endpoint: str, code: str, verifier: str, redirect_uri: str, budget: Budget) -> tuple[str, str]:
        """The ID Token and the access token (RFC 6749 §4.1.3). Raises Unreachable, LoginRefused."""
        from authlib.integrations.base_client import OAuthError  # noqa: PLC0415 - megabytes, where there is no upstream

        session = self._session(budget)
        session.register_compliance_hook("access_token_response", _sound)
        sent = {"code": code, "code_verifier": verifier, "redirect_uri": redirect_uri}
        auth = self._basic(session)
        try:
            with _answer():
                given = session.fetch_token(endpoint, grant_type="authorization_code", auth=auth, **sent)
        except OAuthError as refusal:  # its text quotes the upstream's
            is_ours = refusal.error in FAULTS_OF_OURS
            raise LoginRefused("upstream_error" if is_ours else "code_refused", _plain(refusal.error)) from None
        id_token, access_token = given.get("id_token"), given.get("access_token")
        if not isinstance(id_token, str) or not TOKEN.fullmatch(access_token or ""):
            raise LoginRefused("token_malformed", "no ID Token, or no access token")
        return id_token, access_token

    def userinfo(self, endpoint: str, access_token: str, budget: Budget) -> str | Mapping[str, Any]:
        """A signed JWT, or the claims themselves (OIDC Core §5.3.2). Raises Unreachable, LoginRefused."""
        session = self._session(budget)
        session.token = {"access_token": access_token, "token_type": "Bearer"}
        with _answer():
            answer = session.get(endpoint, headers={"Accept": "application/json, application/jwt"})
        if answer.status_code in GATEWAY:
            raise Unreachable("no_answer", f"userinfo: status {answer.status_code}")
        if answer.status_code != 200:
            raise LoginRefused("upstream_error", f"userinfo: status {answer.status_code}")
        if answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "application/jwt":
            return str(answer.content, "utf-8", "replace").strip()
        found = _json_object(answer.content)
        if found is None:
            raise LoginRefused("token_malformed", "userinfo is not a JSON object")
        return found

    def _basic(self, session: "OAuth2Session") -> Any:
        """Authlib leaves out the form encoding (RFC 6749 §2.3.1); None for the other ways, which it has right."""
        if self._settings.token_auth != "client_secret_basic":
            return None
        name, secret = quote_plus(self._settings.client_id), quote_plus(self._secret or "")
        return session.client_auth_class(name, secret, "client_secret_basic")

    def _session(self, budget: Budget) -> "OAuth2Session":
        """Of one request."""
        from authlib.integrations.requests_client import OAuth2Session  # noqa: PLC0415 - as above

        by_secret = self._settings.token_auth != "tls_client_auth"
        session = OAuth2Session(
            client_id=self._settings.client_id,
            client_secret=self._secret,
            token_endpoint_auth_method=self._settings.token_auth if by_secret else "none",  # client_id alone
        )
        self._outgoing.protect(session, max_bytes=MAX_BYTES, timeout_s=budget.left())
        return session


@contextmanager
def _answer() -> Iterator[None]:
    """What came, and is not read, is an answer all the same. Raises LoginRefused."""
    try:
        yield
    except Unreachable as failure:
        if failure.reason in ANSWERS:
            raise LoginRefused("upstream_error", str(failure)) from None
        raise


def _sound(answer: Any) -> Any:
    """What Authlib takes for an answer of the token endpoint, without the times that it would compute with.

    Raises Unreachable, LoginRefused.
    """
    status, found = answer.status_code, _json_object(answer.content)
    if status in GATEWAY:
        raise Unreachable("no_answer", f"token endpoint: status {status}")
    is_refusal = 400 <= status < 500 and found is not None and isinstance(found.get("error"), str)
    if found is None or (status != 200 and not is_refusal):
        raise LoginRefused("upstream_error", f"token endpoint: status {status}")
    used = {name: found[name] for name in ("id_token", "access_token", "error") if isinstance(found.get(name), str)}
    return SimpleNamespace(status_code=status, json=lambda: used)


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _plain(error: object) -> str:
    """An error's name as it may be logged."""
    return "".join(c for c in str(error) if c.isascii() and (c.isalnum() or c == "_"))[:64]
