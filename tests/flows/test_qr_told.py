"""What is told of a login that a phone refused, and what a guess of a short code comes to."""

from collections.abc import Callable

import pytest

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


def test_not_me_on_a_known_phone_tells_its_holder_and_not_of_a_password(provider: Provider) -> None:
    provider.add_account("karim.benali")
    given_phone(provider)
    phone = Handset(provider, own=given_phone(provider, "karim.benali"))
    phone.refuse(phone.scanned(Computer(provider, "strong").give_password()))
    letter = provider.mails()[-1]
    assert letter.to == "karim.benali@chu.example"
    assert "Votre téléphone a lu" in letter.text
    assert "changez-le" not in letter.text


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
