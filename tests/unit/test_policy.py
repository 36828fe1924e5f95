"""Policies: what may be recorded, what is accepted, and which one is in force."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.authn import Assurance, Proof, compose
from idp.domain.policy import PRIOR_LOGIN, MethodEntry, Option, Policy, entry_reach, in_force, settle
from tests.fakes import samples
from tests.fakes.clock import START
from tests.fakes.samples import CARD, FIRST_FACTORS, OTP, OTP_ALONE, PASSWORD, REACH

BOTH = compose(samples.password_proof(), samples.otp_proof())
HOUR = timedelta(hours=1)
LIFETIME = Option(10, range(1, 11))
CHANNEL = Option("sms", ("sms", "voice"))
OPTIONS = {
    "email_otp": {"lifetime_minutes": LIFETIME, "channel": CHANNEL},
    "cps_card": {PRIOR_LOGIN: Option("no", ("no", "yes"))},
}
AFTERWARDS = MethodEntry("cps_card", options={PRIOR_LOGIN: "yes"})

# (methods, other fields, what is said)
REFUSED: list[tuple[tuple[MethodEntry, ...], dict[str, Any], str]] = [
    ((), {}, "at least one method"),
    ((PASSWORD, PASSWORD), {}, "stands once"),
    ((OTP, OTP_ALONE), {}, "stands once"),
    ((MethodEntry("smoke"),), {}, "unknown method: smoke"),
    ((MethodEntry("email_otp", after="smoke"),), {}, "smoke cannot be a first factor of email_otp"),
    ((MethodEntry("password", after="email_otp"),), {}, "email_otp cannot be a first factor of password"),
    ((MethodEntry("password", after="password"),), {}, "password cannot be a first factor of password"),
    ((MethodEntry("password", options={"colour": "red"}),), {}, "password: unknown option: colour"),
    ((MethodEntry("email_otp", options={"lifetime_minutes": 11}),), {}, "lifetime_minutes is 1 to 10, not 11"),
    ((MethodEntry("email_otp", options={"channel": "smoke"}),), {}, "channel is sms or voice, not smoke"),
    ((AFTERWARDS,), {}, "wants a login by another one before"),
    ((PASSWORD, OTP_ALONE), {"min_assurance": Assurance.MEDIUM}, "reaches MEDIUM"),
    ((OTP,), {"min_assurance": Assurance.SUBSTANTIAL}, "reaches SUBSTANTIAL"),
]


@pytest.mark.parametrize(("methods", "changes", "said"), REFUSED)
def test_a_policy_that_makes_no_sense_is_refused(
    methods: tuple[MethodEntry, ...], changes: dict[str, Any], said: str
) -> None:
    problems = samples.policy(*methods, **changes).problems(REACH, FIRST_FACTORS, OPTIONS)
    assert any(said in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("methods", "floor"),
    [
        ((PASSWORD,), Assurance.LOW),
        ((OTP, PASSWORD), Assurance.MEDIUM),  # one of them reaches it
        ((CARD, OTP), Assurance.HIGH),
        ((AFTERWARDS, PASSWORD), Assurance.LOW),
    ],
)
def test_a_sound_policy_has_no_problem(methods: tuple[MethodEntry, ...], floor: Assurance) -> None:
    assert samples.policy(*methods, min_assurance=floor).problems(REACH, FIRST_FACTORS, OPTIONS) == []


@pytest.mark.parametrize("value", [0, 11, -1, "5", 5.0, True, None, [5]])
def test_an_option_has_one_type_and_its_bounds(value: object) -> None:
    assert not LIFETIME.accepts(value)
    assert settle(OPTIONS["email_otp"], {"lifetime_minutes": value, "gone": 1}) == {
        "lifetime_minutes": 10,
        "channel": "sms",
    }


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        (LIFETIME, "5", 5),
        (LIFETIME, "-5", "-5"),
        (LIFETIME, "five", "five"),
        (LIFETIME, "٥", "٥"),
        (LIFETIME, "9" * 5000, "9" * 5000),  # more than int() takes
        (CHANNEL, "voice", "voice"),
        (CHANNEL, "5", "5"),
    ],
)
def test_how_an_option_is_read(option: Option, text: str, value: object) -> None:
    assert option.read(text) == value


def test_two_factors_reach_medium_at_least() -> None:
    assert entry_reach(PASSWORD, REACH) == Assurance.LOW
    assert entry_reach(OTP_ALONE, REACH) == Assurance.LOW
    assert entry_reach(OTP, REACH) == Assurance.MEDIUM
    assert entry_reach(MethodEntry("cps_card", after="password"), REACH) == Assurance.HIGH


# (entry, proof, matches)
MATCHES: list[tuple[MethodEntry, Proof, bool]] = [
    (PASSWORD, samples.password_proof(), True),
    (PASSWORD, samples.otp_proof(), False),
    (PASSWORD, BOTH, True),  # it holds a password
    (OTP_ALONE, samples.otp_proof(), True),
    (OTP_ALONE, BOTH, True),
    (OTP, BOTH, True),
    (OTP, samples.otp_proof(), False),  # its first factor is missing
    (OTP, samples.password_proof(), False),
    (MethodEntry("email_otp", after="cps_card"), BOTH, False),  # another first factor
    (MethodEntry("cps_card", after="password"), BOTH, False),
]


@pytest.mark.parametrize(("entry", "proof", "expected"), MATCHES)
def test_an_entry_takes_its_own_method_with_its_first_factor(entry: MethodEntry, proof: Proof, expected: bool) -> None:
    assert entry.matches(proof) is expected
    assert samples.policy(entry).accepts(proof) is expected


NEAR = {"same_network": "yes"}


def test_an_option_of_another_method_with_the_name_of_a_condition_is_none() -> None:
    assert MethodEntry("email_otp", options=NEAR).matches(samples.otp_proof())


@pytest.mark.parametrize(
    ("options", "held", "expected"),
    [
        ({"same_network": "no", "approval": "phone"}, (), True),
        (NEAR, (), False),
        (NEAR, ("approval=passkey",), False),
        (NEAR, ("same_network=yes",), True),
        ({**NEAR, "approval": "passkey"}, ("same_network=yes",), False),
        ({**NEAR, "approval": "passkey"}, ("same_network=yes", "approval=passkey"), True),
    ],
    ids=["none asked", "not near", "held another", "near", "one of two", "both"],
)
def test_an_entry_with_conditions_takes_a_proof_that_was_made_under_them(
    options: dict[str, str], held: tuple[str, ...], expected: bool
) -> None:
    proof = replace(samples.otp_proof(), method="qr_code", held=held)
    assert MethodEntry("qr_code", options=options).matches(proof) is expected
    composed = compose(samples.password_proof(), proof)
    assert MethodEntry("qr_code", after="password", options=options).matches(composed) is expected


def test_a_proof_under_the_minimum_is_not_accepted() -> None:
    policy = samples.policy(OTP, PASSWORD, min_assurance=Assurance.MEDIUM)
    assert policy.accepts(BOTH)
    assert not policy.accepts(samples.password_proof())
    one_mailbox = compose(samples.password_proof(anchor="mailbox"), samples.otp_proof())
    assert not policy.accepts(one_mailbox)


def test_the_entry_of_a_method() -> None:
    policy = samples.policy(OTP, PASSWORD)
    assert policy.entry("email_otp") == OTP
    assert policy.entry("cps_card") is None


def _dated(*hours: float, cancelled: frozenset[float] = frozenset()) -> list[Policy]:
    return [
        samples.policy(
            PASSWORD,
            policy_id=str(at),
            effective_from=START + at * HOUR,
            cancelled_at=START if at in cancelled else None,
        )
        for at in hours
    ]


# (hours from now at which policies begin, those cancelled, the one in force)
DATES: list[tuple[tuple[float, ...], frozenset[float], str | None]] = [
    ((), frozenset(), None),
    ((1.0,), frozenset(), None),
    ((0.0,), frozenset(), "0.0"),  # from that very instant on
    ((-2.0, -1.0, 1.0, 2.0), frozenset(), "-1.0"),
    ((-1.0, -2.0, 2.0, 1.0), frozenset(), "-1.0"),  # in any order
    ((-2.0, 1.0, 2.0), frozenset({1.0}), "-2.0"),
    ((-2.0, -1.0), frozenset({-1.0}), "-2.0"),
]


@pytest.mark.parametrize(("hours", "cancelled", "now"), DATES)
def test_the_policy_in_force_is_the_last_whose_instant_has_passed(
    hours: tuple[float, ...], cancelled: frozenset[float], now: str | None
) -> None:
    policies = _dated(*hours, cancelled=cancelled)
    current = in_force(policies, START)
    assert (current.policy_id if current else None) == now


@given(st.lists(st.timedeltas(-400 * HOUR, 400 * HOUR), max_size=6, unique=True))
def test_the_policy_in_force_is_the_latest_of_the_past(starts: list[timedelta]) -> None:
    policies = [samples.policy(PASSWORD, effective_from=START + start) for start in starts]
    current = in_force(policies, START)
    assert (current is None) == all(p.effective_from > START for p in policies)
    if current:
        assert current.effective_from == max(p.effective_from for p in policies if p.effective_from <= START)
