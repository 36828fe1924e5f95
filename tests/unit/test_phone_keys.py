"""The key and the PIN of a phone: the signature first, and ten wrong PINs at most."""

import base64
import os
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from idp.domain.phone import Phone, pin_problem, signed_text
from idp.flows.qr.phone_keys import PhoneRefused, check_signature, read_key, verify
from idp.methods.base import Needs
from idp.store.conformance import race
from tests.fakes.phone import PIN, SoftwarePhone, given_phone
from tests.fakes.provider import Provider

PARTS = ("https://idp.example", "approve", "a request", "a challenge", "47")
ANOTHER = "839204"


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start()
    made.add_account("anne.pierre")
    return made


def stored(provider: Provider, phone: SoftwarePhone) -> Phone | None:
    with provider.services.db.read() as tx:
        return tx.phones.find(phone.credential_id)


def give(provider: Provider, phone: SoftwarePhone, known: Phone, pin: str = PIN, signature: str = "") -> str:
    """What came of it: `right`, or the code of the refusal."""
    with provider.app.test_request_context():
        try:
            verify(provider.services, known, signed_text(*PARTS), signature or phone.sign(*PARTS), pin)
        except PhoneRefused as refusal:
            return refusal.code
    return "right"


def known(provider: Provider, phone: SoftwarePhone) -> Phone:
    found = stored(provider, phone)
    assert found
    return found


# -- PINs and texts ----------------------------------------------------------------------


@pytest.mark.embedded
@pytest.mark.parametrize("pin", ["", "12345", "1234567", "48395a", "４８３９５１", "483951\n"], ids=repr)
def test_a_pin_is_six_digits(pin: str) -> None:
    assert pin_problem(pin) == "malformed"


@pytest.mark.embedded
@pytest.mark.parametrize(
    "pin",
    [
        *("000000", "123456", "654321", "890123", "135791", "121212", "123123", "112233", "123321", "111222", "110110"),
        *("140789", "890714", "071989", "198907", "290200"),
    ],
)
def test_what_is_tried_first_is_no_pin(pin: str) -> None:
    assert pin_problem(pin) == "guessable"


@pytest.mark.embedded
@pytest.mark.parametrize("pin", [PIN, ANOTHER, "907361"])
def test_other_pins_will_do(pin: str) -> None:
    assert pin_problem(pin) is None


@pytest.mark.embedded
def test_no_two_lists_of_parts_are_one_text() -> None:
    assert signed_text("a", "b") == b"sesame phone 1\na\nb"
    with pytest.raises(ValueError, match="one line"):
        signed_text("a\nb")


@pytest.mark.embedded
def test_either_credential_will_do() -> None:
    needs = Needs(credential="phone", or_credential="passkey")
    assert not needs.missing(frozenset({"credential:phone"}))
    assert not needs.missing(frozenset({"credential:passkey", "identity:email"}))
    assert needs.missing(frozenset({"credential:totp"}))
    assert Needs(identity="email", or_credential="passkey").missing(frozenset({"credential:passkey"}))
    assert not Needs().missing(frozenset())


# -- keys and signatures -----------------------------------------------------------------


def posted(key: object) -> str:
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return base64.urlsafe_b64encode(spki).rstrip(b"=").decode()


def off_the_curve() -> str:
    spki = bytearray(SoftwarePhone().spki)
    spki[-1] ^= 1
    return base64.urlsafe_b64encode(bytes(spki)).decode()


KEYS: dict[str, Callable[[], str]] = {
    "empty": str,
    "nonsense": lambda: "AAAA",
    "not base64": lambda: "é!" * 20,
    "huge": lambda: "A" * 1_000_000,
    "P-384": lambda: posted(generate_private_key(SECP384R1())),
    "secp256k1": lambda: posted(generate_private_key(SECP256K1())),
    "Ed25519": lambda: posted(Ed25519PrivateKey.generate()),
    "off the curve": off_the_curve,
    "with more behind it": lambda: base64.urlsafe_b64encode(SoftwarePhone().spki + b"x").decode(),
}


@pytest.mark.embedded
@pytest.mark.parametrize("make", KEYS.values(), ids=KEYS)
def test_only_a_key_of_p256_is_read(make: Callable[[], str]) -> None:
    with pytest.raises(PhoneRefused) as refused:
        read_key(make())
    assert refused.value.code == "key_malformed"


@pytest.mark.embedded
def test_a_key_is_stored_in_one_encoding() -> None:
    phone = SoftwarePhone()
    assert read_key(phone.posted_key) == read_key(phone.posted_key + "=") == phone.spki


@pytest.mark.embedded
@pytest.mark.parametrize(
    "signature",
    ["", "AAAA", "é" * 86, "A" * 86, "A" * 88, "_" * 86, "A" * 1_000_000],
    ids=["empty", "short", "not base64", "zero", "long", "beyond the order", "huge"],
)
def test_what_is_no_signature_is_refused(signature: str) -> None:
    with pytest.raises(PhoneRefused) as refused:
        check_signature(SoftwarePhone().spki, b"message", signature)
    assert refused.value.code == "signature_wrong"


