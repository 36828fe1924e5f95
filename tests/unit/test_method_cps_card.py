"""The card as a method: the shared suite, and what is special to it."""

import base64
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from idp.domain.authn import Assurance, IdentityRef
from idp.domain.means import Person
from idp.methods.base import Done, Redirect, Refused, Show, Step, TooManyAttempts
from idp.methods.conformance import ANNE, FakeCards, FakeContext, MethodSuite, fake_context
from idp.methods.cps_card import GUESSES, LIFETIME, MAX_TOKEN, CpsCard
from idp.pki import CAUSES
from idp.settings import Settings
from idp.settings.sections import Card

METHOD = CpsCard()


def begun() -> FakeContext:
    ctx = fake_context()
    METHOD.begin(ctx)
    ctx.next_request()
    return ctx


def sign(ctx: FakeContext, **changes: str) -> dict[str, str]:
    """The form that the page posts."""
    return {"token": FakeCards.signed(ctx.state["nonce"]), "nonce": ctx.state["nonce"], **changes}


def submit(ctx: FakeContext, **changes: str) -> Step:
    step = METHOD.submit(ctx, sign(ctx, **changes))
    ctx.next_request()
    return step


class TestCpsCard(MethodSuite):
    method = CpsCard()
    never_asks_who = True
    posted: dict[str, str]

    def context(self) -> FakeContext:
        return fake_context()

    def good_login(self, ctx: FakeContext) -> Step:
        self.method.begin(ctx)
        self.posted = sign(ctx)
        return self.method.submit(ctx, self.posted)

    def bad_login(self, ctx: FakeContext) -> Step:
        self.method.begin(ctx)
        return self.method.submit(ctx, sign(ctx, token="signed by nobody"))

    def again(self, ctx: FakeContext) -> Step:
        return self.method.submit(ctx, self.posted)

    def late_login(self, ctx: FakeContext) -> Step:
        self.method.begin(ctx)
        ctx.advance(seconds=LIFETIME.total_seconds())
        return self.method.submit(ctx, sign(ctx))


def test_it_proves_two_factors_at_the_highest_level() -> None:
    step = submit(begun())
    assert isinstance(step, Done)
    proof = step.proof
    assert (proof.assurance, proof.amr, proof.anchor) == (Assurance.HIGH, ("sc", "pin", "mfa", "hwk"), "card")
    assert proof.identity == IdentityRef("rpps", "10101234564")
    assert step.person == Person("ANNE", "PIERRE")
    assert not proof.credentials


def test_what_an_investigator_needs_is_kept_and_no_more() -> None:
    step = submit(begun())
    assert isinstance(step, Done)
    assert step.proof.evidence == {
        "certificate": "0f",
        "issuer": "AC DEMO ELEMENTAIRE PERSONNES",
        "channel": "reader",
    }


def test_nonce_and_number_are_drawn_when_it_begins() -> None:
    drawn = [begun().state for _ in range(200)]
    assert len({state["nonce"] for state in drawn}) == 200
    assert all(len(base64.b64decode(state["nonce"])) == 32 and len(state["nonce"]) == 44 for state in drawn)
    assert all(state["number"].isdigit() and len(state["number"]) == 2 for state in drawn)
    assert len({state["number"] for state in drawn}) > 50


def test_the_page_is_told_what_to_sign_where_the_helper_is_and_for_how_long() -> None:
    ctx = begun()
    ctx.cards.ports, ctx.cards.help_url = (40000, 40001), "https://region.example/carte"
    ctx.advance(seconds=60)
    shown = METHOD.show(ctx)
    assert isinstance(shown, Show)
    expected = {
        "nonce": ctx.state["nonce"],
        "number": ctx.state["number"],
        "left_s": 240,
        "ports": (40000, 40001),
        "help_url": "https://region.example/carte",
        "has_dialog": False,
    }
    assert {name: shown.values[name] for name in expected} == expected


def test_a_page_that_was_not_begun_has_nothing_to_sign() -> None:
    shown = METHOD.show(fake_context())
    assert isinstance(shown, Show)
    assert shown.values["nonce"] is None
    assert METHOD.submit(fake_context(), {"token": FakeCards.signed("None")}) == Refused("challenge_expired")


