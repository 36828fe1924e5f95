"""What is told of a login that a phone refused, and what a guess of a short code comes to."""

from collections.abc import Callable

import pytest

from idp.domain.phone_request import State
from idp.web.dates import moment
from tests.fakes.enrolling import given_passkey, means, proven
from tests.fakes.phone import COOKIE, given_phone, remembered
from tests.fakes.provider import Provider
from tests.fakes.qr_login import Computer, Handset, account_id, nobody_is_signed_in, with_phones
from tests.fakes.relying_party import csrf_of, path_of
from tests.fakes.slowed import Slowed


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    egress = [{"label": "CHU de Bordeaux", "networks": ["192.0.2.0/24"], "failures_per_10_min": 300}]
    return with_phones(start, egress=egress)


@pytest.mark.parametrize("kind", ["phone", "passkey"])
def test_not_me_stops_it_and_tells_the_holder(provider: Provider, kind: str) -> None:
    """The letter says what service, which network, and when."""
    own = given_phone(provider) if kind == "phone" else None
    phone = Handset(provider, None if own else given_passkey(provider), own)
    if own is None:
        (made,) = means(provider, "passkey")
        phone.browser.set_cookie(COOKIE, remembered(provider, made.credential_id), secure=True)
    computer = Computer(provider).open()
    page = phone.scanned(computer)
    assert path_of(phone.refuse(page)) == "/qr/refused"
    assert "arrêtée" in phone.browser.get("/qr/refused").text
    assert "refusée sur le téléphone" in computer.press().text
    assert nobody_is_signed_in(provider, computer)
    (event,) = provider.events("login.qr_refused")
    told = {"method": "qr_code", "reason": "not_me"}
    assert (event.subject, event.client_id, event.detail) == (account_id(provider), "rp", told)
    assert event.personal["network"] == "203.0.113.0/24"
    letter = provider.mails()[-1]
    assert letter.to == "anne.pierre@chu.example"
    when = moment(provider.clock.now(), "fr")
    for said in ("Service rp", "CHU de Bordeaux (192.0.2.0/24)", "Firefox sous Windows", when):
        assert said in letter.text, letter.text
        assert said in letter.html


def test_the_history_of_logins_has_what_a_phone_refused(provider: Provider) -> None:
    phone = Handset(provider, own=given_phone(provider))
    phone.refuse(phone.scanned(Computer(provider).open()))
    shown = proven(provider, "/compte/account/history").browser.get("/compte/account/history").text
    assert "Connexion refusée sur un téléphone" in shown
    assert "Service rp" in shown


def test_not_me_on_a_phone_that_nobody_knows_is_audited(provider: Provider) -> None:
    computer, stranger = Computer(provider).open(), Handset(provider)
    stranger.refuse(stranger.scanned(computer))
    (event,) = provider.events("login.qr_refused")
    assert (event.subject, event.actor) == (None, "anonymous")
    assert provider.mails() == []


def test_not_me_on_an_unknown_phone_tells_whose_password_was_typed(provider: Provider) -> None:
    """Somebody has the password, and sent the QR code on."""
    given_phone(provider)
    computer, stranger = Computer(provider, "strong").give_password(), Handset(provider)
    stranger.refuse(stranger.scanned(computer))
    (event,) = provider.events("login.qr_refused")
    assert (event.subject, event.actor) == (account_id(provider), "anonymous")
    letter = provider.mails()[-1]
    assert letter.to == "anne.pierre@chu.example"
    for said in ("Un téléphone inconnu", "puis l'a refusée", "changez-le tout de suite"):
        assert said in letter.text


def test_not_me_on_the_first_page_stops_it_and_tells_as_later(provider: Provider) -> None:
    computer, phone = Computer(provider).open(), Handset(provider, own=given_phone(provider))
    qr = computer.qr()
    shown = phone.browser.get(qr)
    answer = phone.browser.post(qr, data={"csrf": csrf_of(shown), "decision": "refuse"})
    assert path_of(answer) == "/qr/refused"
    assert computer.request().state is State.REFUSED
    (event,) = provider.events("login.qr_refused")
    assert (event.subject, event.detail["reason"]) == (account_id(provider), "not_me")
    assert "Votre téléphone a lu" in provider.mails()[-1].text


def test_not_me_on_the_first_page_is_no_second_phones(provider: Provider) -> None:
    computer, phone, second = Computer(provider).open(), Handset(provider), Handset(provider)
    qr = computer.qr()
    shown = second.browser.get(qr)
    phone.scanned(computer)
    refused = second.browser.post(qr, data={"csrf": csrf_of(shown), "decision": "refuse"})
    assert (refused.status_code, computer.request().state) == (409, State.SCANNED)
    assert not provider.events("login.qr_refused")


def test_not_me_on_anothers_phone_tells_both_holders(provider: Provider) -> None:
    """Whose phone it is, and whose password was typed on the computer."""
    provider.add_account("karim.benali")
    given_phone(provider)
    phone = Handset(provider, own=given_phone(provider, "karim.benali"))
    phone.refuse(phone.scanned(Computer(provider, "strong").give_password()))
    his, hers = sorted(provider.mails()[-2:], key=lambda mail: mail.to, reverse=True)
    assert (his.to, hers.to) == ("karim.benali@chu.example", "anne.pierre@chu.example")
    assert "Votre téléphone a lu" in his.text
    assert "changez-le" not in his.text
    assert "Un téléphone inconnu" in hers.text
    assert "changez-le tout de suite" in hers.text
    told = {(event.subject, event.actor) for event in provider.events("login.qr_refused")}
    karim = account_id(provider, "karim.benali")
    assert told == {(karim, karim), (account_id(provider), "anonymous")}


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
def test_the_letter_of_three_wrong_numbers_says_so(provider: Provider, is_known: bool) -> None:
    own = given_phone(provider)
    phone, computer = Handset(provider, own=own if is_known else None), Computer(provider, "strong").give_password()
    page = phone.scanned(computer)
    number = "11" if computer.number() != "11" else "12"
    for _ in range(3):
        phone.approve(page, number)
    events = [*provider.events("login.qr_refused"), *provider.events("login.failed")]
    assert {event.subject for event in events} == {account_id(provider)}
    letter = provider.mails()[-1].text
    assert "trois nombres faux" in letter
    assert ("Votre téléphone a lu" in letter) == is_known
    assert "l'a refusée" not in letter


def test_a_holder_is_told_a_few_times_a_day(provider: Provider) -> None:
    phone = Handset(provider, own=given_phone(provider))
    for _ in range(5):
        computer = Computer(provider).open()
        phone.refuse(phone.scanned(computer))
    assert len(provider.events("login.qr_refused")) == 5
    assert len(provider.mails()) == 3


def test_a_new_browser_is_told_of_as_after_any_login(provider: Provider) -> None:
    phone = Handset(provider, own=given_phone(provider))
    for _ in range(2):
        computer = Computer(provider).open()
        phone.approve(phone.scanned(computer), computer.number())
        computer.press()
    assert [mail.subject for mail in provider.mails()] == ["Nouvelle connexion à votre compte esea"]
    assert "QR code" in provider.mails()[-1].text


def test_guesses_of_a_short_code_slow_their_network(start: Callable[..., Provider]) -> None:
    made = Slowed(with_phones(start, failures_per_10_min=3))
    phone = Handset(made.provider)
    for _ in range(6):
        form = {"csrf": csrf_of(phone.browser.get("/qr")), "code": "BCDF-GHJK"}
        assert phone.browser.post("/qr", data=form).status_code == 400
    assert made.pauses
