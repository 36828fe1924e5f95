"""Adding a phone, at the computer: after a fresh proof, and only the phone that was shown and confirmed."""

import re
from collections.abc import Callable

import pytest

from idp.domain.account import AccountStatus
from idp.domain.authn import Assurance
from idp.flows import own_means
from idp.flows.operators import accounts
from idp.flows.operators.purging import purge
from idp.store.conformance import race
from tests.fakes.enrolling import given_passkey, means, proven
from tests.fakes.phone import given_phone
from tests.fakes.phone_enrolling import (
    CONFIRM,
    PAGE,
    address_in,
    at_computer,
    confirm,
    confirmation,
    number_in,
    refuse,
    scan,
    with_phones,
)
from tests.fakes.portal import MEANS, at_the_portal, by_password, copy_of, enter, remove
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, path_of


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_phones(start)


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return at_computer(provider)


def enrolled(provider: Provider) -> int:
    return len(means(provider, "phone")) + len(means(provider, "passkey"))


# -- refusals ----------------------------------------------------------------------------


def test_a_password_alone_shows_no_code(provider: Provider) -> None:
    rp = enter(provider, by_password)
    assert path_of(rp.browser.get(PAGE)).startswith("/login/")
    provider.add_account("karim.benali", email="")
    assert at_the_portal(provider, "karim.benali").browser.get(PAGE).status_code == 403


def test_a_stale_proof_is_asked_anew(provider: Provider) -> None:
    rp = proven(provider)
    provider.clock.advance(minutes=5, seconds=1)
    assert path_of(rp.browser.get(PAGE)).startswith("/login/")


def test_without_the_method_there_is_no_page(start: Callable[..., Provider]) -> None:
    provider = with_phones(start, ("email_otp", "password"))
    rp = proven(provider)
    assert rp.browser.get(PAGE).status_code == 404
    assert PAGE not in rp.browser.get(MEANS).text


@pytest.mark.parametrize("action", ["confirm", "refuse"])
@pytest.mark.parametrize("token", [None, "forged"], ids=["none", "forged"])
def test_a_form_of_elsewhere_is_refused(provider: Provider, rp: RelyingParty, action: str, token: str | None) -> None:
    phone = scan(rp).claim()
    phone.give_key()
    form = {"csrf": token} if token else {}
    assert rp.browser.post(f"{PAGE}/{action}", data=form).status_code == 403
    assert phone.state == "made"
    assert enrolled(provider) == 0


def test_nothing_is_stored_before_the_computer_confirms(provider: Provider, rp: RelyingParty) -> None:
    phone = scan(rp).claim()
    phone.give_key()
    phone.post("/finish")
    assert (enrolled(provider), phone.cookie) == (0, None)
    assert provider.events("means.added") == []


def test_nothing_is_confirmed_before_a_phone_answers(provider: Provider, rp: RelyingParty) -> None:
    assert confirm(rp).status_code == 409
    scan(rp).claim()
    assert confirm(rp).status_code == 409
    assert enrolled(provider) == 0


@pytest.mark.parametrize("seen", ["", "another"], ids=["none", "another"])
def test_only_the_phone_that_was_shown_is_confirmed(provider: Provider, rp: RelyingParty, seen: str) -> None:
    phone = scan(rp).claim()
    phone.give_key()
    assert confirm(rp, {**confirmation(rp), "seen": seen}).status_code == 409
    assert phone.state == "made"
    assert enrolled(provider) == 0


def test_a_form_of_an_earlier_phone_confirms_no_later_one(provider: Provider, rp: RelyingParty) -> None:
    scan(rp).claim().give_key()
    earlier = confirmation(rp)
    refuse(rp)
    scan(rp).claim().give_key()
    assert confirm(rp, earlier).status_code == 409
    assert enrolled(provider) == 0


def test_a_phone_that_is_not_theirs_is_refused_and_audited(provider: Provider, rp: RelyingParty) -> None:
    phone = scan(rp).claim()
    phone.give_key()
    assert path_of(refuse(rp)) == MEANS
    assert phone.open().status_code == 409
    phone.post("/finish")
    assert (enrolled(provider), phone.cookie) == (0, None)
    (event,) = provider.events("means.add_refused")
    assert event.detail == {"method": "phone", "reason": "not_their_phone"}


