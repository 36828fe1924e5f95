"""Enrolling a phone, at the phone: one browser, one key, and nothing before the computer has confirmed."""

import re
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key

from idp.domain.ids import digest
from idp.store.conformance import race
from tests.fakes.authenticator import Authenticator
from tests.fakes.enrolling import given_passkey, means, records
from tests.fakes.phone import SoftwarePhone, given_phone
from tests.fakes.phone_enrolling import PAGE, Scanning, at_computer, confirm, number_in, scan, with_phones
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, path_of


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_phones(start)


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return at_computer(provider)


@pytest.fixture
def phone(rp: RelyingParty) -> Scanning:
    return scan(rp)


def reasons(provider: Provider) -> list[str]:
    return [event.detail["reason"] for event in provider.events("means.add_refused")]


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["x", "x" * 5000], ids=["unknown", "huge"])
def test_a_code_that_is_none_is_over(provider: Provider, token: str) -> None:
    other = Scanning(provider.browser(), f"/qr/enrol/{token}", csrf="none")
    assert other.open().status_code == 410
    assert other.state == "over"
    assert other.post().status_code == 403


@pytest.mark.parametrize("path", ["", "/key", "/finish"])
def test_a_form_of_elsewhere_is_refused(phone: Scanning, path: str) -> None:
    phone.csrf = "forged"
    assert phone.post(path).status_code == 403
    assert phone.state == "drawn"


def test_looking_claims_nothing(rp: RelyingParty, phone: Scanning) -> None:
    assert phone.open().status_code == 200
    assert "anne" not in phone.open().text.lower()
    assert scan(rp).claim().state == "claimed"
    assert phone.state == "taken"


def test_who_photographed_the_code_comes_too_late(provider: Provider, rp: RelyingParty, phone: Scanning) -> None:
    thief = scan(rp)
    thief.open()
    thief.csrf = re.findall(r'name="csrf" value="([^"]+)"', thief.open().text)[0]
    phone.claim()
    assert path_of(thief.post()) == thief.path
    assert thief.open().status_code == 409
    for path in ("/key", "/finish"):
        thief.post(path, kind="phone", name="x")
    assert phone.state == "claimed"
    assert reasons(provider) == ["second_phone"]


def test_who_photographed_the_code_and_comes_first_needs_the_computer(provider: Provider, rp: RelyingParty) -> None:
    thief = scan(rp).claim()
    thief.give_key()
    thief.post("/finish")
    assert means(provider, "phone") == []
    assert thief.cookie is None
    assert "Est-ce bien votre téléphone" in rp.browser.get(PAGE).text


def test_of_two_phones_at_once_one_claims(rp: RelyingParty) -> None:
    phones = [scan(rp) for _ in range(3)]
    for each in phones:
        each.csrf = re.findall(r'name="csrf" value="([^"]+)"', each.open().text)[0]
    race(lambda number: phones[number].post().status_code, len(phones))
    assert sorted(each.state for each in phones) == ["claimed", "taken", "taken"]


def test_a_key_comes_after_the_claim_only(provider: Provider, phone: Scanning) -> None:
    made = SoftwarePhone()
    assert path_of(phone.post("/key", kind="phone", name="x", key=made.posted_key, pin="483951")) == phone.path
    assert phone.state == "drawn"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pin": "12345", "pin_again": "12345"}, "six chiffres"),
        ({"pin": "123456", "pin_again": "123456"}, "trop facile"),
        ({"pin": "140789", "pin_again": "140789"}, "trop facile"),
        ({"pin_again": "483952"}, "pas identiques"),
        ({"pin": "9" * 60000, "pin_again": "9" * 60000}, ""),
        ({"name": ""}, "1 à 64"),
        ({"name": "x" * 65}, "1 à 64"),
        ({"signature": ""}, "pas pu être vérifiée"),
        ({"signature": "A" * 86}, "pas pu être vérifiée"),
        ({"signature": "A" * 50000}, "pas pu être vérifiée"),
        ({"key": ""}, "pas pu être vérifiée"),
        ({"key": "A" * 50000}, "pas pu être vérifiée"),
        ({"kind": "totp"}, "pas pu être vérifiée"),
    ],
    ids=lambda value: "-".join(f"{k}{len(v)}" for k, v in value.items()) if isinstance(value, dict) else "",
)
def test_what_does_not_hold_is_refused(provider: Provider, phone: Scanning, changes: dict[str, str], said: str) -> None:
    refused = phone.claim().give_key(**changes)
    assert refused.status_code in {400, 413}
    assert said in refused.text
    assert phone.state == "claimed"
    assert means(provider, "phone") == []


