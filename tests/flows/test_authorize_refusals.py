"""Each check of an authorization request: a valid request, one thing broken, the exact error."""

import json
from collections.abc import Callable
from urllib.parse import urlencode

import jwt
import pytest

from idp.flows.operators import clients
from tests.fakes.provider import RP, Provider
from tests.fakes.relying_party import CHALLENGE, RelyingParty, answer_of, error_of, page_error_of

pytestmark = pytest.mark.embedded  # each is refused before anything is written


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider)


# Before client and redirect_uri are verified: a page, never a redirect.


@pytest.mark.spec("RFC 6749 §4.1.2.1")
@pytest.mark.parametrize(
    ("client_id", "code"),
    [(None, "invalid_request"), ("", "invalid_request"), ("nobody", "unauthorized_client"), ("é", "invalid_request")],
)
def test_unknown_client_gets_a_page(rp: RelyingParty, client_id: str | None, code: str) -> None:
    assert page_error_of(rp.authorize(client_id=client_id)) == code


def test_disabled_client_gets_a_page(rp: RelyingParty) -> None:
    clients.set_enabled(rp.provider.desk, "rp", False)
    assert page_error_of(rp.authorize()) == "unauthorized_client"


@pytest.mark.spec("OIDC Core §3.1.2.1")
@pytest.mark.parametrize("redirect_uri", [None, ""])
def test_redirect_uri_is_required_even_where_one_is_registered(rp: RelyingParty, redirect_uri: str | None) -> None:
    response = rp.authorize(redirect_uri=redirect_uri)
    assert page_error_of(response) == "invalid_request"
    assert "redirect_uri is missing" in response.text


@pytest.mark.spec("RFC 9700 §2.1")
@pytest.mark.parametrize(
    "redirect_uri",
    [
        f"{RP}/rp/callback/",
        f"{RP}/rp/callback/more",
        f"{RP}/rp/callback?a=b",
        f"{RP}/rp/callback#",
        f"{RP}/rp/callbac%6B",
        f"{RP}/rp/CALLBACK",
        f"{RP}:443/rp/callback",
        f"{RP}/other/callback",
        "http://rp.example/rp/callback",
        "https://rp.example@evil.example/rp/callback",
        "https://evil.example/rp/callback",
        "javascript:alert(1)",
        f"{RP}/rp/callback\r\nX: y",
    ],
)
def test_redirect_uri_is_compared_character_by_character(rp: RelyingParty, redirect_uri: str) -> None:
    rp.provider.add_client("other")
    assert page_error_of(rp.authorize(redirect_uri=redirect_uri)) == "invalid_request"


@pytest.mark.spec("RFC 6749 §3.1")
@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_repeated_client_or_redirect_uri_gets_a_page(rp: RelyingParty, name: str) -> None:
    request = rp.request()
    response = rp.browser.get("/authorize?" + urlencode([*request.items(), (name, request[name])]))
    assert page_error_of(response) == "invalid_request"


def test_page_comes_first_when_several_things_are_wrong(rp: RelyingParty) -> None:
    assert page_error_of(rp.authorize(redirect_uri="https://evil.example/", response_type="token", scope=None))


# After that: a redirect with `state` and `iss`.


@pytest.mark.spec("RFC 6749 §3.1")
@pytest.mark.parametrize(
    "name",
    [
        "response_type", "scope", "nonce", "code_challenge", "code_challenge_method", "prompt", "max_age",
        "acr_values", "claims", "login_hint", "id_token_hint", "ui_locales", "response_mode", "request",
        "request_uri", "registration",
    ],
)  # fmt: skip
def test_repeated_parameter_is_refused(rp: RelyingParty, name: str) -> None:
    request = list(rp.request().items())
    doubled = [*request, (name, "a"), (name, "b")]
    assert error_of(rp.browser.get("/authorize?" + urlencode(doubled))) == "invalid_request"


def test_repeated_state_is_refused_and_not_echoed(rp: RelyingParty) -> None:
    doubled = [*rp.request().items(), ("state", "other")]
    assert error_of(rp.browser.get("/authorize?" + urlencode(doubled)), state=None) == "invalid_request"


