"""A QR code as a proof of the account itself: what a relay was approved for changes nothing of it."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

import pytest

from idp.domain.authn import Assurance, Proof
from idp.domain.policy import MethodEntry, Policy
from idp.flows import enrolled_codes, own_means
from idp.methods.base import Subject
from idp.methods.enrolled import CodesBlocked
from tests.fakes import enrolling, phone_enrolling, samples
from tests.fakes.enrolling import given_passkey, means, proven
from tests.fakes.phone import given_phone
from tests.fakes.phone_enrolling import at_computer, confirm, scan
from tests.fakes.portal import MEANS, asked, enter
from tests.fakes.provider import Provider
from tests.fakes.qr_login import OFFICE, Computer, Handset, account_id, approved, reasons, with_phones
from tests.fakes.relying_party import RelyingParty, path_of

PASSWORD = "/compte/password"
NOT_HAD = "ne permet pas encore ce mode"
PHONE, PASSKEY = phone_enrolling.PAGE, enrolling.PASSKEY


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_phones(start)


@pytest.fixture
def phone(provider: Provider) -> Handset:
    return Handset(provider, own=given_phone(provider))


@pytest.fixture
def relay(provider: Provider, phone: Handset) -> RelyingParty:
    """Signed in to the portal by what the holder approved elsewhere, a moment ago."""

    def by_qr(rp: RelyingParty, path: str) -> object:
        thief = Computer(provider, rp=rp, path=path).open()
        assert path_of(approved(thief, phone)) == "/qr/approved"
        return thief.press()

    return enter(provider, by_qr)


def held(*conditions: str) -> Proof:
    return replace(samples.otp_proof(), method="qr_code", assurance=Assurance.MEDIUM, held=conditions)


def policy(provider: Provider, client_id: str) -> Policy:
    found = provider.services.configuration.policy(client_id)
    assert found
    return found


def opens(provider: Provider, client_id: str) -> bool:
    """True if what Anne has opens the service."""
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        has = own_means.holdings(tx, account)
    return own_means.opens(provider.services, has, policy(provider, client_id))


# -- the relay ---------------------------------------------------------------------------


@pytest.mark.parametrize("page", [PHONE, PASSKEY, PASSWORD])
def test_a_relayed_login_is_no_fresh_proof(relay: RelyingParty, page: str) -> None:
    """The login itself stands, at MEDIUM, and a moment ago: adding a key of one's own asks for more."""
    assert relay.browser.get(MEANS).status_code == 200
    asked(relay, page)


def test_a_fresh_proof_by_a_phone_of_elsewhere_is_refused(
    provider: Provider, relay: RelyingParty, phone: Handset
) -> None:
    computer = Computer(provider, rp=relay, path=asked(relay, PHONE)).open()
    page = phone.scanned(computer)
    assert phone.approve(page, computer.number()).status_code == 400
    computer.press()
    assert reasons(provider)[0] == "other_network"
    asked(relay, PHONE)


def test_a_relayed_proof_links_nothing(provider: Provider) -> None:
    linking = own_means.linking_policy(provider.services, "rp", "national_card")
    assert not linking.accepts(held())
    assert linking.accepts(held("same_network=yes"))


def test_a_relayed_proof_is_worth_nothing_beside_another(provider: Provider) -> None:
    """What is added is worth the freshest proofs that count."""
    now, near = provider.clock.now(), held("same_network=yes", "approval=passkey")
    found = own_means.recent(provider.services, [replace(each, at=now) for each in (held(), near)])
    assert [proof.held for proof in found] == [near.held]


@pytest.mark.parametrize("is_near", [False, True], ids=["relayed", "near"])
def test_a_relayed_proof_unblocks_no_application(provider: Provider, phone: Handset, is_near: bool) -> None:
    secret, who = enrolling.given_totp(provider), Subject("", "anne.pierre", account_id(provider))
    with provider.services.db.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE totp_secret SET tries = {enrolled_codes.BLOCKED_AFTER - 1}")
    codes = enrolled_codes.StoredCodes(provider.services)
    with phone.browser.application.test_request_context():  # the alert is written in the language of a request
        assert codes.check(who, "000000") is None
    provider.clock.advance(minutes=1)
    if is_near:
        phone.browser.environ_base["REMOTE_ADDR"] = OFFICE
    computer = Computer(provider, "near" if is_near else "rp").open()
    approved(computer, phone)
    assert computer.press().status_code == 303
    with nullcontext() if is_near else pytest.raises(CodesBlocked):
        assert codes.check(who, enrolling.current(secret, provider))


