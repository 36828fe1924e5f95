"""private_key_jwt (RFC 7523): assertions used twice, keys that are fetched, and what else may go wrong."""

from concurrent.futures import ThreadPoolExecutor

import fakeredis
import pytest
import structlog

from tests.fakes.client_assertions import (
    CLAIMS,
    INVALID_CLIENT,
    KEY,
    PATHS,
    Address,
    T,
    add,
    at,
    fields_of,
    refusal_of,
    send,
    send_raw,
)
from tests.fakes.client_key import BY_JWT, jwks_of, make_key
from tests.fakes.outage import Outage
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, basic


@pytest.fixture
def app(provider: Provider) -> RelyingParty:
    """A client that has a key, and may act for itself."""
    add(provider, jwks=jwks_of(KEY))
    return RelyingParty(provider, "app")


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
