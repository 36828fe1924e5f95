"""private_key_jwt: a client proves itself by a JWT that works once (RFC 7523 §3, OIDC Core §9)."""

from typing import Any

import pytest

from tests.fakes.client_assertions import (
    CLAIMS,
    INVALID_CLIENT,
    KEY,
    PATHS,
    T,
    add,
    fields_of,
    refusal_of,
    send,
    send_raw,
)
from tests.fakes.client_key import BY_JWT, ClientKey, jwks_of, make_key
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, basic


@pytest.fixture
def app(provider: Provider) -> RelyingParty:
    """A client that has a key, and may act for itself."""
    add(provider, jwks=jwks_of(KEY))
    return RelyingParty(provider, "app")


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
def test_a_code_is_exchanged_by_assertion(provider: Provider, alg: str) -> None:
    key = make_key(alg, alg)
    add(provider, jwks=jwks_of(key))
    app = RelyingParty(provider, "app")
    code = app.login()["code"]
    response = app.token(code, headers={}, client_assertion_type=BY_JWT, client_assertion=key.sign(CLAIMS))
    assert response.status_code == 200, response.text


@pytest.mark.embedded  # of the claims alone: what a store remembers is in test_client_assertion_replay.py
@pytest.mark.parametrize(
    "audience",
    [ISSUER, f"{ISSUER}/token", [ISSUER], [f"{ISSUER}/token"]],
    ids=["issuer", "token", "[issuer]", "[token]"],
)
@pytest.mark.parametrize("path", PATHS)
def test_issuer_and_token_endpoint_are_audiences_everywhere(app: RelyingParty, path: str, audience: Any) -> None:
    response = send_raw(app, KEY.sign({**CLAIMS, "aud": audience}), path, **fields_of(app, path))
    assert response.status_code in {200, 201}, response.text


@pytest.mark.parametrize("path", PATHS)
def test_an_endpoint_is_the_audience_of_what_is_sent_to_it(app: RelyingParty, path: str) -> None:
    response = send_raw(app, KEY.sign({**CLAIMS, "aud": f"{ISSUER}{path}"}), path, **fields_of(app, path))
    assert response.status_code in {200, 201}, response.text
    other = "/revoke" if path != "/revoke" else "/introspect"
    assert refusal_of(send_raw(app, KEY.sign({**CLAIMS, "jti": "2", "aud": ISSUER + other}), path)) == INVALID_CLIENT


@pytest.mark.embedded  # of the claims alone: what a store remembers is in test_client_assertion_replay.py
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "rp"},
        {"iss": None},
        {"sub": "rp"},
        {"sub": "nobody"},
        {"sub": None},
        {"sub": ["app"]},
        {"sub": "\x00"},
        {"aud": None},
        {"aud": []},
        {"aud": "https://other.example"},
        {"aud": f"{ISSUER}/"},
        {"aud": f"{ISSUER}/authorize"},
        {"aud": [ISSUER, "https://other.example"]},
        {"aud": [[ISSUER]]},
        {"aud": {"a": 1}},
        {"exp": None},
        {"exp": T - 60},
        {"exp": T + 601},
        {"iat": T + 61},
        {"nbf": T + 61},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 257},
        {"jti": 5},
    ],
    ids=str,
)
def test_one_claim_wrong(app: RelyingParty, changes: dict[str, Any]) -> None:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    assert refusal_of(send(app, claims)) == INVALID_CLIENT
    assert send(app, CLAIMS).status_code == 200, "a refused assertion is not used up"


def test_optional_claims_may_be_absent(app: RelyingParty) -> None:
    """Without iat it counts as old as exp lets it be."""
    claims = {name: value for name, value in CLAIMS.items() if name != "iat"}
    app.provider.clock.advance(seconds=300)
    assert send(app, {**claims, "exp": T + 600}).status_code == 200
    assert refusal_of(send(app, {**claims, "exp": T + 599, "jti": "2"})) == INVALID_CLIENT


def test_unsigned_forged_or_foreign_assertions_are_refused(app: RelyingParty) -> None:
    forger = make_key("forger")
    for key in (forger, ClientKey(KEY.kid, "ES256", forger.private)):
        assert refusal_of(send(app, CLAIMS, key)) == INVALID_CLIENT
        assert refusal_of(send_raw(app, key.sign(CLAIMS, jwk=forger.jwk))) == INVALID_CLIENT
    header, payload, signature = KEY.sign(CLAIMS).split(".")
    unsigned = "eyJhbGciOiJub25lIiwia2lkIjoiazEifQ"
    for broken in (
        f"{unsigned}.{payload}.",
        f"{unsigned}.{payload}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature}=",
        f"{header}.{payload}",
        "x",
        "a.b.c",
    ):
        assert refusal_of(send_raw(app, broken)) == INVALID_CLIENT


def test_an_id_token_of_ours_is_no_assertion(app: RelyingParty) -> None:
    app.provider.add_client("rp2")
    id_token = RelyingParty(app.provider, "rp2").tokens()["id_token"]
    assert refusal_of(send_raw(app, id_token)) == INVALID_CLIENT


def test_each_client_uses_the_method_that_it_registered(app: RelyingParty) -> None:
    provider = app.provider
    provider.add_client("by-secret", grant_types=("authorization_code", "client_credentials"))
    claims = {**CLAIMS, "iss": "by-secret", "sub": "by-secret"}
    assert refusal_of(send(app, claims)) == INVALID_CLIENT
    form = {"grant_type": "client_credentials"}
    assert refusal_of(app.ask("/token", headers={}, client_id="app", **form)) == INVALID_CLIENT
    assert refusal_of(app.ask("/token", headers={}, client_id="app", client_secret="x", **form)) == INVALID_CLIENT
    assert refusal_of(app.ask("/token", headers=basic("app", "x"), **form)) == INVALID_CLIENT
