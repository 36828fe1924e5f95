"""decide(), as tables: one row for each answer, in the order of the checks."""

from datetime import timedelta
from typing import Any

import pytest

from idp.domain.account import Account, AccountStatus
from idp.domain.authn import Assurance, Proof, compose
from idp.domain.decide import AskConsent, Decision, Denied, Facts, Issue, Login, Refuse, SelectAccount, decide
from idp.domain.policy import MethodEntry, Policy
from tests.fakes import samples
from tests.fakes.clock import START
from tests.fakes.samples import ACR, CARD, CARD_LATER, OTP, OTP_ALONE, PASSWORD, REACH

ANNE = samples.account()
PWD = samples.password_proof()
BOTH = compose(PWD, samples.otp_proof())
ONE_MAILBOX = compose(samples.password_proof(anchor="mailbox"), samples.otp_proof())
CPS = samples.card_proof()
PORTAL = samples.policy(OTP, PASSWORD)
ROR = samples.policy(OTP, min_assurance=Assurance.MEDIUM)
CARD_ONLY = samples.policy(CARD)
LATER = samples.policy(CARD_LATER, PASSWORD)
USED = samples.account(signed_in_at=START)
UNMET = "unmet_authentication_requirements"
MINUTE = timedelta(minutes=1)
SCOPES, MAIL = ("openid", "email"), ("email",)


def answer(
    policy: Policy = PORTAL,
    *,
    earlier: tuple[Proof, ...] = (),
    fresh: tuple[Proof, ...] = (),
    account: Account | None = ANNE,
    entitled: bool = True,
    account_chosen: bool = False,
    consent: str = "never",
    remembered: tuple[str, ...] = (),
    consented_by: str | None = None,
    reach: dict[str, Assurance] = REACH,
    **request: Any,
) -> Decision:
    if not (earlier or fresh) and account is ANNE:
        account = None
    facts = Facts(
        account,
        "sub-of-anne" if account else None,
        earlier,
        fresh,
        entitled=entitled,
        account_chosen=account_chosen,
        consent=consent,
        remembered=frozenset(remembered),
        consented_by=consented_by,
    )
    return decide(policy, samples.request(**request), facts, now=START, reach=reach, acr=ACR)


def outcome(decision: Decision) -> str:
    """A short name: the error's code, the reason of a login, or the kind of the answer."""
    match decision:
        case Refuse(code):
            return code
        case Login(_, reason):
            return f"login: {reason}"
        case _:
            return type(decision).__name__