@pytest.mark.parametrize("state", ["é", "a\r\nb", "\x00", "\x7f", "s" * 2049])
def test_state_that_cannot_be_echoed_is_refused_without_it(rp: RelyingParty, state: str) -> None:
    assert error_of(rp.authorize(state=state), state=None) == "invalid_request"


@pytest.mark.parametrize("value", ["a\tb", "\x00", "é", "\ud7ff", "n" * 2049])
def test_parameter_that_is_not_printable_ascii_is_refused(rp: RelyingParty, value: str) -> None:
    assert error_of(rp.authorize(nonce=value)) == "invalid_request"


@pytest.mark.parametrize(("name", "length"), [("login_hint", 320), ("claims", 8192), ("id_token_hint", 8192)])
def test_parameters_with_a_limit_of_their_own(rp: RelyingParty, name: str, length: int) -> None:
    answer = answer_of(rp.authorize(**{name: "x" * (length + 1)}))
    assert (answer["error"], answer["error_description"]) == ("invalid_request", f"{name} is too long.")


@pytest.mark.spec("OAuth 2.0 Multiple Response Types §2.1")
@pytest.mark.parametrize("mode", ["fragment", "jwt", "query.jwt", "QUERY"])
def test_unknown_response_mode_is_refused_by_query(rp: RelyingParty, mode: str) -> None:
    assert error_of(rp.authorize(response_mode=mode)) == "invalid_request"


@pytest.mark.spec("OIDC Core §6.1, §6.2, §7.2.1")
@pytest.mark.parametrize("name", ["request", "request_uri", "registration"])
def test_what_is_not_supported_is_said(rp: RelyingParty, name: str) -> None:
    assert error_of(rp.authorize(**{name: "https://rp.example/object"})) == f"{name}_not_supported"


@pytest.mark.spec("RFC 6749 §3.1.1")
@pytest.mark.parametrize(
    ("response_type", "code"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("token", "unsupported_response_type"),
        ("id_token", "unsupported_response_type"),
        ("code id_token", "unsupported_response_type"),
        ("code token", "unsupported_response_type"),
        ("none", "unsupported_response_type"),
        ("CODE", "unsupported_response_type"),
    ],
)
def test_only_the_code_flow(rp: RelyingParty, response_type: str | None, code: str) -> None:
    assert error_of(rp.authorize(response_type=response_type)) == code


@pytest.mark.spec("OIDC Core §3.1.2.1")
@pytest.mark.parametrize("scope", [None, "", "profile email", "OPENID", "openid2"])
def test_scope_needs_openid(rp: RelyingParty, scope: str | None) -> None:
    assert error_of(rp.authorize(scope=scope)) == "invalid_scope"


def test_scopes_that_are_not_the_clients_are_left_out(rp: RelyingParty) -> None:
    rp.provider.add_client("small", scopes=("openid", "profile"))
    tokens = RelyingParty(rp.provider, "small").tokens(scope="email openid phone unheard-of profile")
    assert tokens["scope"] == "openid profile"


@pytest.mark.spec("RFC 7636 §4.4.1")
@pytest.mark.parametrize(
    ("challenge", "method"),
    [
        (None, None),
        (None, "S256"),
        (CHALLENGE, None),
        (CHALLENGE, "plain"),
        (CHALLENGE, "s256"),
        (CHALLENGE[:-1], "S256"),
        (CHALLENGE + "a", "S256"),
        (CHALLENGE[:-1] + "=", "S256"),
        (CHALLENGE[:-1] + "~", "S256"),
    ],
)
def test_pkce_s256_is_required(rp: RelyingParty, challenge: str | None, method: str | None) -> None:
    response = rp.authorize(code_challenge=challenge, code_challenge_method=method)
    assert error_of(response) == "invalid_request"