@pytest.mark.embedded
def test_a_signature_of_something_else_or_of_another_key_is_refused() -> None:
    phone = SoftwarePhone()
    check_signature(phone.spki, signed_text(*PARTS), phone.sign(*PARTS))
    for key, message in ((phone.spki, signed_text(*PARTS[:-1], "48")), (SoftwarePhone().spki, signed_text(*PARTS))):
        with pytest.raises(PhoneRefused):
            check_signature(key, message, phone.sign(*PARTS))


# -- the PIN -----------------------------------------------------------------------------


def test_a_stranger_without_the_key_counts_nothing(provider: Provider) -> None:
    phone = given_phone(provider)
    for _ in range(20):
        assert give(provider, phone, known(provider, phone), ANOTHER, SoftwarePhone().sign(*PARTS)) == "signature_wrong"
    assert known(provider, phone).failures == 0
    assert give(provider, phone, known(provider, phone)) == "right"


@pytest.mark.parametrize(
    "pin", ["", "12345", os.fsdecode(b"\xff") * 6, "9" * 100_000], ids=["no", "5", "bytes", "huge"]
)
def test_what_is_no_pin_is_not_counted(provider: Provider, pin: str) -> None:
    phone = given_phone(provider)
    assert give(provider, phone, known(provider, phone), pin) == "pin_malformed"
    assert known(provider, phone).failures == 0


def test_a_wrong_pin_is_counted_and_audited_until_one_is_right(provider: Provider) -> None:
    phone = given_phone(provider)
    found = known(provider, phone)
    assert [give(provider, phone, found, ANOTHER) for _ in range(2)] == ["pin_wrong"] * 2
    assert known(provider, phone).failures == 2
    assert {event.detail["failures"] for event in provider.events("phone.pin_wrong")} == {"1", "2"}
    assert give(provider, phone, found) == "right"
    assert known(provider, phone).failures == 0
    assert [give(provider, phone, found, ANOTHER) for _ in range(5)] == ["pin_wrong"] * 5


def test_after_five_in_a_row_one_waits_whatever_the_pin(provider: Provider) -> None:
    phone = given_phone(provider)
    found = known(provider, phone)
    assert [give(provider, phone, found, ANOTHER) for _ in range(5)] == ["pin_wrong"] * 5
    assert give(provider, phone, found) == "too_many_pins"
    with provider.app.test_request_context(), pytest.raises(PhoneRefused) as refused:
        verify(provider.services, found, signed_text(*PARTS), phone.sign(*PARTS), PIN)
    assert refused.value.wait > timedelta(minutes=1)
    assert known(provider, phone).failures == 5
    provider.clock.advance(minutes=2)
    assert give(provider, phone, found) == "right"


def test_ten_without_success_revoke_the_phone_and_its_holder_is_told(provider: Provider) -> None:
    phone, other = given_phone(provider), given_phone(provider)
    found, codes = known(provider, phone), []
    for _ in range(10):
        codes.append(give(provider, phone, found, ANOTHER))
        provider.clock.advance(minutes=16)
    assert codes == ["pin_wrong"] * 9 + ["phone_revoked"]
    assert stored(provider, phone) is None
    assert stored(provider, other)
    assert give(provider, phone, found) == "phone_revoked"
    (event,) = provider.events("phone.revoked")
    assert event.detail == {"means": phone.credential_id, "failures": "10"}
    (letter,) = [each for each in provider.mails() if "dix codes PIN" in each.text]
    assert "/not-me/" in letter.text
    assert "Téléphone" in letter.text


def test_one_that_was_not_revoked_in_time_is_at_the_next_try(provider: Provider) -> None:
    """The process that counted the tenth wrong PIN stopped there."""
    phone = given_phone(provider)
    found = known(provider, phone)
    with provider.services.db.write() as tx:
        for _ in range(10):
            tx.phones.note_wrong_pin(phone.credential_id)
    assert [give(provider, phone, found) for _ in range(2)] == ["phone_revoked"] * 2
    assert stored(provider, phone) is None
    assert len(provider.events("phone.revoked")) == 1
    assert len([each for each in provider.mails() if "dix codes PIN" in each.text]) == 1


def test_of_wrong_pins_at_once_each_counts(provider: Provider) -> None:
    phone = given_phone(provider)
    found = known(provider, phone)
    codes = race(lambda _: give(provider, phone, found, ANOTHER), 7)
    assert sorted(codes) == ["pin_wrong"] * 5 + ["too_many_pins"] * 2
    assert known(provider, phone).failures == 5


def test_who_reads_the_database_cannot_try_pins(provider: Provider) -> None:
    phone = given_phone(provider)
    digest = known(provider, phone).pin_digest
    assert not provider.services.hasher.verify(digest, PIN)
    assert PIN not in repr(known(provider, phone))
