"""The checks of an authorization request, in the security order of the specifications."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from idp.domain.client import Client
from idp.domain.request import AuthorizationRequest
from idp.errors import ProtocolError, ReturnPath
from idp.flows.oidc.claims import CLAIMS, ONLY_AT_USERINFO, claims_of_scopes, scopes_of_claims
from idp.flows.services import Services
from idp.web.parameters import single
from keys.jws import InvalidToken, verify_jwt

KNOWN = frozenset(
    [
        "client_id",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "max_age",
        "acr_values",
        "claims",
        "login_hint",
        "id_token_hint",
        "ui_locales",
        "response_mode",
        "request",
        "request_uri",
        "registration",
    ]
)
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # S256: 32 bytes, base64url (RFC 7636 §4.2)
MAX_NAMES = 50


@dataclass(frozen=True, slots=True)
class Validated:
    """An authorization request after every check, and its client."""

    request: AuthorizationRequest
    client: Client


def validate(services: Services, values: "MultiDict[str, str]", *, pushed: str | None = None) -> Validated:
    """Check an authorization request (OIDC Core §3.1.2.2, RFC 6749 §4.1.1, RFC 7636 §4.4.1, RFC 9700 §2.1).

    pushed: where a request that came by PAR is kept. Raises ProtocolError: without a redirect until client and
    redirect_uri are both verified, with one after that.
    """
    client = _client(services, values)
    redirect_uri = _redirect_uri(client, values)
    path = _return_path(redirect_uri, values)
    given = single(values, KNOWN, redirect=path)
    _refuse_unsupported(given, path)
    if client.par_required and pushed is None:
        raise ProtocolError("invalid_request", "This client pushes its requests (RFC 9126).", redirect=path)
    scope = _scope(client, given, path)
    challenge = _code_challenge(client, given, path)
    prompt = _prompt(given, path)
    wanted = _claims(given, path)
    acr_values, acr_essential = _acr(given, wanted, path)
    hint_sub = _hinted(services, client, given, path)
    userinfo_claims = _names(client, wanted.get("userinfo"))
    id_token_claims = _names(client, wanted.get("id_token"), but=ONLY_AT_USERINFO)
    request = AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        scope=scope,
        asked_at=services.now(),
        response_mode=path.response_mode,
        state=path.state,
        nonce=given.get("nonce"),
        code_challenge=challenge,
        prompt=prompt,
        max_age=_max_age(given, path),
        acr_values=acr_values,
        acr_essential=acr_essential,
        userinfo_claims=userinfo_claims,
        id_token_claims=id_token_claims,
        claims_scopes=tuple(sorted(scopes_of_claims({*userinfo_claims, *id_token_claims}))),
        login_hint=given.get("login_hint"),
        hint_sub=hint_sub,
        sub_wanted=_sub(wanted, hint_sub, path),
        ui_locales=tuple(given.get("ui_locales", "").split()),
        pushed=pushed,
    )
    return Validated(request, client)


def _client(services: Services, values: "MultiDict[str, str]") -> Client:
    client_id = single(values, frozenset({"client_id"})).get("client_id")
    if client_id is None:
        raise ProtocolError("invalid_request", "client_id is missing.")
    client = services.configuration.client(client_id)
    if client is None:
        raise ProtocolError("unauthorized_client", "The client is unknown or disabled.")
    return client


def _redirect_uri(client: Client, values: "MultiDict[str, str]") -> str:
    """Exact string comparison (RFC 9700 §2.1); required by OIDC even with one registered (Core §3.1.2.1)."""
    redirect_uri = single(values, frozenset({"redirect_uri"})).get("redirect_uri")
    if redirect_uri is None:
        raise ProtocolError("invalid_request", "redirect_uri is missing.")
    if redirect_uri not in client.redirect_uris:
        raise ProtocolError("invalid_request", "redirect_uri is not registered for this client.")
    return redirect_uri


def _return_path(redirect_uri: str, values: "MultiDict[str, str]") -> ReturnPath:
    """Where answers go from here on. A state that cannot be echoed is refused without being echoed."""
    bare = ReturnPath(redirect_uri, "query", None)
    state = single(values, frozenset({"state"}), redirect=bare).get("state")
    path = ReturnPath(redirect_uri, "query", state)
    mode = single(values, frozenset({"response_mode"}), redirect=path).get("response_mode", "query")
    if mode not in {"query", "form_post"}:
        raise ProtocolError("invalid_request", "response_mode is not supported.", redirect=path)
    return ReturnPath(redirect_uri, mode, state)


def _refuse_unsupported(given: Mapping[str, str], path: ReturnPath) -> None:
    for name in ("request", "request_uri", "registration"):
        if name in given:
            raise ProtocolError(f"{name}_not_supported", f"{name} is not supported.", redirect=path)
    if "response_type" not in given:
        raise ProtocolError("invalid_request", "response_type is missing.", redirect=path)
    if given["response_type"] != "code":
        raise ProtocolError("unsupported_response_type", "Only the code flow is supported.", redirect=path)


def _scope(client: Client, given: Mapping[str, str], path: ReturnPath) -> tuple[str, ...]:
    """Scopes that are unknown, or not the client's, are left out (OIDC Core §3.1.2.1); `openid` must stand."""
    asked = given.get("scope", "").split(" ")
    if "openid" not in asked:
        raise ProtocolError("invalid_scope", "The openid scope is needed.", redirect=path)
    return tuple(scope for scope in client.scopes if scope in asked)