@pytest.mark.parametrize(
    ("challenge", "method"), [(None, "S256"), (CHALLENGE, "plain"), (CHALLENGE, None), ("short", "S256")]
)
def test_pkce_that_is_sent_must_be_sound_even_where_it_is_not_required(
    rp: RelyingParty, challenge: str | None, method: str | None
) -> None:
    rp.provider.add_client("lenient", require_pkce=False)
    response = RelyingParty(rp.provider, "lenient").authorize(code_challenge=challenge, code_challenge_method=method)
    assert error_of(response) == "invalid_request"


@pytest.mark.spec("OIDC Core §3.1.2.1")
@pytest.mark.parametrize("prompt", ["none login", "login none", "none consent", "create", "LOGIN", "login,consent"])
def test_unknown_or_contradictory_prompt_is_refused(rp: RelyingParty, prompt: str) -> None:
    assert error_of(rp.authorize(prompt=prompt)) == "invalid_request"


@pytest.mark.parametrize("max_age", ["-1", "+1", "1.5", "1e3", "abc", " 1", "1234567890", "\u0661"])
def test_max_age_is_a_number_of_seconds(rp: RelyingParty, max_age: str) -> None:
    assert error_of(rp.authorize(max_age=max_age)) == "invalid_request"


@pytest.mark.spec("OIDC Core §5.5")
@pytest.mark.parametrize(
    "claims",
    [
        "not json",
        "[]",
        '"text"',
        "null",
        "[" * 5000,
        "1" * 5000,
        {"userinfo": []},
        {"id_token": "name"},
        {"userinfo": {"name": True}},
        {"userinfo": {"name": []}},
        {"userinfo": {f"claim{i}": None for i in range(51)}},
        {"id_token": {"acr": {"values": "eidas1"}}},
        {"id_token": {"acr": {"values": [1]}}},
        {"id_token": {"acr": {"value": 1}}},
        {"id_token": {"acr": {"values": ["x"] * 51}}},
        {"id_token": {"acr": {"values": ["\ud800"]}}},
        {"id_token": {"sub": {"value": 1}}},
        {"id_token": {"sub": {"value": ""}}},
        {"userinfo": {"sub": {"value": ["a"]}}},
        {"id_token": {"sub": {"value": "a"}}, "userinfo": {"sub": {"value": "b"}}},
    ],
)
def test_claims_must_be_an_object_of_objects(rp: RelyingParty, claims: object) -> None:
    text = claims if isinstance(claims, str) else json.dumps(claims)
    assert error_of(rp.authorize(claims=text)) == "invalid_request"


def _unsigned(rp: RelyingParty, hint: str) -> str:
    payload = jwt.decode(hint, options={"verify_signature": False})
    return jwt.encode(payload, "", algorithm="none", headers={"kid": jwt.get_unverified_header(hint)["kid"]})


def _foreign_key(rp: RelyingParty, hint: str) -> str:
    payload = jwt.decode(hint, options={"verify_signature": False})
    return jwt.encode(payload, "k" * 32, "HS256", headers={"kid": jwt.get_unverified_header(hint)["kid"]})


def _of_another_client(rp: RelyingParty, hint: str) -> str:
    rp.provider.add_client("other")
    return str(RelyingParty(rp.provider, "other").tokens()["id_token"])


@pytest.mark.spec("OIDC Core §3.1.2.1")
@pytest.mark.parametrize(
    "forge",
    [
        lambda rp, hint: "garbage",
        lambda rp, hint: hint[:-5] + "AAAAA",
        lambda rp, hint: hint + "=",
        _unsigned,
        _foreign_key,
        _of_another_client,
    ],
)
def test_id_token_hint_must_be_ours_and_for_this_client(
    rp: RelyingParty, forge: Callable[[RelyingParty, str], str]
) -> None:
    hint = rp.tokens()["id_token"]
    assert error_of(rp.authorize(id_token_hint=forge(rp, hint), prompt="none")) == "invalid_request"


def test_id_token_hint_and_sub_by_value_must_agree(rp: RelyingParty) -> None:
    hint = rp.tokens()["id_token"]
    other = rp.provider.add_account("paul.durand").account_id
    claims = json.dumps({"id_token": {"sub": {"value": other}}})
    assert error_of(rp.authorize(id_token_hint=hint, claims=claims)) == "invalid_request"
