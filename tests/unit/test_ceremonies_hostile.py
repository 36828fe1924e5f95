"""What an attacker may send in place of an authenticator: it is refused before anything decodes it or believes it."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from idp.ceremonies import PasskeyRefused, read_answer, request_options, verify_assertion, verify_creation
from idp.plain_cbor import NotPlain, end_of
from tests.fakes.authenticator import AT, ED, Authenticator, cose, new_key, sign, unb64
from tests.fakes.ceremonies import (
    CHALLENGE,
    PARTY,
    attestation_of,
    created,
    options,
    tampered,
    with_attestation,
)

pytestmark = [pytest.mark.embedded, pytest.mark.spec("WebAuthn Level 3 §7")]
GOOD = cose(new_key())


def shared(levels: int) -> bytes:
    """Lists of a list and the same list again, as tags 28 and 29 write it: 7 bytes a level, 2^levels items.

    Few enough here that a failing test ends.
    """
    opened, again = b"\xd8\x1c\x82" * levels + b"\xd8\x1c\x80", reversed(range(1, levels + 1))
    return opened + b"".join(b"\xd8\x1d" + cbor2.dumps(each) for each in again)


def test_the_bomb_of_these_tests_is_one() -> None:
    assert len(shared(16)) < 120
    assert len(cbor2.dumps(cbor2.loads(shared(16)))) > 2**16


NOT_PLAIN = {
    "shared values": shared(16),
    "a tag": b"\xc0" + GOOD,
    "a tag inside": b"\xa1\x01\xc1\x00",
    "a tag of a long number": b"\xa1\x01\xdb" + bytes(8) + b"\x00",
    "a map without a length": b"\xbf" + GOOD[1:] + b"\xff",
    "bytes without a length": b"\xa1\x01\x5f\x41\x00\xff",
    "text without a length": b"\xa1\x01\x7f\x61a\xff",
    "a list without a length": b"\xa1\x01\x9f\xff",
    "a reserved length": b"\xa1\x01\x1c",
    "a float": b"\xa1\x01\xf9\x3c\x00",
    "undefined": b"\xa1\x01\xf7",
    "a simple value of a byte": b"\xa1\x01\xf8\xff",
    "five deep": b"\xa1\x01\x81\x81\x81\x81\x00",
    "cut": GOOD[:-1],
    "cut in a length": b"\xa1\x01\x59\x01",
    "more than there is": b"\xbb" + b"\xff" * 8,
}  # fmt: skip


@pytest.mark.spec("CTAP 2.1 §8")
@pytest.mark.parametrize("name", NOT_PLAIN)
def test_what_no_authenticator_sends_has_no_end(name: str) -> None:
    with pytest.raises(NotPlain):
        end_of(NOT_PLAIN[name])


@pytest.mark.parametrize("value", [0, -7, 2**64 - 1, "é" * 300, b"x" * 70_000, [], {}, [[[[1]]]], {1: [True, None]}])
def test_what_authenticators_send_has_an_end(value: Any) -> None:
    data = cbor2.dumps(value)
    assert end_of(data + b"more") == len(data)


def refused(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By us: the library is not even asked."""
    monkeypatch.setattr("webauthn.verify_registration_response", lambda **_: pytest.fail("the library read it"))
    with pytest.raises(PasskeyRefused):
        verify_creation(PARTY, CHALLENGE, answer)


# -- registrations -----------------------------------------------------------------------


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_a_key_that_is_not_plain_is_not_decoded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(created(NOT_PLAIN[name]), monkeypatch)


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_extensions_that_are_not_plain_are_not_decoded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(created(GOOD, more=ED, appended=NOT_PLAIN[name]), monkeypatch)


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_an_attestation_object_that_is_not_plain_is_not_decoded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Authenticator().create(options())
    plain = cbor2.dumps(attestation_of(answer))
    more = bytes([plain[0] + 1]) + plain[1:] + cbor2.dumps("more") + NOT_PLAIN[name]
    monkeypatch.setattr("webauthn.helpers.parse_cbor", lambda _: pytest.fail("it was decoded"))
    refused(with_attestation(answer, more), monkeypatch)


ODD = {
    "nothing": b"",
    "no map": b"\x04" + bytes(64),
    "more than a key": GOOD + b"\x00",
}


@pytest.mark.parametrize("name", ODD)
def test_no_key_or_more_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(created(ODD[name]), monkeypatch)


def test_more_than_an_attestation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Authenticator().create(options())
    refused(with_attestation(answer, cbor2.dumps(attestation_of(answer)) + b"\x00"), monkeypatch)


def test_without_attested_data_it_is_no_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(found: dict[str, Any]) -> dict[str, Any]:
        data = found["authData"]
        return {**found, "authData": data[:32] + bytes([data[32] & ~AT]) + data[33:]}

    refused(tampered(Authenticator().create(options()), change), monkeypatch)


def test_what_a_security_key_says_unasked_is_no_harm() -> None:
    """Chromium asks it for `credProtect` by itself."""
    answer = created(GOOD, more=ED, appended=cbor2.dumps({"credProtect": 2}))
    assert verify_creation(PARTY, CHALLENGE, answer).public_key == GOOD


# -- attestations that were not asked for -------------------------------------------------


def certificate(change: tuple[bytes, bytes] = (b"", b"")) -> bytes:
    """One that its own key signed; some bytes of it replaced."""
    name, now = x509.Name([]), datetime(2026, 7, 1, tzinfo=UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, now, now + timedelta(days=1))
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER).replace(*change, 1)