@pytest.mark.parametrize(("seconds", "is_good"), [(299, True), (300, False)])
def test_a_nonce_lives_five_minutes(seconds: float, is_good: bool) -> None:
    ctx = begun()
    ctx.advance(seconds=seconds)
    step = submit(ctx)
    assert isinstance(step, Done) if is_good else step == Refused("challenge_expired")


@pytest.mark.parametrize(
    "form",
    [{}, {"token": ""}, {"token": "x"}, {"token": "x", "nonce": "old"}, {"nothing": "known"}],
)
def test_whatever_is_sent_spends_the_nonce(form: dict[str, str]) -> None:
    ctx = begun()
    before, signed = dict(ctx.state), sign(ctx)
    assert isinstance(METHOD.submit(ctx, form), Refused)
    assert ctx.state["nonce"] != before["nonce"]
    assert METHOD.submit(ctx, {"token": signed["token"]}) == Refused("signature_wrong", guess=True)


def test_nothing_of_the_form_is_believed_but_what_was_signed() -> None:
    ctx = begun()
    forged = {"nonce": "mine", "token": FakeCards.signed("mine"), "rpps": "10003456782", "identity": "rpps"}
    assert METHOD.submit(ctx, forged) == Refused("challenge_expired")
    assert METHOD.submit(ctx, {**forged, "nonce": ctx.state["nonce"]}) == Refused("signature_wrong", guess=True)


def test_an_old_tab_is_no_guess_and_costs_no_try() -> None:
    ctx = begun()
    old = sign(ctx)
    METHOD.begin(ctx)
    assert METHOD.submit(ctx, old) == Refused("challenge_expired")
    assert ctx.attempts == 0


def test_a_huge_token_is_refused_before_it_is_read() -> None:
    ctx = begun()
    ctx.cards = None  # type: ignore[assignment]
    assert submit(ctx, token="x" * (MAX_TOKEN + 1)) == Refused("token_malformed", guess=True)


@pytest.mark.parametrize("cause", sorted(CAUSES))
def test_each_cause_has_its_own_french_sentence(cause: str) -> None:
    ctx = begun()
    ctx.cards.refuses_with = cause
    assert submit(ctx) == Refused(cause, guess=cause in GUESSES)
    assert METHOD.refusals[cause].endswith(".")
    assert len(set(METHOD.refusals.values())) == len(METHOD.refusals)


@pytest.mark.parametrize("cause", ["expired", "not_yet_valid", "wrong_usage", "test_card", "revocation_unknown"])
def test_a_professional_with_an_old_card_is_no_attacker(cause: str) -> None:
    assert cause not in GUESSES


@pytest.mark.parametrize("cause", ["signature_wrong", "unknown_authority", "token_malformed", "revoked"])
def test_what_no_professional_sends_is_a_guess(cause: str) -> None:
    assert cause in GUESSES


def test_every_guess_is_a_cause() -> None:
    assert GUESSES <= CAUSES


def test_tries_are_counted_for_this_login_and_nobody_can_be_kept_out_by_them() -> None:
    seen = []
    ctx = begun()
    ctx.take_attempt = seen.append
    submit(ctx, token="x")
    submit(ctx)
    assert seen[0] == seen[1]
    assert seen[0].account_id is None
    assert "10101234564" not in seen[0].key


def test_nor_by_who_has_only_the_password_that_comes_before() -> None:
    ctx = fake_context(subject=ANNE)
    METHOD.begin(ctx)
    seen = []
    ctx.take_attempt = seen.append
    submit(ctx, token="x")
    (counted,) = seen
    assert ANNE.key not in counted.key
    assert counted.account_id is None


def test_a_try_too_many_leaves_another_nonce() -> None:
    ctx = begun()
    before = ctx.state["nonce"]
    ctx.most_attempts = 0
    with pytest.raises(TooManyAttempts):
        submit(ctx)
    assert ctx.state["nonce"] != before
    assert ctx.remaining("drawn_at", LIFETIME) > timedelta(minutes=4)