def test_a_key_of_another_curve_is_refused(phone: Scanning) -> None:
    other = SoftwarePhone(key=generate_private_key(SECP384R1()))
    assert phone.claim().give_key(key=other.posted_key).status_code == 400
    assert phone.state == "claimed"


def test_a_signature_for_another_enrolment_is_refused(provider: Provider, phone: Scanning) -> None:
    other = scan(at_computer(provider)).claim()
    signature = phone.phone.sign(*other.parts)
    assert phone.claim().give_key(signature=signature).status_code == 400
    assert reasons(provider) == ["refused"]


def test_a_challenge_is_signed_once(phone: Scanning) -> None:
    signature = phone.claim().phone.sign(*phone.parts)
    assert phone.give_key(signature=signature, pin_again="").status_code == 400
    assert phone.give_key(signature=signature).status_code == 400
    assert phone.give_key().status_code == 303


def test_a_key_that_another_account_has_is_not_added(provider: Provider, rp: RelyingParty, phone: Scanning) -> None:
    provider.add_account("karim.benali")
    phone.phone = given_phone(provider, "karim.benali")
    assert phone.claim().give_key().status_code == 303
    assert confirm(rp).status_code == 409
    assert means(provider, "phone") == []
    assert phone.open().status_code == 409


@pytest.mark.parametrize(
    "lie",
    [{"origin": "https://idp.example.evil"}, {"rp_id": "example"}, {"verifies": False}],
    ids=["origin", "rp", "user"],
)
def test_a_passkey_that_does_not_hold_is_refused(provider: Provider, phone: Scanning, lie: dict[str, object]) -> None:
    phone.authenticator = Authenticator(**lie)  # type: ignore[arg-type]
    assert phone.claim().give_passkey().status_code == 400
    assert reasons(provider) == ["refused"]
    assert phone.state == "claimed"


def test_a_passkey_of_another_account_is_not_held(provider: Provider, phone: Scanning) -> None:
    provider.add_account("karim.benali")
    theirs = given_passkey(provider, "karim.benali")
    assert phone.claim().give_held(theirs).status_code == 400
    assert phone.state == "claimed"


def test_of_many_keys_at_once_one_counts(phone: Scanning) -> None:
    phone.claim()
    form = {"kind": "phone", "name": "x", "key": phone.phone.posted_key, "signature": phone.phone.sign(*phone.parts)}
    form |= {"csrf": phone.csrf, "pin": "483951", "pin_again": "483951"}
    tabs = phone.tabs(3)
    found = race(lambda number: tabs[number].post(f"{phone.path}/key", data=form).status_code, len(tabs))
    assert set(found) <= {303, 400, 409}
    assert phone.state == "made"


def test_the_cookie_comes_once_and_after_the_confirmation(rp: RelyingParty, phone: Scanning) -> None:
    phone.claim().give_key()
    phone.post("/finish")
    assert phone.cookie is None
    confirm(rp)
    other = Scanning(rp.provider.browser(), phone.path, csrf=phone.csrf)
    assert other.post("/finish").status_code == 403
    assert "sesame-phone" in str(phone.post("/finish").headers.getlist("Set-Cookie"))
    assert "sesame-phone" not in str(phone.post("/finish").headers.getlist("Set-Cookie"))
    assert phone.state == "finished"