def test_another_session_of_the_same_person_has_no_part_in_it(provider: Provider, rp: RelyingParty) -> None:
    scan(rp).claim().give_key()
    seen, other = confirmation(rp)["seen"], at_computer(provider)
    assert confirm(other, {**confirmation(other), "seen": seen}).status_code == 409
    assert enrolled(provider) == 0


def test_a_session_that_ended_confirms_nothing(provider: Provider, rp: RelyingParty) -> None:
    phone = scan(rp).claim()
    phone.give_key()
    form = confirmation(rp)
    rp.browser.post("/compte/logout", data=form)
    assert "/authorize" in path_of(confirm(rp, form))
    phone.post("/finish")
    assert (enrolled(provider), phone.cookie) == (0, None)


def test_it_dies_after_ten_minutes(provider: Provider, rp: RelyingParty) -> None:
    phone = scan(rp).claim()
    phone.give_key()
    form = confirmation(rp)
    provider.clock.advance(minutes=10)
    assert path_of(confirm(rp, form)).startswith("/login/")
    assert phone.open().status_code == 410
    assert enrolled(provider) == 0


def test_an_account_that_was_filled_meanwhile_gets_no_more(provider: Provider, rp: RelyingParty) -> None:
    phone = scan(rp).claim()
    phone.give_key()
    for _ in range(5):
        given_phone(provider)
    assert confirm(rp).status_code == 409
    assert len(means(provider, "phone")) == 5
    assert phone.open().status_code == 409


def test_an_account_that_was_closed_meanwhile_gets_nothing(provider: Provider, rp: RelyingParty) -> None:
    scan(rp).claim().give_key()
    form = confirmation(rp)
    accounts.set_status(provider.desk, "anne.pierre", AccountStatus.CLOSED, "gone")
    confirm(rp, form)
    assert enrolled(provider) == 0


def test_a_post_that_is_sent_again_adds_no_second(provider: Provider, rp: RelyingParty) -> None:
    scan(rp).claim().give_key()
    form = confirmation(rp)
    assert [confirm(rp, form).status_code for _ in range(2)] == [303, 409]
    assert enrolled(provider) == 1


def test_of_many_confirmations_at_once_one_counts(provider: Provider, rp: RelyingParty) -> None:
    scan(rp).claim().give_held(given_passkey(provider))
    tabs, form = [copy_of(rp, provider) for _ in range(3)], confirmation(rp)
    answers = race(lambda number: tabs[number].post(CONFIRM, data=form).status_code, len(tabs))
    assert sorted(answers) == [303, 409, 409]
    assert len(provider.events("phone.remembered")) == 1


def test_a_store_that_forgot_confirms_nothing(provider: Provider, rp: RelyingParty) -> None:
    phone = scan(rp).claim()
    phone.give_key()
    form = confirmation(rp)
    provider.services.ephemeral._redis.flushall()
    assert confirm(rp, form).status_code == 409
    assert phone.open().status_code == 410
    assert enrolled(provider) == 0


# -- added -------------------------------------------------------------------------------


def test_the_computer_shows_who_answered(provider: Provider, rp: RelyingParty) -> None:
    phone = scan(rp).claim()
    assert "Un téléphone a lu" in rp.browser.get(PAGE).text
    phone.give_key()
    shown = rp.browser.get(PAGE)
    assert number_in(shown) == phone.number
    for told in ("Safari sous iPhone", "127.0.0.0/24", "Téléphone d&#39;Anne"):
        assert told in shown.text
    assert rp.browser.get(f"{PAGE}/state").json == {"state": "made"}


