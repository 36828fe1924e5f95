"""A login that a phone approves: what it is worth, and what the pages say on the way."""

from collections.abc import Callable

import pytest

from idp.domain.authn import Assurance
from tests.fakes.enrolling import answer_with, given_passkey
from tests.fakes.phone import given_phone
from tests.fakes.provider import Provider
from tests.fakes.qr_login import Computer, Handset, account_id, approved, with_phones
from tests.fakes.relying_party import answer_of, csrf_of, path_of


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_phones(start)


def claims_of(computer: Computer) -> dict[str, object]:
    claims: dict[str, object] = computer.rp.redeem(answer_of(computer.press())["code"])["claims"]
    return claims


@pytest.mark.parametrize(("synced", "kind"), [(False, "hwk"), (True, "swk")], ids=["one device", "synced"])
def test_by_a_passkey(provider: Provider, synced: bool, kind: str) -> None:
    phone = Handset(provider, given_passkey(provider, is_backup_eligible=synced))
    computer = Computer(provider).open()
    assert path_of(approved(computer, phone)) == "/qr/approved"
    claims = claims_of(computer)
    assert (claims["amr"], claims["acr"]) == ([kind, "user", "mfa"], "eidas1")
    (event,) = provider.events("login.qr_approved")
    assert event.subject == event.actor
    assert event.personal["network"] == "203.0.113.0/24"


def test_by_a_key_of_the_phones_browser_and_a_pin(provider: Provider) -> None:
    phone = Handset(provider, own=given_phone(provider))
    computer = Computer(provider).open()
    assert path_of(approved(computer, phone)) == "/qr/approved"
    claims = claims_of(computer)
    assert (claims["amr"], claims["acr"]) == (["swk", "pin", "mfa"], "eidas1")


def test_after_a_password(provider: Provider) -> None:
    phone = Handset(provider, own=given_phone(provider))
    computer = Computer(provider, "strong").give_password()
    assert path_of(approved(computer, phone)) == "/qr/approved"
    assert claims_of(computer)["amr"] == ["pwd", "swk", "pin", "mfa"]


def test_what_little_enrolled_is_worth_no_more(provider: Provider) -> None:
    phone = Handset(provider, own=given_phone(provider, level=Assurance.LOW))
    computer = Computer(provider).open()
    approved(computer, phone)
    assert claims_of(computer)["acr"] == "urn:sesame:acr:low"


def test_a_passkey_on_the_computers_own_page(provider: Provider) -> None:
    """approval=passkey: no request for a phone's page is opened at all."""
    key = given_passkey(provider)
    computer = Computer(provider, "here").open()
    assert "QR code" in computer.shown().text
    assert computer.rp.browser.get(f"{computer.page}/image").status_code == 404
    claims = computer.rp.redeem(answer_of(answer_with(computer.rp, computer.page, key))["code"])["claims"]
    assert claims["amr"] == ["hwk", "user", "mfa"]


def test_the_phone_shows_what_it_would_approve(provider: Provider) -> None:
    phone = Handset(provider, own=given_phone(provider))
    computer = Computer(provider).open()
    provider.clock.advance(seconds=12)
    for shown in (phone.browser.get(computer.qr()), phone.browser.get(phone.scanned(computer))):
        for said in ("Service rp", "Firefox sous Windows", "192.0.2.0/24", "il y a 12 s"):
            assert said in shown.text
        assert "style=" not in shown.text
        assert shown.headers["Cache-Control"] == "no-store"


def test_the_phone_shows_the_operators_name_of_the_network(start: Callable[..., Provider]) -> None:
    egress = [{"label": "CHU de Bordeaux", "networks": ["192.0.2.0/24"], "failures_per_10_min": 300}]
    provider = with_phones(start, egress=egress)
    computer = Computer(provider).open()
    assert "CHU de Bordeaux (192.0.2.0/24)" in Handset(provider).browser.get(computer.qr()).text


def test_the_computer_shows_the_number_once_it_was_scanned(provider: Provider) -> None:
    computer, phone = Computer(provider).open(), Handset(provider)
    before = computer.shown()
    assert 'id="qr-number"></p>' in before.text
    assert f'src="{computer.page}/image"' in before.text
    assert "idp.example/qr" in before.text
    image = computer.rp.browser.get(f"{computer.page}/image")
    assert (image.mimetype, image.headers["Cache-Control"]) == ("image/svg+xml", "no-store")
    assert b"<svg" in image.data
    phone.scanned(computer)
    assert computer.number() == computer.request().number
    assert computer.rp.browser.get(f"{computer.page}/image").status_code == 404


def test_the_qr_code_changes_every_half_minute(provider: Provider) -> None:
    computer = Computer(provider).open()
    first, image = computer.qr(), computer.rp.browser.get(f"{computer.page}/image").data
    assert computer.qr() == first
    provider.clock.advance(seconds=30)
    assert computer.qr() != first
    assert computer.rp.browser.get(f"{computer.page}/image").data != image


def test_who_cannot_scan_types_the_short_code(provider: Provider) -> None:
    computer = Computer(provider).open()
    phone = Handset(provider, own=given_phone(provider))
    home = phone.browser.get("/qr")
    found = phone.browser.post("/qr", data={"csrf": csrf_of(home), "code": computer.code().lower()})
    page = path_of(phone.scan(path_of(found)))
    assert path_of(phone.approve(page, computer.number())) == "/qr/approved"
    assert claims_of(computer)["amr"] == ["swk", "pin", "mfa"]


def test_a_phone_that_is_not_enrolled_is_told_how(provider: Provider) -> None:
    phone = Handset(provider)
    shown = phone.browser.get(phone.scanned(Computer(provider).open()))
    assert "Ce téléphone n'est pas enregistré ?" in shown.text
    assert 'href="/qr"' in shown.text


def test_early_presses_and_expired_codes_keep_nobody_out(provider: Provider) -> None:
    """Nothing is guessed there, and the phone may take its time."""
    computer, phone = Computer(provider).open(), Handset(provider, own=given_phone(provider))
    for _ in range(6):
        assert "pas encore approuvé" in computer.press().text
    for _ in range(6):
        provider.clock.advance(seconds=121)
        assert "a expiré" in computer.press().text
        computer.open()
    approved(computer, phone)
    assert claims_of(computer)["amr"] == ["swk", "pin", "mfa"]


def test_two_computers_at_once_each_have_their_own_phone(provider: Provider) -> None:
    provider.add_account("karim.benali")
    hers = Handset(provider, own=given_phone(provider))
    his = Handset(provider, own=given_phone(provider, "karim.benali"))
    first, second = Computer(provider).open(), Computer(provider).open()
    one, two = hers.scanned(first), his.scanned(second)
    assert hers.approve(one, first.number()).status_code == 303
    assert his.approve(two, second.number()).status_code == 303
    assert claims_of(first)["sub"] != claims_of(second)["sub"]
    second_event, first_event = provider.events("login.succeeded")
    assert [first_event.subject, second_event.subject] == [account_id(provider), account_id(provider, "karim.benali")]


def test_one_phone_approves_two_computers_one_after_the_other(provider: Provider) -> None:
    phone = Handset(provider, own=given_phone(provider))
    for _ in range(2):
        computer = Computer(provider).open()
        approved(computer, phone)
        assert claims_of(computer)["amr"] == ["swk", "pin", "mfa"]