def _code_challenge(client: Client, given: Mapping[str, str], path: ReturnPath) -> str | None:
    challenge, method = given.get("code_challenge"), given.get("code_challenge_method")
    if challenge is None:
        if client.require_pkce or method is not None:
            raise ProtocolError("invalid_request", "code_challenge is missing.", redirect=path)
        return None
    if method != "S256":
        raise ProtocolError("invalid_request", "code_challenge_method must be S256.", redirect=path)
    if not CHALLENGE.fullmatch(challenge):
        raise ProtocolError("invalid_request", "code_challenge is not an S256 challenge.", redirect=path)
    return challenge


def _prompt(given: Mapping[str, str], path: ReturnPath) -> tuple[str, ...]:
    prompt = tuple(dict.fromkeys(given.get("prompt", "").split()))
    if not PROMPTS.issuperset(prompt) or ("none" in prompt and len(prompt) > 1):
        raise ProtocolError("invalid_request", "prompt is not valid.", redirect=path)
    return prompt


def _max_age(given: Mapping[str, str], path: ReturnPath) -> int | None:
    text = given.get("max_age")
    if text is None:
        return None
    if not (text.isdigit() and len(text) <= 9):
        raise ProtocolError("invalid_request", "max_age is not a number of seconds.", redirect=path)
    return int(text)


def _claims(given: Mapping[str, str], path: ReturnPath) -> Mapping[str, Mapping[str, Any]]:
    """The claims parameter (OIDC Core §5.5): an object whose members are objects."""
    if "claims" not in given:
        return {}
    try:
        parsed = json.loads(given["claims"])
        json.dumps(parsed, ensure_ascii=False).encode()  # a lone surrogate is no text
    except (ValueError, RecursionError):
        parsed = None
    sound = isinstance(parsed, dict) and all(
        isinstance(part, dict)
        and len(part) <= MAX_NAMES
        and all(v is None or isinstance(v, dict) for v in part.values())
        for name, part in parsed.items()
        if name in {"userinfo", "id_token"} and part is not None
    )
    if not sound:
        raise ProtocolError("invalid_request", "claims is not valid.", redirect=path)
    return {name: parsed.get(name) or {} for name in ("userinfo", "id_token")}


def _names(client: Client, part: Mapping[str, Any] | None, *, but: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The claims asked by name, of those that the client's scopes allow; others are ignored."""
    allowed = claims_of_scopes(client.scopes) - but
    return tuple(sorted(name for name in part or {} if name in CLAIMS and name in allowed))


def _acr(
    given: Mapping[str, str], wanted: Mapping[str, Mapping[str, Any]], path: ReturnPath
) -> tuple[tuple[str, ...], bool]:
    """acr_values are voluntary; `claims` may make them essential (OIDC Core §5.5.1.1)."""
    voluntary = tuple(given.get("acr_values", "").split())
    asked = (wanted.get("id_token") or {}).get("acr")
    if not asked:
        return voluntary, False
    values = asked.get("values", [asked["value"]] if "value" in asked else [])
    if not (isinstance(values, list) and all(isinstance(v, str) for v in values) and len(values) <= MAX_NAMES):
        raise ProtocolError("invalid_request", "The values of acr are not valid.", redirect=path)
    return tuple(values) or voluntary, asked.get("essential") is True and bool(values)


def _sub(wanted: Mapping[str, Mapping[str, Any]], hint_sub: str | None, path: ReturnPath) -> str | None:
    """A `sub` asked by value: only that account may answer (OIDC Core §5.5.1), and the hint may not name another."""
    asked = [(wanted.get(part) or {}).get("sub") for part in ("id_token", "userinfo")]
    values = [item["value"] for item in asked if item and "value" in item]
    if any(not (isinstance(value, str) and value) for value in values) or len({*values, hint_sub} - {None}) > 1:
        raise ProtocolError("invalid_request", "The value of sub is not valid.", redirect=path)
    return next(iter(values), None)


def _hinted(services: Services, client: Client, given: Mapping[str, str], path: ReturnPath) -> str | None:
    if "id_token_hint" not in given:
        return None
    try:
        claims = verify_jwt(
            services.signer,
            given["id_token_hint"],
            issuer=services.settings.issuer,
            audience=client.client_id,
            now=services.now(),
            allow_expired=True,
            require=("sub",),
            typ="JWT",
        )
    except InvalidToken as error:
        raise ProtocolError(
            "invalid_request", "id_token_hint is not valid.", detail=str(error), redirect=path
        ) from error
    return str(claims["sub"])
