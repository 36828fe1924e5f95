"""Refresh tokens: rotation, replay, and everything that ends them (RFC 6749 §6, RFC 9700 §4.14.2, OIDC Core §12)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from werkzeug.test import TestResponse

from idp.domain.account import AccountStatus
from idp.domain.authn import Assurance
from idp.flows import answer
from idp.flows.operators import accounts, clients
from idp.store.refresh_tokens import RefreshTokens
from idp.store.sessions import Sessions
from tests.fakes.provider import ALL_SCOPES, Provider
from tests.fakes.relying_party import RelyingParty, basic

GRANTS = ("authorization_code", "refresh_token")
INVALID_GRANT = (400, "invalid_grant")
RACERS = 4


def make(provider: Provider, client_id: str = "app", **changes: Any) -> RelyingParty:
    provider.add_client(client_id, **{"grant_types": GRANTS, **changes})
    return RelyingParty(provider, client_id)


def make_offline(provider: Provider) -> RelyingParty:
    scopes, lifetime = (*ALL_SCOPES, "offline_access"), timedelta(days=10)
    return make(provider, "offline", scopes=scopes, offline_lifetime=lifetime)


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return make(provider)


def refusal_of(response: TestResponse) -> tuple[int, str]:
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, (response.json or {})["error"]


def refreshed(rp: RelyingParty, token: str, **changes: str) -> dict[str, Any]:
    response = rp.refresh(token, **changes)
    assert response.status_code == 200, response.text
    assert response.headers["Cache-Control"] == "no-store"
    return dict(response.json or {})


# What is given


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


# Refusals


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


# Replay (RFC 9700 §4.14.2)


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

    def meet(self: RefreshTokens, *args: Any) -> Any:
        found = use(self, *args)
        if not on_sqlite:  # where the units queue as a whole, none of them waits inside
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


# What ends them


@pytest.mark.parametrize("offline", [False, True])
@pytest.mark.parametrize("end", ["suspended", "no access", "new password", "client disabled"])
def test_they_die_at_once_and_for_good(provider: Provider, end: str, offline: bool) -> None:
    rp = make_offline(provider) if offline else make(provider)
    with provider.services.db.write() as tx:
        account = provider.desk.account(tx, "anne.pierre")
        accounts.entitle(provider.desk, tx, account, rp.client_id)
    tokens = rp.tokens(scope="openid email offline_access")
    if end == "suspended":
        accounts.set_status(provider.desk, "anne.pierre", AccountStatus.SUSPENDED, "left")
    elif end == "no access":
        accounts.withdraw(provider.desk, "anne.pierre", rp.client_id)
    elif end == "client disabled":
        clients.set_enabled(provider.desk, rp.client_id, enabled=False)
    else:
        rp.post("/password/forgot", page="/password/forgot", login="anne.pierre")
        path, new = provider.last_reset_path(), "quatre nouveaux mots ensemble"
        assert rp.post(path, page=path, password=new, confirmation=new).status_code == 303
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    expected = (401, "invalid_client") if end == "client disabled" else INVALID_GRANT
    assert refusal_of(rp.refresh(tokens["refresh_token"])) == expected
    if end == "suspended":
        accounts.set_status(provider.desk, "anne.pierre", AccountStatus.ACTIVE, "back")
    elif end == "client disabled":
        clients.set_enabled(provider.desk, rp.client_id, enabled=True)
    assert refusal_of(rp.refresh(tokens["refresh_token"])) == INVALID_GRANT
    assert rp.userinfo(tokens["access_token"]).status_code == 401


def test_a_session_that_ends_meanwhile_ends_them(rp: RelyingParty, monkeypatch: pytest.MonkeyPatch) -> None:
    """After it was found alive: what is written counts, not what was read."""
    token, find = rp.tokens()["refresh_token"], RefreshTokens.find

    def find_and_end(self: RefreshTokens, given: str, now: datetime) -> Any:
        found = find(self, given, now)
        assert found
        assert Sessions(self._db, []).end(found.grant.session_id, now)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(RefreshTokens, "find", find_and_end)
        assert refusal_of(rp.refresh(token)) == INVALID_GRANT


def logout(rp: RelyingParty) -> None:
    """As /logout and the portal do."""
    cookie, provider = rp.browser.get_cookie("__Host-sesame-session"), rp.provider
    assert cookie
    with provider.services.db.write() as tx:
        found = tx.sessions.find(cookie.value, provider.clock.now(), provider.services.settings.session_idle)
        assert found
        answer.end_session(provider.services, tx, found, "logout")


@pytest.mark.spec("OIDC Core §11")
def test_log_out_ends_what_is_bound_to_the_session_only(provider: Provider) -> None:
    bound, offline = make(provider), make_offline(provider)
    offline.browser = bound.browser
    mine = bound.tokens()
    kept = offline.redeem(offline.silent(scope="openid email offline_access")["code"])
    unasked = offline.redeem(offline.silent(scope="openid email")["code"])
    logout(bound)
    assert refusal_of(bound.refresh(mine["refresh_token"])) == INVALID_GRANT
    assert bound.userinfo(mine["access_token"]).status_code == 401
    assert refusal_of(offline.refresh(unasked["refresh_token"])) == INVALID_GRANT
    assert offline.userinfo(kept["access_token"]).status_code == 200
    assert offline.refresh(kept["refresh_token"]).status_code == 200


def test_a_client_without_offline_access_does_not_get_it(rp: RelyingParty) -> None:
    tokens = rp.tokens(scope="openid offline_access")
    assert tokens["scope"] == "openid"
    logout(rp)
    assert refusal_of(rp.refresh(tokens["refresh_token"])) == INVALID_GRANT


def test_an_idle_session_ends_them_and_a_refresh_keeps_it_awake(rp: RelyingParty) -> None:
    token = rp.tokens()["refresh_token"]
    for _ in range(7):  # 29 minutes each: less than the idle life, more than three hours together
        rp.provider.clock.advance(minutes=29)
        token = refreshed(rp, token)["refresh_token"]
    assert "code" in rp.silent()
    rp.provider.clock.advance(minutes=30)
    assert refusal_of(rp.refresh(token)) == INVALID_GRANT


def test_the_absolute_end_of_the_session_is_theirs(rp: RelyingParty) -> None:
    token = rp.tokens()["refresh_token"]
    for _ in range(9):
        rp.provider.clock.advance(minutes=26)
        token = refreshed(rp, token)["refresh_token"]
    rp.provider.clock.advance(minutes=6)  # four hours
    assert refusal_of(rp.refresh(token)) == INVALID_GRANT


@pytest.mark.parametrize(("days", "status"), [(9, 200), (10, 400)])
def test_offline_access_has_an_absolute_end(provider: Provider, days: int, status: int) -> None:
    rp = make_offline(provider)
    token = rp.tokens(scope="openid offline_access")["refresh_token"]
    for _ in range(days):
        provider.clock.advance(hours=23)
        token = refreshed(rp, token)["refresh_token"]
    provider.clock.advance(hours=days)
    assert rp.refresh(token).status_code == status


def test_offline_access_does_not_keep_the_session_awake(provider: Provider) -> None:
    rp = make_offline(provider)
    token = rp.tokens(scope="openid offline_access")["refresh_token"]
    provider.clock.advance(minutes=29)
    refreshed(rp, token)
    provider.clock.advance(minutes=1)
    assert rp.silent()["error"] == "login_required"


@pytest.mark.parametrize(
    ("methods", "options"),
    [
        (("email_otp",), {}),
        (("email_otp", "password"), {"min_assurance": Assurance.MEDIUM}),
        (("password",), {"max_age": timedelta(minutes=10)}),
    ],
    ids=["method", "assurance", "age"],
)
@pytest.mark.parametrize("offline", [False, True])
def test_the_policy_of_today_is_asked_again(
    provider: Provider, methods: tuple[str, ...], options: dict[str, Any], offline: bool
) -> None:
    rp = make_offline(provider) if offline else make(provider)
    token = rp.tokens(scope="openid offline_access")["refresh_token"]
    provider.clock.advance(minutes=9)
    token = refreshed(rp, token)["refresh_token"]
    provider.clock.advance(minutes=2)
    provider.set_policy(rp.client_id, methods, **options)
    assert refusal_of(rp.refresh(token)) == INVALID_GRANT
    provider.clock.advance(seconds=1)
    provider.set_policy(rp.client_id, ("password",))
    assert rp.refresh(token).status_code == 200, "nothing was revoked: the policy may change back"
