"""The token endpoint: client authentication, PKCE, codes that work once."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from idp.domain.account import AccountStatus
from idp.flows.operators import accounts, clients
from idp.store import Tx
from idp.store.grants import Grants
from tests.fakes.provider import RP, Provider
from tests.fakes.relying_party import VERIFIER, RelyingParty, basic, s256


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider)


def refusal_of(response: TestResponse) -> tuple[int, str]:
    """Status and code; an error is JSON, never kept, and names a way to authenticate with every 401."""
    body = response.json
    assert body, response.text
    assert body.keys() <= {"error", "error_description"}
    assert response.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in response.headers) == (response.status_code == 401)
    return response.status_code, body["error"]


INVALID_CLIENT = (401, "invalid_client")
INVALID_REQUEST = (400, "invalid_request")
INVALID_GRANT = (400, "invalid_grant")


@pytest.mark.spec("OIDC Core §3.1.3.3")
def test_success_is_json_that_nobody_keeps(rp: RelyingParty) -> None:
    response = rp.token(rp.login()["code"])
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert (response.headers["Cache-Control"], response.headers["Pragma"]) == ("no-store", "no-cache")
    body = response.json or {}
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope", "id_token"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)
    assert body["scope"].split() == ["openid", "profile", "email"]
    assert len(body["access_token"]) >= 43


# Client authentication (RFC 6749 §2.3)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_each_method_works_for_the_clients_that_registered_it_only(provider: Provider, method: str) -> None:
    provider.add_client("mine", auth_method=method)
    mine = RelyingParty(provider, "mine")
    secret = provider.secrets.get("mine", "no-secret")
    offered: dict[str, tuple[dict[str, str], dict[str, str]]] = {
        "client_secret_basic": (basic("mine", secret), {}),
        "client_secret_post": ({}, {"client_id": "mine", "client_secret": secret}),
        "none": ({}, {"client_id": "mine"}),
    }
    code = mine.login()["code"]
    for name, (headers, fields) in offered.items():
        if name != method:
            assert refusal_of(mine.token(code, headers=headers, **fields)) == INVALID_CLIENT
    headers, fields = offered[method]
    assert mine.token(code, headers=headers, **fields).status_code == 200


@pytest.mark.spec("RFC 6749 §5.2")
def test_wrong_secret_or_client_is_invalid_client(rp: RelyingParty) -> None:
    code, secret = rp.login()["code"], rp.provider.secrets["rp"]
    for headers in (
        {},
        basic("rp", secret[:-1]),
        basic("rp", secret + "a"),
        basic("rp", "%C3%A9%00"),
        basic("nobody", secret),
        basic("%00", secret),
        basic("%C3%A9", secret),
    ):
        assert refusal_of(rp.token(code, headers=headers)) == INVALID_CLIENT
    assert rp.token(code).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + base64.b64encode(b"rp").decode(),
        "Basic " + base64.b64encode(b"rp:").decode(),
        "Basic " + base64.b64encode(b":secret").decode(),
        "Basic " + base64.b64encode("rp:é".encode()).decode(),
        "Basic " + base64.b64encode(b"rp:\xff").decode(),
        "Bearer abc",
        "é",
    ],
)
def test_malformed_authorization_is_invalid_client(rp: RelyingParty, header: str) -> None:
    rp.provider.add_client("app", auth_method="none")
    assert refusal_of(rp.token("x", headers={"Authorization": header})) == INVALID_CLIENT
    assert refusal_of(rp.token("x", headers={"Authorization": header}, client_id="app")) == INVALID_CLIENT


def test_basic_credentials_are_percent_decoded(rp: RelyingParty) -> None:
    raw = f"{quote('rp')}:{''.join(f'%{ord(c):02X}' for c in rp.provider.secrets['rp'])}"
    encoded = {"Authorization": "basic " + base64.b64encode(raw.encode()).decode()}
    assert rp.token(rp.login()["code"], headers=encoded).status_code == 200


@pytest.mark.spec("RFC 6749 §2.3")
def test_two_mechanisms_at_once_are_refused(rp: RelyingParty) -> None:
    secret = rp.provider.secrets["rp"]
    assert refusal_of(rp.token(rp.login()["code"], client_id="rp", client_secret=secret)) == INVALID_REQUEST


def test_client_id_beside_the_credentials_must_be_the_same(rp: RelyingParty) -> None:
    rp.provider.add_client("other")
    code = rp.login()["code"]
    assert refusal_of(rp.token(code, client_id="other")) == INVALID_CLIENT
    assert rp.token(code, client_id="rp").status_code == 200


def test_disabled_client_is_invalid_client(rp: RelyingParty) -> None:
    code = rp.login()["code"]
    clients.set_enabled(rp.provider.desk, "rp", False)
    assert refusal_of(rp.token(code)) == INVALID_CLIENT


def test_renewed_secret_replaces_the_one_before(rp: RelyingParty) -> None:
    code = rp.login()["code"]
    renewed = clients.renew_secret(rp.provider.desk, "rp")
    assert refusal_of(rp.token(code)) == INVALID_CLIENT
    assert rp.token(code, headers=basic("rp", renewed)).status_code == 200


# The request


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"grant_type": None}, INVALID_REQUEST),
        ({"grant_type": "refresh_token"}, (400, "unauthorized_client")),
        ({"grant_type": "client_credentials"}, (400, "unauthorized_client")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": "é"}, INVALID_REQUEST),
        ({"code": None}, INVALID_REQUEST),
        ({"code": "unknown"}, INVALID_GRANT),
        ({"redirect_uri": None}, INVALID_GRANT),
        ({"redirect_uri": f"{RP}/rp/callback/"}, INVALID_GRANT),
        ({"redirect_uri": f"{RP}/rp/second"}, INVALID_GRANT),
        ({"code_verifier": None}, INVALID_REQUEST),
        ({"code_verifier": VERIFIER[:-1] + "l"}, INVALID_GRANT),
        ({"code_verifier": s256(VERIFIER)}, INVALID_GRANT),
        ({"code_verifier": VERIFIER[:42]}, INVALID_REQUEST),
        ({"code_verifier": "a" * 129}, INVALID_REQUEST),
    ],
)
def test_one_thing_wrong(rp: RelyingParty, changes: dict[str, str | None], refusal: tuple[int, str]) -> None:
    rp.provider.add_client("two", redirect_uris=(f"{RP}/rp/callback", f"{RP}/rp/second"))
    code = rp.login()["code"]
    assert refusal_of(rp.token(**{"code": code, **changes})) == refusal  # type: ignore[arg-type]
    assert rp.token(code).status_code == 200, "a refused request does not use the code up"


@pytest.mark.parametrize(
    "name", ["grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier", "scope"]
)
def test_repeated_parameter_is_refused(rp: RelyingParty, name: str) -> None:
    form = {"grant_type": "authorization_code", "code": "x", name: ["a", "b"]}
    response = rp.provider.browser().post("/token", data=form, headers=rp.basic())
    assert refusal_of(response) == INVALID_REQUEST


def test_only_a_form_by_post(rp: RelyingParty) -> None:
    browser, form = rp.provider.browser(), {"grant_type": "authorization_code", "code": "x"}
    assert refusal_of(browser.post("/token", json=form, headers=rp.basic())) == INVALID_REQUEST
    multipart = browser.post("/token", data=form, headers=rp.basic(), content_type="multipart/form-data")
    assert refusal_of(multipart) == INVALID_REQUEST
    assert refusal_of(browser.get("/token", query_string=form, headers=rp.basic())) == (405, "invalid_request")


@pytest.mark.spec("RFC 6749 §2.3.1")
@pytest.mark.parametrize("name", ["client_secret", "code"])
def test_credentials_in_the_url_are_refused(rp: RelyingParty, name: str) -> None:
    form = {"grant_type": "authorization_code", "code": rp.login()["code"]}
    response = rp.provider.browser().post(f"/token?{name}=x", data=form, headers=rp.basic())
    assert refusal_of(response) == INVALID_REQUEST


# PKCE (RFC 7636)


@pytest.mark.spec("RFC 9700 §2.1.1")
def test_verifier_without_a_challenge_is_a_downgrade(provider: Provider) -> None:
    provider.add_client("lenient", require_pkce=False)
    lenient = RelyingParty(provider, "lenient")
    code = lenient.login(code_challenge=None, code_challenge_method=None)["code"]
    assert refusal_of(lenient.token(code)) == INVALID_REQUEST
    assert lenient.token(code, code_verifier=None).status_code == 200


def test_challenge_is_enforced_even_where_it_was_not_required(provider: Provider) -> None:
    provider.add_client("lenient", require_pkce=False)
    lenient = RelyingParty(provider, "lenient")
    code = lenient.login()["code"]
    assert refusal_of(lenient.token(code, code_verifier=None)) == INVALID_REQUEST
    assert refusal_of(lenient.token(code, code_verifier="b" * 43)) == INVALID_GRANT


# Codes


@pytest.mark.spec("RFC 6749 §5.2")
def test_code_of_another_client_is_refused_and_stays_good(rp: RelyingParty) -> None:
    rp.provider.add_client("other", redirect_uris=(rp.redirect_uri,))
    code = rp.login()["code"]
    thief = basic("other", rp.provider.secrets["other"])
    assert refusal_of(rp.token(code, headers=thief)) == INVALID_GRANT
    assert rp.token(code).status_code == 200


@pytest.mark.parametrize(("age_s", "status"), [(59, 200), (60, 400)])
def test_code_lives_60_seconds(rp: RelyingParty, age_s: int, status: int) -> None:
    code = rp.login()["code"]
    rp.provider.clock.advance(seconds=age_s)
    assert rp.token(code).status_code == status


@pytest.mark.spec("RFC 6749 §4.1.2")
@pytest.mark.parametrize("after_s", [0, 30, 120])
def test_code_used_twice_revokes_what_it_gave(rp: RelyingParty, after_s: int) -> None:
    code = rp.login()["code"]
    access_token = rp.redeem(code)["access_token"]
    assert rp.userinfo(access_token).status_code == 200
    rp.provider.clock.advance(seconds=after_s)
    assert refusal_of(rp.token(code)) == INVALID_GRANT
    assert rp.userinfo(access_token).status_code == 401
    (event,) = rp.provider.events("token.code_replayed")
    assert (event.client_id, event.outcome) == ("rp", "refused")


def test_code_of_a_session_that_ended_is_refused(rp: RelyingParty) -> None:
    code = rp.login()["code"]
    accounts.set_status(rp.provider.desk, "anne.pierre", AccountStatus.SUSPENDED, "left")
    assert refusal_of(rp.token(code)) == INVALID_GRANT


@pytest.mark.spec("RFC 6749 §4.1.2, RFC 9700 §4.5")
def test_of_two_uses_at_once_exactly_one_gets_tokens(rp: RelyingParty, monkeypatch: pytest.MonkeyPatch) -> None:
    code, barrier, database = rp.login()["code"], Barrier(2, timeout=10), rp.provider.services.db
    begin, met = database.write, threading.local()

    def meet() -> AbstractContextManager[Tx]:
        if not hasattr(met, "once"):
            met.once = True
            barrier.wait()  # both clients have proven themselves before either looks for the code
        return begin()

    monkeypatch.setattr(database, "write", meet)
    with ThreadPoolExecutor(2) as pool:
        responses = [task.result() for task in [pool.submit(rp.token, code) for _ in range(2)]]
    won, lost = sorted(responses, key=lambda response: response.status_code)
    assert won.status_code == 200
    assert refusal_of(lost) == INVALID_GRANT
    assert rp.userinfo((won.json or {})["access_token"]).status_code == 401, "two uses revoke what the first gave"


def test_a_code_that_a_logout_killed_meanwhile_is_no_replay(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    rp = RelyingParty(provider)
    code = rp.login()["code"]
    redeem = Grants.redeem

    def after_logout(self: Grants, grant_id: str, now: datetime, **options: Any) -> bool:
        self.revoke(grant_id, now)
        return redeem(self, grant_id, now, **options)

    monkeypatch.setattr(Grants, "redeem", after_logout)
    assert rp.token(code).json == {
        "error": "invalid_grant",
        "error_description": "The authorization code is not valid.",
    }
    assert not provider.events("token.code_replayed")


def test_an_old_code_of_a_public_client_ends_nothing(provider: Provider) -> None:
    """Anybody may call themselves the client, and whoever saw the address has the code."""
    provider.add_client("app", auth_method="none")
    app = RelyingParty(provider, "app")
    code = app.login()["code"]
    tokens = app.token(code, headers={}, client_id="app").json or {}
    provider.clock.advance(seconds=61)
    assert refusal_of(app.token(code, headers={}, client_id="app")) == INVALID_GRANT
    assert app.userinfo(tokens["access_token"]).status_code == 200
    assert not provider.events("token.code_replayed")


def test_a_code_of_a_client_that_was_disabled_meanwhile(rp: RelyingParty, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process knows of the client may be a second old; what is written asks SQL."""
    provider, code = rp.provider, rp.login()["code"]
    monkeypatch.setattr(provider.services.configuration, "max_age", timedelta(days=1))
    provider.services.configuration.refresh()
    with provider.services.db.write() as tx:
        assert tx.clients.set_enabled("rp", False)
    assert refusal_of(rp.token(code)) == INVALID_GRANT


def test_the_tokens_of_a_client_that_is_disabled_are_dead(rp: RelyingParty) -> None:
    token = rp.tokens()["access_token"]
    with rp.provider.services.db.write() as tx:
        assert tx.clients.set_enabled("rp", False)
    assert rp.userinfo(token).status_code == 401
