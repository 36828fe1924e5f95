"""When a refresh token may be used, as a table; and what access tokens' names give away."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.access_token import handle_of, handle_of_grant, new_identifier
from idp.domain.account import Account, AccountStatus
from idp.domain.authn import Assurance, IdentityRef, Proof
from idp.domain.grant import Grant
from idp.domain.ids import new_id
from idp.domain.policy import PRIOR_LOGIN, MethodEntry, Policy
from idp.domain.refresh import RefreshToken, accepts
from idp.domain.session import Session
from tests.fakes.clock import START

IDLE, MINUTE = timedelta(minutes=30), timedelta(minutes=1)
REACH = {"password": Assurance.LOW, "email_otp": Assurance.LOW}
PASSWORD = Proof("password", IdentityRef("login_name", "anne"), Assurance.LOW, ("pwd",), START, "knowledge")
OTP = replace(PASSWORD, method="email_otp", after="password", assurance=Assurance.MEDIUM, amr=("pwd", "otp", "mfa"))
POLICY = Policy("p", "app", START, (MethodEntry("password"), MethodEntry("email_otp", after="password")))
SESSION = Session("s", "a", (), START, START, START + timedelta(hours=4))
GRANT = Grant(
    "g", "a", "app", "s", ("openid",), "https://rp.example/cb", "eidas1", ("pwd",), START, START, proof=PASSWORD
)
HOLDER = Account("a", "anne", AccountStatus.ACTIVE, "Anne", "Pierre", None, False, START, START)
GOOD = RefreshToken("d", GRANT, START, None, SESSION, HOLDER, is_entitled=True, client_scopes=frozenset(GRANT.scope))


def problem(token: RefreshToken, policy: Policy | None = POLICY, **changes: Any) -> str | None:
    return token.problem(policy, **{"now": START + MINUTE, "idle": IDLE, "reach": REACH, **changes})


def test_a_good_one_has_no_problem() -> None:
    assert problem(GOOD) is None
    assert problem(replace(GOOD, grant=replace(GRANT, offline_until=START + 2 * MINUTE), session=None)) is None


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (replace(GOOD, grant=replace(GRANT, revoked_at=START)), "revoked"),
        (replace(GOOD, session=None), "session"),
        (replace(GOOD, session=replace(SESSION, expires_at=START + MINUTE)), "session"),
        (replace(GOOD, session=replace(SESSION, last_seen_at=START + MINUTE - IDLE)), "session"),
        (replace(GOOD, grant=replace(GRANT, offline_until=START + MINUTE)), "offline"),
        (replace(GOOD, holder=replace(HOLDER, status=AccountStatus.SUSPENDED)), "active"),
        (replace(GOOD, is_entitled=False), "access"),
        (replace(GOOD, client_scopes=frozenset()), "scope"),
        (replace(GOOD, grant=replace(GRANT, proof=None)), "policy"),
    ],
)
def test_each_of_these_forbids_it(token: RefreshToken, said: str) -> None:
    assert said in str(problem(token))


def test_a_client_without_a_policy_refreshes_nothing() -> None:
    assert "policy" in str(problem(GOOD, None))


@pytest.mark.parametrize(
    ("proof", "changes", "reach", "accepted"),
    [
        (PASSWORD, {}, REACH, True),
        (OTP, {}, REACH, True),
        (PASSWORD, {"methods": (MethodEntry("email_otp", after="password"),)}, REACH, False),
        (OTP, {"methods": (MethodEntry("password"),)}, REACH, True),
        (PASSWORD, {"min_assurance": Assurance.MEDIUM}, REACH, False),
        (PASSWORD, {"max_age": MINUTE}, REACH, True),
        (PASSWORD, {"max_age": MINUTE - timedelta(seconds=1)}, REACH, False),
        (PASSWORD, {"max_age": timedelta(0)}, REACH, False),
        (PASSWORD, {}, {"email_otp": Assurance.LOW}, False),
        (OTP, {}, {"email_otp": Assurance.LOW}, False),
    ],
)
def test_the_policy_of_today_is_shown_the_proof(
    proof: Proof, changes: dict[str, Any], reach: dict[str, Assurance], accepted: bool
) -> None:
    assert accepts(replace(POLICY, **changes), proof, START + MINUTE, reach, None) is accepted


def test_an_entry_that_wants_a_login_before_waits_for_it_here_too() -> None:
    waits = replace(POLICY, methods=(MethodEntry("password", options={PRIOR_LOGIN: "yes"}),))
    assert "policy" in str(problem(GOOD, waits))
    assert problem(replace(GOOD, holder=replace(HOLDER, signed_in_at=START)), waits) is None


def test_offline_access_ends_when_it_was_said_to_and_others_with_the_session() -> None:
    assert GOOD.ends_at == SESSION.expires_at
    assert replace(GOOD, session=None).ends_at is None
    assert replace(GOOD, grant=replace(GRANT, offline_until=START)).ends_at == START


def test_a_token_names_its_grant_and_no_two_are_alike() -> None:
    grant_id = new_id()
    names = {new_identifier(grant_id) for _ in range(100)}
    assert len(names) == 100
    assert {handle_of(name) for name in names} == {handle_of_grant(grant_id)}
    assert len({handle_of(new_identifier(None)) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "token",
    ["", "x", "é.é.é", "a.b.c", f"{'0' * 32}.short", f"{'G' * 32}.{'a' * 43}", f"{'0' * 32}.{'a' * 43}\n", "a." * 9],
)
def test_what_is_no_token_names_none(token: str) -> None:
    assert handle_of(token) is None
