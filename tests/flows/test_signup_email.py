"""The code that proves the address of a registration; nobody learns whose the address is."""

import re
from collections.abc import Callable

import pytest

from tests.fakes.provider import Provider
from tests.fakes.relying_party import path_of
from tests.fakes.signup import CODE, LOGIN, Wizard, said, started


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return started(start)


@pytest.fixture
def wizard(provider: Provider) -> Wizard:
    return Wizard(provider)


def test_no_answer_tells_that_an_address_is_known(provider: Provider) -> None:
    """The same pages; only who reads the mail learns it, and gets no code."""
    taken, free = Wizard(provider), Wizard(provider)
    known = "anne.pierre@chu.example"
    taken.to_code(email=known, email_again=known)
    free.to_code(email="libre@chu.example", email_again="libre@chu.example")
    blank = [
        re.sub(r"[\w.]+@chu\.example|<code>\w*</code>|value=\"[\w-]{20,}\"", "", w.get(CODE).text)
        for w in (taken, free)
    ]
    assert blank[0] == blank[1]
    to_anne, to_free = provider.mails()[-2:]
    assert (to_anne.to, to_free.to) == (known, "libre@chu.example")
    assert "déjà un compte" in to_anne.subject
    assert not re.search(r"\b\d{6}\b", to_anne.text + to_anne.html.replace("#", "\\"))
    assert "/password/forgot" in to_anne.text
    assert [event.subject for event in provider.events("signup.code_sent")] == [None, None]


@pytest.mark.parametrize("typed", ["", "12345", "abcdef", "١٢٣٤٥٦"])
def test_what_is_no_code_costs_no_try(wizard: Wizard, typed: str) -> None:
    wizard.to_code()
    for _ in range(6):
        assert "six chiffres" in said(wizard.post(CODE, code=typed))
    assert path_of(wizard.give_code()) == LOGIN


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_the_sixth_try_is_refused_even_with_the_right_code(provider: Provider, wizard: Wizard) -> None:
    wizard.to_code()
    code = provider.last_code()
    for _ in range(5):
        assert "n'est pas le bon" in said(wizard.give_code(other_than(code)))
    provider.clock.advance(minutes=2)
    assert "Trop d'essais avec ce code" in said(wizard.give_code(code))
    assert wizard.registration().email_proven_at is None
    assert len(provider.events("signup.code_refused")) == 5


def test_a_code_dies_after_ten_minutes(provider: Provider, wizard: Wizard) -> None:
    wizard.to_code()
    code = provider.last_code()
    provider.clock.advance(minutes=10)
    assert "plus valable" in said(wizard.give_code(code))


def test_a_newer_code_ends_the_one_before(provider: Provider, wizard: Wizard) -> None:
    wizard.to_code()
    first = provider.last_code()
    assert "Attendez une minute" in said(wizard.post(CODE, resend="1"))
    provider.clock.advance(seconds=60)
    assert path_of(wizard.post(CODE, resend="1")) == CODE
    if provider.last_code() != first:
        assert "n'est pas le bon" in said(wizard.give_code(first))
    assert path_of(wizard.give_code()) == LOGIN


def test_a_code_is_over_when_another_is_sent_meanwhile(
    provider: Provider, wizard: Wizard, monkeypatch: pytest.MonkeyPatch
) -> None:
    wizard.to_code()
    first, store = provider.last_code(), type(provider.services.ephemeral)
    provider.clock.advance(seconds=60)
    swap = store.swap

    def overtaken(self: object, *args: object) -> bool:
        monkeypatch.setattr(store, "swap", swap)
        assert path_of(wizard.post(CODE, resend="1")) == CODE
        return swap(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "swap", overtaken)
    assert wizard.give_code(first).status_code == 409
    assert wizard.registration().email_proven_at is None
    assert path_of(wizard.give_code()) == LOGIN


def test_a_code_proves_no_other_address(provider: Provider, wizard: Wizard) -> None:
    wizard.to_code()
    first = provider.last_code()
    wizard.type(email="autre@chu.example", email_again="autre@chu.example")
    if provider.last_code() != first:
        assert "n'est pas le bon" in said(wizard.give_code(first))
    assert wizard.registration().email_proven_at is None


def test_a_proven_address_is_out_of_reach_of_the_cookie_before(provider: Provider, wizard: Wizard) -> None:
    """Whoever put the draft into this browser chooses no password for it."""
    wizard.to_code()
    planted, thief = wizard.browser.get_cookie("__Host-sesame-signup"), Wizard(provider)
    assert planted
    thief.browser.set_cookie("__Host-sesame-signup", planted.value, secure=True)
    assert thief.get(CODE).status_code == 200
    assert path_of(wizard.give_code()) == LOGIN
    thief.browser.set_cookie("__Host-sesame-signup", planted.value, secure=True)
    assert thief.get(LOGIN).status_code == 410
    assert wizard.get(LOGIN).status_code == 200


def test_a_code_of_another_draft_proves_nothing(provider: Provider, wizard: Wizard) -> None:
    wizard.to_code()
    code = provider.last_code()
    other = Wizard(provider)
    other.to_code()
    if provider.last_code() != code:
        assert "n'est pas le bon" in said(other.give_code(code))


def test_five_codes_an_hour_to_one_address(provider: Provider) -> None:
    for _ in range(5):
        Wizard(provider).to_code()
    sent = len(provider.mails())
    late = Wizard(provider)
    late.begin()
    assert "Trop de codes" in said(late.type())
    assert len(provider.mails()) == sent