def test_a_fresh_proof_by_a_phone_of_the_same_network(provider: Provider, relay: RelyingParty, phone: Handset) -> None:
    phone.browser.environ_base["REMOTE_ADDR"] = OFFICE
    computer = Computer(provider, rp=relay, path=asked(relay, PHONE)).open()
    approved(computer, phone)
    assert path_of(computer.press()) == PHONE
    assert relay.browser.get(PHONE).status_code == 200


# -- a phone with a PIN, where a passkey is asked ----------------------------------------


def test_a_phone_with_a_pin_does_not_open_what_asks_for_a_passkey(provider: Provider, phone: Handset) -> None:
    assert (opens(provider, "near"), opens(provider, "here")) == (True, False)
    given_passkey(provider)
    assert opens(provider, "here")


def test_what_the_holder_cannot_use_is_offered_as_such(provider: Provider, relay: RelyingParty) -> None:
    relay.client_id = "here"
    path = relay.open_login()
    assert NOT_HAD in relay.browser.get(path).text
    given_passkey(provider)
    assert NOT_HAD not in relay.browser.get(path).text


def test_what_the_holder_cannot_use_is_not_begun(provider: Provider, phone: Handset) -> None:
    provider.add_client("both", methods=("qr_code:after=password,approval=passkey",))
    computer = Computer(provider, "both")
    assert NOT_HAD in computer.give_password().rp.post(computer.page, page=computer.path).text
    given_passkey(provider)
    assert path_of(computer.rp.post(computer.page, page=computer.path)) == computer.page


def test_a_passkey_counts_by_its_own_enrolment_where_one_is_asked(provider: Provider) -> None:
    given_phone(provider)
    given_passkey(provider, level=Assurance.LOW)
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        has = own_means.holdings(tx, account)
    entries = MethodEntry("qr_code", options={"approval": "passkey"}), MethodEntry("qr_code")
    levels = [own_means.reach_of(provider.services, has, entry) for entry in entries]
    assert levels == [Assurance.LOW, Assurance.MEDIUM]


# -- as many as there may be -------------------------------------------------------------


def test_who_has_all_passkeys_adds_a_phone_with_a_pin(provider: Provider) -> None:
    """The phone is not asked to make a passkey that would be thrown away."""
    for _ in range(5):
        given_passkey(provider)
    rp = at_computer(provider)
    assert f'href="{PHONE}"' in rp.browser.get(MEANS).text
    made = scan(rp).claim()
    assert 'data-ceremony="get"' in made.open().text
    assert made.give_key().status_code == 303
    assert confirm(rp).status_code == 303
    assert len(means(provider, "phone")) == 1


@pytest.mark.parametrize(("kind", "given"), [("phone", given_phone), ("passkey", given_passkey)])
def test_one_more_than_there_may_be_is_refused_on_the_phone(
    provider: Provider, kind: str, given: Callable[[Provider], object]
) -> None:
    rp = at_computer(provider)
    made = scan(rp).claim()
    options = made.open()
    for _ in range(5):
        given(provider)
    if kind == "phone":
        refused = made.give_key()
    else:
        credential = made.authenticator.create(enrolling.options_of(options))
        refused = made.post("/key", kind="passkey", name="iPhone", credential=credential)
    assert refused.status_code == 400
    assert "trop de clés de cette sorte" in refused.text


def test_the_list_shows_telephones_as_such_and_which_keys_approve_too(provider: Provider) -> None:
    given_phone(provider)
    given_passkey(provider)
    shown = proven(provider).browser.get(MEANS).text
    assert shown.count("#phone") == 2, "one that is there, and the line to add one"
    assert "#qr" not in shown
    assert shown.count("Peut aussi approuver un QR code.") == 1


def test_who_has_all_of_both_adds_none_and_is_offered_none(provider: Provider) -> None:
    for _ in range(5):
        given_phone(provider)
        given_passkey(provider)
    rp = proven(provider)
    assert path_of(rp.browser.get(PHONE)) == MEANS
    assert "retirez-en un" in rp.browser.get(MEANS).text
    assert f'href="{PHONE}"' not in rp.browser.get(MEANS).text