# -- the browser's certificate dialog --------------------------------------------------------------


def chosen(ctx: FakeContext, certificate: str = "her certificate") -> dict[str, str]:
    """The form that the page posts once the browser brought a ticket back."""
    return {"ticket": FakeCards.ticket(ctx.state["nonce"], certificate), "nonce": ctx.state["nonce"], "token": ""}


class TestCpsCardByDialog(TestCpsCard):
    def good_login(self, ctx: FakeContext) -> Step:
        self.method.begin(ctx)
        self.posted = chosen(ctx)
        return self.method.submit(ctx, self.posted)

    def bad_login(self, ctx: FakeContext) -> Step:
        self.method.begin(ctx)
        return self.method.submit(ctx, {**chosen(ctx), "ticket": "sealed-by-nobody"})

    def late_login(self, ctx: FakeContext) -> Step:
        self.method.begin(ctx)
        ctx.advance(seconds=LIFETIME.total_seconds())
        return self.method.submit(ctx, chosen(ctx))


def test_the_dialog_is_opened_for_a_nonce_that_is_drawn_for_it() -> None:
    ctx = begun()
    before, ctx.cards.has_dialog = ctx.state["nonce"], True
    step = METHOD.submit(ctx, {"dialog": "1"})
    assert step == Redirect(f"https://cps.idp.example/carte/{ctx.state['nonce']}")
    assert ctx.state["nonce"] != before
    assert ctx.attempts == 0


def test_without_a_card_host_nobody_is_sent_there() -> None:
    assert isinstance(METHOD.submit(begun(), {"dialog": "1"}), Show)


def test_what_is_proven_is_the_same_and_the_audit_says_which_way() -> None:
    ctx = begun()
    step = METHOD.submit(ctx, chosen(ctx))
    assert isinstance(step, Done)
    by_reader = submit(begun())
    assert isinstance(by_reader, Done)
    assert step.proof.evidence["channel"] == "dialog"
    assert replace(step.proof, evidence={}) == replace(by_reader.proof, evidence={})
    assert not ctx.state


@pytest.mark.parametrize(
    ("ticket", "cause", "is_guess", "tries"),
    [
        ("sealed-by-nobody", "ticket_malformed", True, 1),
        ("x" * (MAX_TOKEN + 1), "ticket_malformed", True, 1),
        ("bm9uY2U= her certificate", "ticket_expired", False, 1),
        ("{nonce} ", "no_certificate", False, 0),
        ("{nonce} another's", "unknown_authority", True, 1),
    ],
)
def test_what_the_dialog_brought_back_is_judged(ticket: str, cause: str, is_guess: bool, tries: int) -> None:
    ctx = begun()
    form = {"ticket": ticket.format(nonce=ctx.state["nonce"]), "nonce": ctx.state["nonce"]}
    assert METHOD.submit(ctx, form) == Refused(cause, guess=is_guess)
    assert ctx.attempts == tries


def test_a_ticket_that_is_too_long_is_not_opened() -> None:
    ctx = begun()
    ctx.cards = None  # type: ignore[assignment]
    assert METHOD.submit(ctx, {"ticket": "x" * (MAX_TOKEN + 1)}) == Refused("ticket_malformed", guess=True)


def test_a_card_that_is_refused_by_the_dialog_is_kept_with_its_channel() -> None:
    ctx = begun()
    ctx.cards.refuses_with, ctx.cards.shows_holder = "revoked", True
    step = METHOD.submit(ctx, chosen(ctx))
    assert isinstance(step, Refused)
    assert step.evidence["channel"] == "dialog"


def test_it_leads_to_the_card_host_of_the_settings_and_nowhere_else() -> None:
    plain, named = Card(), Card(dialog_url="https://cps.idp.example:443", dialog_secret_file=Path("secret"))
    issuer = "https://idp.example"
    assert METHOD.origins_in(Settings(issuer=issuer, card=plain)) == frozenset()
    assert METHOD.origins_in(Settings(issuer=issuer, card=named)) == {"https://cps.idp.example"}