# What a row asks: (policy, facts and request, expected).
ROWS: list[tuple[Policy, dict[str, Any], str]] = [
    # 1. Only an active account signs in, whatever else holds.
    (PORTAL, {"earlier": (PWD,), "account": samples.account(status=AccountStatus.SUSPENDED)}, "access_denied"),
    (PORTAL, {"earlier": (PWD,), "account": samples.account(status=AccountStatus.CLOSED)}, "access_denied"),
    (PORTAL, {"fresh": (PWD,), "account": samples.account(status=AccountStatus.PENDING)}, "access_denied"),
    # 2. An essential acr must be within reach of an accepted method, and known.
    (PORTAL, {"acr_values": ("eidas3",), "acr_essential": True}, UNMET),
    (PORTAL, {"acr_values": ("urn:other",), "acr_essential": True}, UNMET),
    (PORTAL, {"acr_values": (), "acr_essential": True}, UNMET),
    (PORTAL, {"acr_values": ("urn:other", "eidas1"), "acr_essential": True, "earlier": (BOTH,)}, "Issue"),
    (PORTAL, {"acr_values": ("eidas3", "eidas1"), "acr_essential": True, "earlier": (BOTH,)}, "Issue"),
    (PORTAL, {"acr_values": ("eidas1",), "acr_essential": True, "earlier": (PWD,)}, "login: step_up"),
    (PORTAL, {"acr_values": ("eidas1",), "acr_essential": True, "fresh": (PWD,)}, "login: too_weak"),
    (PORTAL, {"acr_values": ("eidas1",), "acr_essential": True, "fresh": (ONE_MAILBOX,)}, "login: too_weak"),
    (
        PORTAL,
        {"acr_values": ("eidas1",), "acr_essential": True, "earlier": (PWD,), "prompt": ("none",)},
        "login_required",
    ),
    (CARD_ONLY, {"acr_values": ("eidas1",), "acr_essential": True, "earlier": (CPS,)}, "Issue"),
    # ... a voluntary one is asked for once, and never stands in the way.
    (PORTAL, {"acr_values": ("eidas1",), "earlier": (PWD,)}, "login: step_up"),
    (PORTAL, {"acr_values": ("eidas1",), "earlier": (PWD,), "fresh": (PWD,)}, "Issue"),
    (PORTAL, {"acr_values": ("eidas1",), "earlier": (PWD, BOTH)}, "Issue"),
    (PORTAL, {"acr_values": ("eidas1",), "earlier": (PWD,), "prompt": ("none",)}, "Issue"),
    (PORTAL, {"acr_values": ("eidas3",), "earlier": (PWD,)}, "Issue"),
    (PORTAL, {"acr_values": ("urn:other",), "earlier": (PWD,)}, "Issue"),
    # 3. The account that the hint names, and the one that the person chose.
    (PORTAL, {"earlier": (PWD,), "hint_sub": "sub-of-anne"}, "Issue"),
    (PORTAL, {"earlier": (PWD,), "sub_wanted": "sub-of-anne"}, "Issue"),
    (PORTAL, {"earlier": (PWD,), "hint_sub": "anne"}, "login: other_account"),  # what the client is told counts
    (PORTAL, {"earlier": (PWD,), "hint_sub": "karim"}, "login: other_account"),
    (PORTAL, {"fresh": (PWD,), "sub_wanted": "karim"}, "login: other_account"),
    (PORTAL, {"earlier": (PWD,), "hint_sub": "karim", "prompt": ("none",)}, "login_required"),
    (PORTAL, {"hint_sub": "karim"}, "login: no_session"),
    (PORTAL, {"earlier": (PWD,), "prompt": ("select_account",)}, "SelectAccount"),
    (PORTAL, {"earlier": (PWD,), "prompt": ("select_account",), "account_chosen": True}, "Issue"),
    (PORTAL, {"fresh": (PWD,), "prompt": ("select_account",)}, "Issue"),
    (PORTAL, {"prompt": ("select_account",)}, "login: no_session"),
    (PORTAL, {"earlier": (PWD,), "hint_sub": "karim", "prompt": ("select_account",)}, "login: other_account"),
    # 4. A proof that the policy accepts, here and now.
    (PORTAL, {}, "login: no_session"),
    (PORTAL, {"prompt": ("none",)}, "login_required"),
    (PORTAL, {"earlier": (PWD,)}, "Issue"),
    (PORTAL, {"earlier": (PWD,), "prompt": ("none",)}, "Issue"),
    (PORTAL, {"earlier": (PWD,), "prompt": ("login",)}, "login: prompt_login"),
    (PORTAL, {"earlier": (PWD,), "fresh": (PWD,), "prompt": ("login",)}, "Issue"),
    (ROR, {"earlier": (PWD,)}, "login: step_up"),
    (ROR, {"earlier": (PWD,), "prompt": ("none",)}, "login_required"),
    (ROR, {"earlier": (PWD, BOTH)}, "Issue"),
    (ROR, {"earlier": (CPS,)}, "login: step_up"),  # high enough, but not on the list
    (ROR, {"fresh": (PWD,)}, "login: too_weak"),
    (ROR, {"fresh": (ONE_MAILBOX,)}, "login: too_weak"),  # one mailbox is one factor
    (samples.policy(OTP), {"earlier": (samples.otp_proof(),)}, "login: step_up"),  # its first factor is missing
    (samples.policy(OTP_ALONE), {"earlier": (samples.otp_proof(),)}, "Issue"),
    (samples.policy(OTP_ALONE), {"earlier": (BOTH,)}, "Issue"),
    (samples.policy(PASSWORD), {"earlier": (BOTH,)}, "Issue"),  # the password is in it
    # ... and which, where an entry wants a login by the account's own means before, has had it.
    (LATER, {"earlier": (CPS,)}, "login: prior_login"),
    (LATER, {"fresh": (CPS,)}, "login: prior_login"),
    (LATER, {"earlier": (CPS,), "prompt": ("none",)}, "login_required"),
    (LATER, {"earlier": (CPS,), "account": USED}, "Issue"),
    (LATER, {"fresh": (CPS,), "account": USED}, "Issue"),
    (LATER, {"fresh": (CPS, PWD)}, "Issue"),  # by the password
    (LATER, {"fresh": (CPS, PWD), "acr_values": ("eidas1",), "acr_essential": True}, "login: prior_login"),
    (LATER, {}, "login: no_session"),
    (CARD_ONLY, {"earlier": (CPS,)}, "Issue"),
    # 5. The account may open the service.
    (PORTAL, {"earlier": (PWD,), "entitled": False}, "Denied"),
    (PORTAL, {"earlier": (PWD,), "entitled": False, "prompt": ("none",)}, "access_denied"),
    (PORTAL, {"entitled": False}, "login: no_session"),  # nobody learns of entitlements before a login
    (ROR, {"earlier": (PWD,), "entitled": False}, "login: step_up"),
    # 6. Consent, where it is asked for.
    (PORTAL, {"earlier": (PWD,), "prompt": ("consent",)}, "AskConsent"),
    (PORTAL, {"earlier": (PWD,), "prompt": ("consent",), "consented_by": "anne"}, "Issue"),
    (PORTAL, {"earlier": (PWD,), "prompt": ("consent",), "consented_by": "karim"}, "AskConsent"),
    (PORTAL, {"earlier": (PWD,), "prompt": ("consent",), "entitled": False}, "Denied"),
    (PORTAL, {"earlier": (PWD,), "prompt": ("login", "consent")}, "login: prompt_login"),
    # ... by a client that asks always, even if it was told so before;
    (PORTAL, {"earlier": (PWD,), "consent": "always"}, "AskConsent"),
    (PORTAL, {"earlier": (PWD,), "consent": "always", "remembered": ("openid",)}, "AskConsent"),
    (PORTAL, {"earlier": (PWD,), "consent": "always", "consented_by": "anne"}, "Issue"),
    (PORTAL, {"earlier": (PWD,), "consent": "always", "prompt": ("none",)}, "consent_required"),
    (PORTAL, {"consent": "always"}, "login: no_session"),
    (PORTAL, {"earlier": (PWD,), "consent": "always", "entitled": False}, "Denied"),
    # ... by a client that asks at first, until every scope that it asks for was agreed to.
    (PORTAL, {"earlier": (PWD,), "consent": "first"}, "AskConsent"),
    (PORTAL, {"earlier": (PWD,), "consent": "first", "consented_by": "anne"}, "Issue"),
    (PORTAL, {"earlier": (PWD,), "consent": "first", "remembered": ("openid",)}, "Issue"),
    (PORTAL, {"earlier": (PWD,), "consent": "first", "remembered": ("openid", "email")}, "Issue"),
    (PORTAL, {"earlier": (PWD,), "consent": "first", "remembered": ("openid",), "scope": SCOPES}, "AskConsent"),
    (PORTAL, {"earlier": (PWD,), "consent": "first", "remembered": SCOPES, "scope": SCOPES}, "Issue"),
    (PORTAL, {"earlier": (PWD,), "consent": "first", "remembered": ("openid",), "claims_scopes": MAIL}, "AskConsent"),
    (PORTAL, {"earlier": (PWD,), "consent": "first", "remembered": SCOPES, "claims_scopes": MAIL}, "Issue"),
    (PORTAL, {"earlier": (PWD,), "consent": "first", "remembered": SCOPES, "prompt": ("consent",)}, "AskConsent"),
    (PORTAL, {"earlier": (PWD,), "consent": "first", "remembered": ("openid",), "prompt": ("none",)}, "Issue"),
    (PORTAL, {"earlier": (PWD,), "consent": "first", "prompt": ("none",)}, "consent_required"),
]