def test_of_many_that_finish_at_once_one_is_remembered(provider: Provider, rp: RelyingParty, phone: Scanning) -> None:
    phone.claim().give_key()
    confirm(rp)
    tabs = phone.tabs(3)
    race(lambda number: tabs[number].post(f"{phone.path}/finish", data={"csrf": phone.csrf}).status_code, len(tabs))
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        assert len(tx.personal_data.of(account.account_id)["phone_browsers"]) == 1
    cookies = [tab.get_cookie("__Host-sesame-phone") for tab in tabs]
    assert len({each.value for each in cookies if each}) == 1


# -- enrolled ----------------------------------------------------------------------------


def test_a_phone_with_a_pin_is_enrolled_and_remembered(provider: Provider, rp: RelyingParty, phone: Scanning) -> None:
    assert path_of(phone.claim().give_key()) == phone.path
    assert phone.number == number_in(rp.browser.get(PAGE))
    confirm(rp)
    assert phone.state == "confirmed"
    phone.post("/finish")
    assert "Ce téléphone est enregistré" in phone.open().text
    (made,) = means(provider, "phone")
    with provider.services.db.read() as tx:
        stored, known = tx.phones.find(made.credential_id), tx.phones.by_cookie(digest(phone.cookie or ""))
    assert stored
    assert stored.public_key == phone.phone.spki
    assert "483951" not in stored.pin_digest
    assert known
    assert (known.credential_id, known.login_name, known.name) == (
        made.credential_id,
        "anne.pierre",
        "Téléphone d'Anne",
    )


def test_a_phone_with_a_passkey_is_enrolled_as_one(provider: Provider, rp: RelyingParty, phone: Scanning) -> None:
    assert path_of(phone.claim().give_passkey()) == phone.path
    confirm(rp)
    phone.post("/finish")
    (made,), (record,) = means(provider, "passkey"), records(provider)
    assert (made.name, record.public_key) == ("iPhone", phone.authenticator.public_key)
    with provider.services.db.read() as tx:
        known = tx.phones.by_cookie(digest(phone.cookie or ""))
    assert known
    assert (known.kind, known.credential_id) == ("passkey", made.credential_id)


def test_a_phone_that_has_a_passkey_already_is_remembered_by_it(
    provider: Provider, rp: RelyingParty, phone: Scanning
) -> None:
    key = given_passkey(provider)
    assert '"excludeCredentials": [{' in phone.claim().open().text.replace("&#34;", '"')
    assert path_of(phone.give_held(key)) == phone.path
    assert phone.cookie is None
    confirm(rp)
    phone.post("/finish")
    (only,) = means(provider, "passkey")
    with provider.services.db.read() as tx:
        known = tx.phones.by_cookie(digest(phone.cookie or ""))
    assert known
    assert known.credential_id == only.credential_id
    assert provider.events("means.added") == []
    (event,) = provider.events("phone.remembered")
    assert event.detail == {"method": "passkey", "means": only.credential_id}


def test_a_passkey_that_was_removed_meanwhile_is_remembered_by_nobody(
    provider: Provider, rp: RelyingParty, phone: Scanning
) -> None:
    key = given_passkey(provider)
    phone.claim().give_held(key)
    with provider.services.db.write() as tx:
        (record,) = tx.passkeys.of(records(provider)[0].account_id)
        tx.means.remove(record.account_id, record.credential_id, provider.clock.now())
    assert confirm(rp).status_code == 409
    phone.post("/finish")
    assert phone.cookie is None


def test_the_pages_have_nothing_inline(rp: RelyingParty, phone: Scanning) -> None:
    pages = [phone.open().text, phone.claim().open().text]
    phone.give_key()
    pages.append(phone.open().text)
    confirm(rp)
    pages.append(phone.open().text)
    phone.post("/finish")
    pages.append(phone.open().text)
    for page in pages:
        assert " style=" not in page
        assert not re.search(r"<script(?! src=)", page)
    assert len(set(pages)) == 5
    assert "connect-src 'self'" in phone.open().headers["Content-Security-Policy"]