def test_it_is_added_with_the_level_of_the_proof_and_the_holder_is_told(provider: Provider, rp: RelyingParty) -> None:
    scan(rp).claim().give_key()
    provider.clock.advance(minutes=6)  # the proof is stale; what it began is not
    assert path_of(confirm(rp)) == MEANS
    (made,) = means(provider, "phone")
    assert (made.name, made.enrolled, made.anchor) == ("Téléphone d'Anne", Assurance.MEDIUM, "phone")
    (event,) = provider.events("means.added")
    assert event.detail == {"method": "phone", "means": made.credential_id, "assurance": "MEDIUM"}
    assert "Un moyen d'authentification a été ajouté" in provider.mails()[-1].text
    shown = rp.browser.get(MEANS).text
    assert "Le téléphone est ajouté." in shown
    for told in ("Téléphone d&#39;Anne", "<small>Téléphone</small>", "jamais utilisé"):
        assert told in shown


def test_a_passkey_that_only_approves_stands_as_a_phone(start: Callable[..., Provider]) -> None:
    provider = with_phones(start, ("email_otp", "password", "qr_code"))
    rp = at_computer(provider)
    scan(rp).claim().give_passkey()
    confirm(rp)
    shown = rp.browser.get(MEANS).text
    assert "<strong>iPhone</strong>" in shown
    assert "<small>Téléphone</small>" in shown
    assert "n&#39;est plus proposé" not in shown


@pytest.mark.parametrize(
    ("phone", "passkey", "worth"),
    [("MEDIUM", None, "MEDIUM"), ("LOW", None, "LOW"), (None, "MEDIUM", "MEDIUM"), ("LOW", "MEDIUM", "MEDIUM")],
    ids=["phone", "weak phone", "passkey", "weak phone and passkey"],
)
def test_a_phone_or_a_passkey_is_a_means_of_the_account(
    start: Callable[..., Provider], phone: str | None, passkey: str | None, worth: str
) -> None:
    """Of the method that takes either the better one counts."""
    provider = with_phones(start, ("email_otp", "password", "qr_code"))
    if phone:
        given_phone(provider, level=Assurance[phone])
    if passkey:
        given_passkey(provider, level=Assurance[passkey])
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        own = own_means.of_account(provider.services, tx, account)
    assert {entry.id: level for entry, level in own.reach.items()}["qr_code"] == Assurance[worth]


def test_a_code_is_shown_again_until_it_is_used(provider: Provider, rp: RelyingParty) -> None:
    first = address_in(rp.browser.get(PAGE))
    assert address_in(rp.browser.get(PAGE)) == first
    refuse(rp)
    assert address_in(rp.browser.get(PAGE)) != first
    assert provider.events("means.add_refused") == []


def test_the_pages_have_nothing_inline(provider: Provider, rp: RelyingParty) -> None:
    shown = rp.browser.get(PAGE)
    assert "<svg width" in shown.text
    assert " style=" not in shown.text
    assert not re.search(r"<script(?! src=)", shown.text)
    assert "connect-src 'self'" in shown.headers["Content-Security-Policy"]
    assert shown.headers["Cache-Control"] == "no-store"
    assert "Add a phone" in rp.browser.get(f"{PAGE}?lang=en").text


def test_it_is_taken_away_like_any_other_and_what_is_stored_of_it_goes(provider: Provider, rp: RelyingParty) -> None:
    phone = scan(rp).claim()
    phone.give_key()
    confirm(rp)
    phone.post("/finish")
    (made,) = means(provider, "phone")
    assert path_of(remove(rp, made.credential_id, understood="yes")) == f"{MEANS}/removed"
    purged = purge(provider.desk, provider.services.settings, is_stopped=lambda: False)
    assert (purged["phone"], purged["phone_cookie"]) == (1, 1)


def test_closing_the_account_takes_it_away(provider: Provider) -> None:
    given_phone(provider)
    accounts.set_status(provider.desk, "anne.pierre", AccountStatus.CLOSED, "gone")
    assert means(provider, "phone") == []


def test_it_was_not_me_takes_it_away(provider: Provider, rp: RelyingParty) -> None:
    scan(rp).claim().give_key()
    confirm(rp)
    found = re.search(r"https://idp\.example(/not-me/\S+)", provider.mails()[-1].text)
    assert found
    provider.browser().post(found[1])
    assert means(provider, "phone") == []