@pytest.mark.spec("OIDC Core §3.1.2.3, §3.1.2.6")
@pytest.mark.parametrize(("policy", "case", "expected"), ROWS)
def test_decide(policy: Policy, case: dict[str, Any], expected: str) -> None:
    assert outcome(answer(policy, **case)) == expected


# Each check stands before the next: with everything wrong at once, the first answers; mended, the second; and so on.
def test_the_checks_come_in_the_order_of_security() -> None:
    wrong: dict[str, Any] = {
        "account": samples.account(status=AccountStatus.SUSPENDED),
        "earlier": (PWD,),
        "entitled": False,
        "acr_essential": True,
        "acr_values": ("eidas3",),
        "hint_sub": "karim",
        "prompt": ("select_account", "login", "consent"),
    }
    mending: list[tuple[dict[str, Any], str]] = [
        ({}, "access_denied"),
        ({"account": samples.account()}, UNMET),
        ({"acr_values": ("eidas1",)}, "login: other_account"),
        ({"hint_sub": None}, "SelectAccount"),
        ({"account_chosen": True}, "login: prompt_login"),
        ({"fresh": (BOTH,)}, "Denied"),
        ({"entitled": True}, "AskConsent"),
        ({"consented_by": "anne"}, "Issue"),
    ]
    for change, expected in mending:
        wrong |= change
        assert outcome(answer(**wrong)) == expected


# (max_age of the request, of the policy, age of the session's proof, expected)
AGES: list[tuple[int | None, timedelta | None, timedelta, str]] = [
    (None, None, timedelta(hours=3), "Issue"),
    (60, None, MINUTE, "Issue"),
    (60, None, MINUTE + timedelta(microseconds=1), "login: too_old"),
    (0, None, timedelta(0), "login: too_old"),
    (None, MINUTE, MINUTE, "Issue"),
    (None, MINUTE, 2 * MINUTE, "login: too_old"),
    (3600, MINUTE, 2 * MINUTE, "login: too_old"),  # the shorter one counts
    (60, timedelta(hours=1), 2 * MINUTE, "login: too_old"),
]


