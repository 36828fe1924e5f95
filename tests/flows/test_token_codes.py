"""The token endpoint: codes that work once, and what they gave."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from idp.domain.account import AccountStatus
from idp.flows.operators import accounts, clients
from idp.store import Tx
from idp.store.grants import Grants
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, basic
from tests.fakes.token_requests import INVALID_GRANT, INVALID_REQUEST, refusal_of


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider)


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


def test_a_scope_that_was_taken_away_is_in_no_code_of_a_process_that_did_not_know(rp: RelyingParty) -> None:
    provider, asked = rp.provider, "openid profile email"
    rp.login(scope=asked)
    provider.services.configuration.max_age = timedelta(seconds=1)
    clients.change(provider.desk, "rp", {"scopes": ("openid",)})
    code = rp.silent(scope=asked)["code"]
    assert refusal_of(rp.token(code)) == INVALID_GRANT
    provider.clock.advance(seconds=1)
    assert (rp.token(rp.silent(scope=asked)["code"]).json or {})["scope"] == "openid"


def test_the_tokens_of_a_client_that_is_disabled_are_dead(rp: RelyingParty) -> None:
    token = rp.tokens()["access_token"]
    with rp.provider.services.db.write() as tx:
        assert tx.clients.set_enabled("rp", False)
    assert rp.userinfo(token).status_code == 401
