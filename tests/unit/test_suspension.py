"""A method suspended for every service: what a policy comes to, and which proofs count for nothing."""

from datetime import datetime, timedelta

import pytest

from idp.domain.authn import Assurance, IdentityRef, Proof
from idp.domain.decide import Decision, Facts, Issue, Login, Refuse, Suspended, decide
from idp.domain.policy import MethodEntry, Policy
from idp.domain.suspension import MethodSuspension, Suspensions
from tests.fakes.clock import START
from tests.fakes.samples import ACR, CARD, OTP, PASSWORD, REACH, account, policy, request

HOUR, TICK = timedelta(hours=1), timedelta(seconds=1)
END = START + HOUR
OTP_SUSPENDED = Suspensions({"email_otp": END})


def proof(method: str, *, at: datetime, after: str | None = None) -> Proof:
    who = IdentityRef("login_name", "anne.pierre")
    return Proof(method, who, REACH[method], ("otp",), at, method, after)


def suspension(method: str = "email_otp", **changes: object) -> MethodSuspension:
    values = {"began_at": START, "until": END, "reason": "flaw", "created_by": "claire", **changes}
    return MethodSuspension("id", method, **values)  # type: ignore[arg-type]


def test_it_ends_by_itself_and_not_before() -> None:
    assert suspension().is_in_force(END - TICK)
    assert not suspension().is_in_force(END)
    assert not suspension(ended_at=START + TICK).is_in_force(START + TICK)


def test_of_several_the_last_end_counts() -> None:
    early = suspension(ended_at=START + TICK)
    found = Suspensions.of([suspension(until=END + HOUR), early, suspension("cps_card"), suspension()])
    assert found.ends == {"email_otp": END + HOUR, "cps_card": END}
    assert Suspensions.of([early]).ends == {"email_otp": START + TICK}


def test_when_methods_may_be_used_again() -> None:
    found = Suspensions({"email_otp": END, "password": END + HOUR})
    assert found.end(START, "cps_card", None) is None
    assert found.end(START, "email_otp", "password") == END + HOUR
    assert found.end(END - TICK, "email_otp") == END
    assert found.end(END, "email_otp", None) is None


@pytest.mark.parametrize(
    ("made", "is_void"),
    [
        (proof("email_otp", at=END - TICK), True),
        (proof("email_otp", at=END), False),
        (proof("password", at=START), False),
        (proof("cps_card", after="email_otp", at=END - TICK), True),
        (proof("email_otp", after="password", at=START - HOUR), True),
    ],
    ids=["before the end", "at the end", "another method", "as a first factor", "before it began"],
)
def test_what_a_method_proved_before_the_end_is_void(made: Proof, is_void: bool) -> None:
    assert OTP_SUSPENDED.void(made) is is_void
    entry = MethodEntry(made.method, after=made.after)
    for now in (START, END + HOUR):
        assert policy(entry, PASSWORD).under(OTP_SUSPENDED, now).accepts(made) is False or not is_void


def test_entries_fall_with_their_method_and_with_their_first_factor() -> None:
    whole = policy(OTP, PASSWORD, CARD)
    for suspended, kept in (("email_otp", (PASSWORD, CARD)), ("password", (CARD,)), ("cps_card", (OTP, PASSWORD))):
        found = whole.under(Suspensions({suspended: END}), END - TICK)
        assert found.methods == kept
        assert {entry for entry, _ in found.suspended} == set(whole.methods) - set(kept)
        assert {end for _, end in found.suspended} == {END}
        assert set(found.whole.methods) == set(whole.methods)
    assert whole.under(OTP_SUSPENDED, END).methods == whole.methods
    assert whole.under(Suspensions(), START) is whole


def test_what_is_never_offered_is_not_suspended_either() -> None:
    only_after = {"email_otp": "password"}
    found = policy(MethodEntry("email_otp"), PASSWORD).under(OTP_SUSPENDED, START).within(only_after)
    assert found.suspended == ()
    assert found.methods == (PASSWORD,)


# -- decide ------------------------------------------------------------------------


def decided(under: Policy, *earlier: Proof, fresh: tuple[Proof, ...] = (), **asked: object) -> Decision:
    facts = Facts(account=account(), subject="sub", earlier=earlier, fresh=fresh, entitled=True)
    return decide(under, request(**asked), facts, now=START + TICK, reach=REACH, acr=ACR)


def test_the_next_method_is_asked_and_the_proof_is_void() -> None:
    under = policy(OTP, CARD).under(OTP_SUSPENDED, START)
    made = proof("email_otp", after="password", at=START)
    assert decided(under, made) == Login((CARD,), "proof_void")
    assert decided(under, fresh=(made,)) == Login((CARD,), "proof_void")
    assert decided(under, made, prompt=("none",)) == Refuse("login_required", "The person must sign in.")
    card = proof("cps_card", at=START)
    assert decided(under, made, card) == Issue(card)


def test_when_it_is_over_the_old_proof_stays_dead() -> None:
    over = policy(OTP).under(Suspensions({"email_otp": START + TICK}), START + TICK)
    assert decided(over, proof("email_otp", after="password", at=START)) == Login((OTP,), "proof_void")
    new = proof("email_otp", after="password", at=START + TICK)
    assert decided(over, new) == Issue(new)


def test_no_method_is_left() -> None:
    under = policy(OTP, MethodEntry("cps_card", after="email_otp")).under(OTP_SUSPENDED, START)
    assert decided(under) == Suspended()
    assert decided(under, prompt=("none",)) == Refuse("login_required", "Every accepted method is suspended.")


def test_what_is_left_does_not_reach_what_is_asked() -> None:
    under = policy(CARD, PASSWORD, min_assurance=Assurance.MEDIUM).under(Suspensions({"cps_card": END}), START)
    assert decided(under) == Suspended()
    weak = policy(OTP, PASSWORD).under(OTP_SUSPENDED, START)
    asked = {"acr_values": ("eidas3",), "acr_essential": True}
    assert isinstance(decided(weak, **asked), Refuse), "what is suspended would not reach it either"
