"""Refresh tokens: what ends them."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from idp.domain.account import AccountStatus
from idp.domain.authn import Assurance
from idp.flows.operators import accounts, clients
from idp.store.refresh_tokens import RefreshTokens
from idp.store.sessions import Sessions
from tests.fakes.provider import Provider
from tests.fakes.refreshing import INVALID_GRANT, logout, make, make_offline, refreshed, refusal_of
from tests.fakes.relying_party import RelyingParty


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return make(provider)


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