CERTIFICATES = {
    "good": certificate(),
    "of an unknown kind of key": certificate(
        (bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d0277"))
    ),
    "of version 7": certificate((bytes.fromhex("a003020102"), bytes.fromhex("a003020106"))),
    "none at all": b"nonsense",
}


def attested(key: Authenticator, **changes: Any) -> str:
    """An answer that the key attests itself (§8.2); changes: of the statement."""
    answer = key.create(options())
    client_data = unb64(json.loads(answer)["response"]["clientDataJSON"])

    def change(found: dict[str, Any]) -> dict[str, Any]:
        signed = sign(key.key, found["authData"] + hashlib.sha256(client_data).digest())
        return {**found, "fmt": "packed", "attStmt": {"alg": -7, "sig": signed, **changes}}

    return tampered(answer, change)


@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificates_of_strangers_are_not_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(attested(Authenticator(), x5c=[CERTIFICATES[name]]), monkeypatch)


@pytest.mark.parametrize("members", [{"x5c": []}, {"ecdaaKeyId": b"x"}, {"more": 1}], ids=["x5c", "ecdaa", "more"])
def test_a_statement_with_more_than_a_signature_is_refused(
    members: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(attested(Authenticator(), **members), monkeypatch)


@pytest.mark.parametrize("format_", ["tpm", "apple", "fido-u2f", "android-key", "android-safetynet"])
def test_an_attestation_that_was_not_asked_for_is_not_looked_at(format_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Authenticator().create(options())
    refused(tampered(answer, lambda found: {**found, "fmt": format_}), monkeypatch)
    refused(tampered(answer, lambda found: {**found, "fmt": format_, "attStmt": {"alg": -7, "sig": b""}}), monkeypatch)


def test_the_word_of_a_key_for_itself_is_verified() -> None:
    assert verify_creation(PARTY, CHALLENGE, attested(Authenticator()))
    for changes in ({"sig": b"another"}, {"alg": -257}):
        with pytest.raises(PasskeyRefused):
            verify_creation(PARTY, CHALLENGE, attested(Authenticator(), **changes))


# -- keys that could never sign in ---------------------------------------------------------

POINT = cbor2.loads(GOOD)
DEAD = {
    "a coordinate of 3 bytes": {**POINT, -2: b"abc"},
    "off the curve": {**POINT, -3: POINT[-2]},
    "a coordinate that is text": {**POINT, -2: "x" * 32},
    "another curve": {**POINT, -1: 2},
    "an Edwards point of 3 bytes": {1: 1, 3: -8, -1: 6, -2: b"abc"},
    "the wrong algorithm": {**POINT, 3: -257},
    "an algorithm that was not asked for": {**POINT, 3: -35},
    "RSA for ES256": {**cbor2.loads(cose(new_key("RS256"))), 3: -7},
    "RSA of 1024 bits": cbor2.loads(cose(rsa.generate_private_key(65537, 1024))),
    "RSA too long": {1: 3, 3: -257, -1: b"\xff" * 513, -2: b"\1\0\1"},
}


@pytest.mark.spec("WebAuthn Level 3 §5.8.5")
@pytest.mark.parametrize("name", DEAD)
def test_a_dead_key_is_not_registered(name: str) -> None:
    with pytest.raises(PasskeyRefused):
        verify_creation(PARTY, CHALLENGE, created(cbor2.dumps(DEAD[name])))


def test_a_key_of_another_curve_is_refused_though_it_signs() -> None:
    numbers = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    key = {1: 2, 3: -7, -1: 2, -2: numbers.x.to_bytes(48, "big"), -3: numbers.y.to_bytes(48, "big")}
    with pytest.raises(PasskeyRefused, match="verifies nothing"):
        verify_creation(PARTY, CHALLENGE, created(cbor2.dumps(key)))


# -- logins --------------------------------------------------------------------------------

ADDED: dict[str, dict[str, Any]] = {
    "shared values as extensions": {"flags": ED, "appended": shared(16)},
    "shared values as a key": {"flags": AT, "appended": bytes(18) + shared(16)},
    "good extensions": {"flags": ED, "appended": cbor2.dumps({"uvm": 1})},
    "a good key": {"flags": AT, "appended": bytes(18) + GOOD},
    "a byte": {"appended": b"\x00"},
    "the flag of extensions": {"flags": ED},
    "the flag of a key": {"flags": AT},
}


@pytest.mark.parametrize("name", ADDED)
def test_an_assertion_has_nothing_but_what_was_asked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the key signed it: none was asked for an extension (§7.2)."""
    key = Authenticator(**ADDED[name])
    answer = read_answer(key.get(request_options(PARTY, CHALLENGE, allowed=(), timeout_ms=1)))
    monkeypatch.setattr("webauthn.verify_authentication_response", lambda **_: pytest.fail("the library read it"))
    with pytest.raises(PasskeyRefused):
        verify_assertion(PARTY, CHALLENGE, answer, key.record("anne", "anne.pierre"), is_named=True)


def test_an_error_of_any_name_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unheard(Exception):
        pass

    def fail(**_: Any) -> None:
        raise Unheard

    monkeypatch.setattr("webauthn.verify_registration_response", fail)
    with pytest.raises(PasskeyRefused, match="Unheard"):
        verify_creation(PARTY, CHALLENGE, Authenticator().create(options()))
