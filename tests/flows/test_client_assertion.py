"""private_key_jwt: a client proves itself by a JWT that works once (RFC 7523 §3, OIDC Core §9)."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import fakeredis
import pytest
import structlog
from werkzeug.test import TestResponse

from idp.flows.oidc.client_keys import ClientKeys
from idp.outgoing import Unreachable
from tests.fakes.client_key import BY_JWT, ClientKey, jwks_of, make_key
from tests.fakes.clock import START
from tests.fakes.outage import Outage
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, basic

KEY = make_key()
T = int(START.timestamp())
INVALID_CLIENT = (401, "invalid_client")
CLAIMS: dict[str, Any] = {"iss": "app", "sub": "app", "aud": ISSUER, "jti": "1", "iat": T, "exp": T + 300}
PATHS = ["/token", "/introspect", "/revoke", "/par"]


@pytest.fixture
def app(provider: Provider) -> RelyingParty:
    """A client that has a key, and may act for itself."""
    add(provider, jwks=jwks_of(KEY))
    return RelyingParty(provider, "app")


def add(provider: Provider, client_id: str = "app", **changes: Any) -> None:
    grants = ("authorization_code", "client_credentials")
    provider.add_client(client_id, **{"auth_method": "private_key_jwt", "grant_types": grants, **changes})


def send(app: RelyingParty, claims: dict[str, Any], key: ClientKey = KEY, **form: str) -> TestResponse:
    return send_raw(app, key.sign(claims), **form)


def send_raw(app: RelyingParty, assertion: str, path: str = "/token", **form: str) -> TestResponse:
    fields = {"grant_type": "client_credentials", "client_assertion_type": BY_JWT, "client_assertion": assertion}
    return app.ask(path, headers={}, **{**fields, **form})


def fields_of(app: RelyingParty, path: str) -> dict[str, str]:
    """What makes a sound request of an endpoint."""
    return app.request() if path == "/par" else {"token": "x"}


def refusal_of(response: TestResponse) -> tuple[int, str]:
    body = response.json or {}
    assert body.keys() <= {"error", "error_description"}
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, body["error"]


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
def test_a_code_is_exchanged_by_assertion(provider: Provider, alg: str) -> None:
    key = make_key(alg, alg)
    add(provider, jwks=jwks_of(key))
    app = RelyingParty(provider, "app")
    code = app.login()["code"]
    response = app.token(code, headers={}, client_assertion_type=BY_JWT, client_assertion=key.sign(CLAIMS))
    assert response.status_code == 200, response.text


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


# The client and its registered method


def test_each_client_uses_the_method_that_it_registered(app: RelyingParty) -> None:
    provider = app.provider
    provider.add_client("by-secret", grant_types=("authorization_code", "client_credentials"))
    claims = {**CLAIMS, "iss": "by-secret", "sub": "by-secret"}
    assert refusal_of(send(app, claims)) == INVALID_CLIENT
    form = {"grant_type": "client_credentials"}
    assert refusal_of(app.ask("/token", headers={}, client_id="app", **form)) == INVALID_CLIENT
    assert refusal_of(app.ask("/token", headers={}, client_id="app", client_secret="x", **form)) == INVALID_CLIENT
    assert refusal_of(app.ask("/token", headers=basic("app", "x"), **form)) == INVALID_CLIENT


@pytest.mark.spec("RFC 7521 §4.2")
def test_client_id_beside_the_assertion_must_be_its_own(app: RelyingParty) -> None:
    assert refusal_of(send(app, CLAIMS, client_id="rp")) == INVALID_CLIENT
    assert send(app, CLAIMS, client_id="app").status_code == 200


def test_a_disabled_client_proves_nothing(app: RelyingParty) -> None:
    with app.provider.services.db.write() as tx:
        tx.clients.set_enabled("app", False)
    assert refusal_of(send(app, CLAIMS)) == INVALID_CLIENT


def test_two_mechanisms_at_once_are_refused(app: RelyingParty) -> None:
    assertion = KEY.sign(CLAIMS)
    assert refusal_of(send_raw(app, assertion, client_secret="x")) == (400, "invalid_request")
    fields = {"grant_type": "client_credentials", "client_assertion_type": BY_JWT, "client_assertion": assertion}
    assert refusal_of(app.ask("/token", headers=basic("app", "x"), **fields)) == (400, "invalid_request")
    assert send_raw(app, assertion).status_code == 200


@pytest.mark.parametrize("kind", ["", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", BY_JWT.upper()])
def test_another_type_of_assertion_is_refused(app: RelyingParty, kind: str) -> None:
    assert refusal_of(send(app, CLAIMS, client_assertion_type=kind)) == INVALID_CLIENT


@pytest.mark.parametrize("name", ["client_assertion", "client_assertion_type"])
def test_a_repeated_part_is_refused(app: RelyingParty, name: str) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": BY_JWT,
        "client_assertion": "x",
        name: ["a", "b"],
    }
    response = app.provider.browser().post("/token", data=form)
    assert refusal_of(response) == (400, "invalid_request")


def test_an_assertion_in_the_url_is_refused(app: RelyingParty) -> None:
    response = send_raw(app, KEY.sign(CLAIMS), "/token?client_assertion=x")
    assert refusal_of(response) == (400, "invalid_request")


# Once


def test_an_assertion_works_once(app: RelyingParty) -> None:
    for path in PATHS:
        claims = {**CLAIMS, "jti": path}
        assert send_raw(app, KEY.sign(claims), path, **fields_of(app, path)).status_code in {200, 201}
        for again in PATHS:
            assert refusal_of(send_raw(app, KEY.sign(claims), again, token="x")) == INVALID_CLIENT
    add(app.provider, "other", jwks=jwks_of(KEY))
    other = {**CLAIMS, "iss": "other", "sub": "other", "jti": "/token"}
    assert send(app, other).status_code == 200, "another client may draw the same jti"


def test_of_many_uses_at_once_one_is_taken(app: RelyingParty) -> None:
    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(response.status_code for response in pool.map(lambda _: send(app, CLAIMS), range(4)))
    assert statuses == [200, 401, 401, 401]


def test_a_store_that_was_emptied_lets_no_old_assertion_pass(app: RelyingParty) -> None:
    outage = Outage.of(app.provider)
    rp = RelyingParty(outage.provider, "app")
    assert send(rp, CLAIMS).status_code == 200
    app.provider.clock.advance(seconds=30)
    fakeredis.FakeRedis(server=outage.server).flushall()
    assert refusal_of(send(rp, CLAIMS)) == INVALID_CLIENT
    app.provider.clock.advance(seconds=1)
    assert send(rp, {**CLAIMS, "jti": "2", "iat": T + 31}).status_code == 200


def test_without_the_store_nobody_is_believed(app: RelyingParty) -> None:
    outage = Outage.of(app.provider)
    rp = RelyingParty(outage.provider, "app")
    with outage.of_ephemeral_store():
        assert refusal_of(send(rp, CLAIMS)) == (503, "temporarily_unavailable")
    assert send(rp, CLAIMS).status_code == 200


# Keys at an address


class Address:
    def __init__(self, *keys: ClientKey) -> None:
        self.keys, self.asked, self.is_down = keys, 0, False

    def fetch(self, url: str) -> bytes:
        self.asked += 1
        if self.is_down:
            raise Unreachable("no_answer", "connection refused", host="rp.example")
        return json.dumps(jwks_of(*self.keys)).encode()


def at(provider: Provider, address: Address) -> RelyingParty:
    add(provider, jwks_uri="https://rp.example/jwks")
    keys = ClientKeys(address.fetch, provider.clock)
    return RelyingParty(provider.with_services(client_keys=keys), "app")


@pytest.mark.spec("OIDC Core §10.1.1")
def test_a_new_key_is_found_at_its_address(provider: Provider) -> None:
    address = Address(KEY)
    app = at(provider, address)
    assert send(app, CLAIMS).status_code == 200
    address.keys = (KEY, make_key("newer"))
    provider.clock.advance(seconds=60)
    assert send(app, {**CLAIMS, "jti": "2"}, make_key("newer")).status_code == 200
    assert send(app, {**CLAIMS, "jti": "3"}).status_code == 200
    assert address.asked == 2


def test_unknown_keys_are_asked_for_once_a_minute(provider: Provider) -> None:
    address = Address(KEY)
    app = at(provider, address)
    for number in range(3):
        assert refusal_of(send(app, {**CLAIMS, "jti": str(number)}, make_key("forger"))) == INVALID_CLIENT
    assert address.asked == 1
    assert send(app, CLAIMS).status_code == 200


def test_an_address_that_does_not_answer_is_no_500_and_is_logged(provider: Provider) -> None:
    address = Address(KEY)
    address.is_down = True
    app = at(provider, address)
    with structlog.testing.capture_logs() as logs:
        assert refusal_of(send(app, CLAIMS)) == INVALID_CLIENT
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert (line["client_id"], line["reason"]) == ("app", "rp.example: connection refused")
    address.is_down = False
    provider.clock.advance(seconds=30)
    assert send(app, CLAIMS).status_code == 200


def test_the_log_says_why_and_holds_no_assertion(app: RelyingParty) -> None:
    assertion = KEY.sign({**CLAIMS, "aud": "https://other.example"})
    with structlog.testing.capture_logs() as logs:
        response = send_raw(app, assertion)
    assert "aud" in str(logs)
    assert assertion.rpartition(".")[2] not in str(logs)
    assert "aud" not in response.text
