"""Refresh tokens: rotation, replay, and everything that ends them (RFC 6749 §6, RFC 9700 §4.14.2, OIDC Core §12)."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, get_ident
from typing import Any

import pytest

from idp.domain.account import AccountStatus
from idp.flows.operators import accounts
from idp.store.refresh_tokens import RefreshTokens
from tests.fakes.provider import Provider
from tests.fakes.refreshing import INVALID_GRANT, RACERS, make, refreshed, refusal_of
from tests.fakes.relying_party import RelyingParty, basic


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return make(provider)


def test_a_client_without_the_grant_type_is_given_none(provider: Provider) -> None:
    plain = RelyingParty(provider)
    assert "refresh_token" not in plain.tokens()
    assert refusal_of(plain.refresh("x")) == (400, "unauthorized_client")


@pytest.mark.spec("OIDC Core §12.2")
def test_new_tokens_speak_of_the_same_login(rp: RelyingParty) -> None:
    before = rp.tokens()
    rp.provider.clock.advance(seconds=100)
    after = refreshed(rp, before["refresh_token"])
    assert after.keys() == {"access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token"}
    old, new = before["claims"], rp.verify(after["id_token"])
    assert {name: new[name] for name in ("iss", "sub", "aud", "auth_time", "sid", "acr", "amr")} == {
        name: old[name] for name in ("iss", "sub", "aud", "auth_time", "sid", "acr", "amr")
    }
    assert (new["iat"], "nonce" in new) == (old["iat"] + 100, False)
    assert new["at_hash"] != old["at_hash"]
    assert after["scope"] == before["scope"]
    assert rp.userinfo(after["access_token"]).status_code == 200
    assert rp.userinfo(before["access_token"]).status_code == 200, "it lives as long as it was said to"
    assert [event.name for event in rp.provider.events("token.refreshed")] == ["token.refreshed"]


def test_each_use_gives_another_token(rp: RelyingParty) -> None:
    seen = [rp.tokens()["refresh_token"]]
    for _ in range(3):
        rp.provider.clock.advance(minutes=1)
        seen.append(refreshed(rp, seen[-1])["refresh_token"])
    assert len(set(seen)) == 4
    assert min(map(len, seen)) >= 43


def test_claims_are_those_of_today(rp: RelyingParty) -> None:
    tokens = rp.tokens()
    rp.provider.clock.advance(seconds=5)
    accounts.set_status(rp.provider.desk, "anne.pierre", AccountStatus.ACTIVE, "confirmed")
    old, new = (
        rp.userinfo(each["access_token"]).json or {} for each in (tokens, refreshed(rp, tokens["refresh_token"]))
    )
    assert new["updated_at"] == old["updated_at"] + 5


@pytest.mark.spec("RFC 6749 §6")
def test_scope_may_be_less_and_the_next_time_all_again(rp: RelyingParty) -> None:
    less = refreshed(rp, rp.tokens()["refresh_token"], scope="openid email")
    assert less["scope"] == "openid email"
    assert "name" not in (rp.userinfo(less["access_token"]).json or {})
    assert refreshed(rp, less["refresh_token"])["scope"].split() == ["openid", "profile", "email"]


def test_without_openid_there_is_no_id_token_and_no_userinfo(rp: RelyingParty) -> None:
    less = refreshed(rp, rp.tokens()["refresh_token"], scope="email")
    assert "id_token" not in less
    refused = rp.userinfo(less["access_token"])
    assert refusal_of(refused) == (403, "insufficient_scope")


@pytest.mark.parametrize("scope", ["openid phone", "admin", " "])
def test_scope_is_never_more(rp: RelyingParty, scope: str) -> None:
    token = rp.tokens()["refresh_token"]
    assert refusal_of(rp.refresh(token, scope=scope)) == (400, "invalid_scope")
    assert rp.refresh(token).status_code == 200, "a refused request does not use the token up"


def test_what_is_no_refresh_token_is_refused(rp: RelyingParty) -> None:
    tokens = rp.tokens()
    for wrong in ("x", tokens["access_token"], tokens["refresh_token"][:-1]):
        assert refusal_of(rp.refresh(wrong)) == INVALID_GRANT
    assert refusal_of(rp.ask("/token", grant_type="refresh_token")) == (400, "invalid_request")
    assert refusal_of(rp.refresh(tokens["refresh_token"], headers={})) == (401, "invalid_client")


@pytest.mark.parametrize("name", ["refresh_token", "code"])
def test_a_token_in_the_url_is_refused(rp: RelyingParty, name: str) -> None:
    token = rp.tokens()["refresh_token"]
    assert refusal_of(rp.ask(f"/token?{name}=x", grant_type="refresh_token", refresh_token=token)) == (
        400,
        "invalid_request",
    )


@pytest.mark.spec("RFC 6749 §6")
def test_another_clients_token_is_refused_and_stays_good(rp: RelyingParty) -> None:
    make(rp.provider, "thief")
    token = rp.tokens()["refresh_token"]
    assert refusal_of(rp.refresh(token, headers=basic("thief", rp.provider.secrets["thief"]))) == INVALID_GRANT
    assert rp.refresh(token).status_code == 200
    assert refusal_of(rp.refresh(token, headers=basic("thief", rp.provider.secrets["thief"]))) == INVALID_GRANT
    assert not rp.provider.events("token.refresh_replayed"), "a guess of somebody else's kills nothing"


def test_a_lost_answer_may_be_asked_for_again(rp: RelyingParty) -> None:
    token = rp.tokens()["refresh_token"]
    lost = refreshed(rp, token)
    rp.provider.clock.advance(seconds=9)
    again = refreshed(rp, token)
    assert again["refresh_token"] != lost["refresh_token"]
    rp.provider.clock.advance(minutes=5)
    assert rp.refresh(again["refresh_token"]).status_code == 200


@pytest.mark.parametrize("case", ["late", "successor used", "withdrawn"])
def test_a_replay_revokes_all_that_came_of_the_grant(rp: RelyingParty, case: str) -> None:
    token = rp.tokens()["refresh_token"]
    first = refreshed(rp, token)
    played, living = token, first
    if case == "late":
        rp.provider.clock.advance(seconds=10)
    elif case == "successor used":
        living = refreshed(rp, first["refresh_token"])
    else:
        played, living = first["refresh_token"], refreshed(rp, token)
    assert rp.userinfo(living["access_token"]).status_code == 200
    assert refusal_of(rp.refresh(played)) == INVALID_GRANT
    assert rp.userinfo(living["access_token"]).status_code == 401
    assert refusal_of(rp.refresh(living["refresh_token"])) == INVALID_GRANT
    (event,) = rp.provider.events("token.refresh_replayed")
    assert (event.client_id, event.outcome) == ("app", "refused")


def test_of_many_uses_at_once_one_successor_works(rp: RelyingParty, monkeypatch: pytest.MonkeyPatch) -> None:
    token, barrier, use = rp.tokens()["refresh_token"], Barrier(RACERS, timeout=10), RefreshTokens.find
    on_sqlite = rp.provider.services.db.engine.dialect.name == "sqlite"
    racers: set[int] = set()

    def meet(self: RefreshTokens, *args: Any) -> Any:
        found = use(self, *args)
        if not on_sqlite and get_ident() not in racers:  # where units queue as a whole, none of them waits inside
            racers.add(get_ident())
            barrier.wait()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(RefreshTokens, "find", meet)
        with ThreadPoolExecutor(RACERS) as pool:
            responses = list(pool.map(lambda _: rp.refresh(token), range(RACERS)))
    assert [response.status_code for response in responses] == [200] * RACERS
    with rp.provider.services.db.read() as tx:
        found = [
            tx.refresh_tokens.find((response.json or {})["refresh_token"], rp.provider.clock.now())
            for response in responses
        ]
    assert [each.used_at for each in found if each].count(None) == 1