@pytest.mark.spec("OIDC Core §3.1.2.1")
@pytest.mark.parametrize(("asked", "of_policy", "age", "expected"), AGES)
def test_max_age(asked: int | None, of_policy: timedelta | None, age: timedelta, expected: str) -> None:
    policy = samples.policy(PASSWORD, max_age=of_policy)
    old = samples.password_proof(ago=age)
    assert outcome(answer(policy, earlier=(old,), max_age=asked)) == expected


@pytest.mark.parametrize("age", [timedelta(0), timedelta(seconds=1), timedelta(minutes=14)])
def test_a_proof_of_this_interaction_satisfies_max_age_0(age: timedelta) -> None:
    """Or the person would be asked for ever."""
    policy = samples.policy(PASSWORD, max_age=timedelta(seconds=1))
    made_here = samples.password_proof(ago=age)
    assert answer(policy, fresh=(made_here,), max_age=0) == Issue(made_here)


def test_a_step_up_is_not_called_old() -> None:
    too_weak = (samples.password_proof(), samples.password_proof(ago=2 * MINUTE))
    assert outcome(answer(ROR, earlier=too_weak, max_age=60)) == "login: step_up"


def test_the_best_proof_answers_highest_first_then_latest() -> None:
    policy = samples.policy(PASSWORD, OTP, CARD)
    older = samples.password_proof(ago=2 * MINUTE)
    newer = samples.password_proof(ago=MINUTE)
    card = samples.card_proof(ago=timedelta(hours=1))
    assert answer(policy, earlier=(newer, older)) == Issue(newer)
    assert answer(policy, earlier=(older, newer)) == Issue(newer)
    assert answer(policy, earlier=(older, card, newer)) == Issue(card)
    assert answer(policy, earlier=(card,), fresh=(PWD,)) == Issue(card)
    assert answer(policy, earlier=(card,), fresh=(PWD,), prompt=("login",)) == Issue(PWD)


# (methods of the policy, floor asked as an essential acr, enabled methods, what is offered)
OFFERS: list[tuple[tuple[MethodEntry, ...], str | None, set[str], tuple[MethodEntry, ...]]] = [
    ((OTP, PASSWORD, CARD), None, {"password", "email_otp", "cps_card"}, (OTP, PASSWORD, CARD)),
    ((CARD, PASSWORD, OTP), None, {"password", "email_otp", "cps_card"}, (CARD, PASSWORD, OTP)),
    ((OTP, PASSWORD, CARD), "eidas1", {"password", "email_otp", "cps_card"}, (OTP, CARD)),
    ((OTP, PASSWORD, CARD), "eidas2", {"password", "email_otp", "cps_card"}, (CARD,)),
    ((OTP, PASSWORD), None, {"password"}, (PASSWORD,)),
    ((OTP, CARD), None, {"email_otp", "cps_card"}, (CARD,)),  # the first factor is disabled
    ((OTP_ALONE, CARD), None, {"email_otp"}, (OTP_ALONE,)),
]


@pytest.mark.parametrize(("methods", "acr", "enabled", "offered"), OFFERS)
def test_only_methods_that_are_enabled_and_good_enough_are_offered(
    methods: tuple[MethodEntry, ...], acr: str | None, enabled: set[str], offered: tuple[MethodEntry, ...]
) -> None:
    reach = {name: level for name, level in REACH.items() if name in enabled}
    decision = answer(
        samples.policy(*methods), reach=reach, acr_values=(acr,) if acr else (), acr_essential=acr is not None
    )
    assert decision == Login(offered, "no_session")


def test_a_policy_whose_methods_are_all_disabled_signs_nobody_in() -> None:
    assert outcome(answer(PORTAL, reach={"cps_card": Assurance.HIGH}, earlier=(PWD,))) == UNMET


def test_a_session_by_a_disabled_method_is_not_used_again() -> None:
    policy = samples.policy(CARD, PASSWORD)
    only_password = {"password": Assurance.LOW}
    assert outcome(answer(policy, earlier=(CPS,), reach=only_password)) == "login: step_up"
    assert answer(policy, earlier=(CPS, PWD), reach=only_password) == Issue(PWD)


def test_the_answers_are_values() -> None:
    assert answer(earlier=(PWD,), prompt=("select_account",)) == SelectAccount()
    assert answer(earlier=(PWD,), prompt=("consent",)) == AskConsent()
    assert answer(earlier=(PWD,), entitled=False) == Denied()
