"""What a browser brings back of a registration: what does not hold is refused, and nothing else than refused."""

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import cbor2
import pytest

from idp.ceremonies import (
    MAX_ANSWER,
    PasskeyRefused,
    read_answer,
    request_options,
    verify_assertion,
    verify_creation,
)
from idp.domain.enrolled import RelyingParty
from idp.flows.enrolled import relying_party
from idp.settings import Settings
from tests.fakes.authenticator import Authenticator, b64, new_key, unb64
from tests.fakes.ceremonies import CHALLENGE, PARTY, options, tampered

pytestmark = pytest.mark.embedded
ASKED = request_options(PARTY, CHALLENGE, allowed=(), timeout_ms=1)


LIES: dict[str, dict[str, Any]] = {
    "another origin": {"origin": "https://idp.example.evil"},
    "another port": {"origin": "https://idp.example:8443"},
    "another relying party": {"rp_id": "example"},
    "in a frame": {"is_framed": True},
    "nobody there": {"is_present": False},
    "not verified": {"verifies": False},
    "too long an id": {"webauthn_id": bytes(1024)},
}


@pytest.mark.spec("WebAuthn Level 3 §7.1")
@pytest.mark.parametrize("lie", LIES)
def test_what_does_not_hold_is_refused(lie: str) -> None:
    with pytest.raises(PasskeyRefused):
        verify_creation(PARTY, CHALLENGE, Authenticator(**LIES[lie]).create(options()))


def test_another_challenge_is_refused() -> None:
    with pytest.raises(PasskeyRefused):
        verify_creation(PARTY, CHALLENGE[::-1], Authenticator().create(options()))


def test_a_login_is_no_registration() -> None:
    key = Authenticator()
    login = json.loads(key.get(ASKED))["response"]["clientDataJSON"]
    with pytest.raises(PasskeyRefused):
        verify_creation(PARTY, CHALLENGE, key.create(options(), clientDataJSON=login))


TAMPERED = {
    "not a map": lambda found: [1],
    "no data": lambda found: {**found, "authData": b""},
    "cut": lambda found: {**found, "authData": found["authData"][:60]},
    "more": lambda found: {**found, "authData": found["authData"] + b"more"},
    "an unknown format": lambda found: {**found, "fmt": "invented"},
    "a statement of none": lambda found: {**found, "attStmt": {"sig": b"x"}},
    "a format that is no word": lambda found: {**found, "fmt": 7},
    "data that are none": lambda found: {**found, "authData": {}},
    "a key that is none": lambda found: {**found, "authData": found["authData"][:87] + cbor2.dumps({1: 2})},
    "packed without a signature": lambda found: {**found, "fmt": "packed", "attStmt": {}},
}


@pytest.mark.parametrize("name", TAMPERED)
def test_an_attestation_object_that_is_nonsense_is_refused(name: str) -> None:
    answer = tampered(Authenticator().create(options()), TAMPERED[name])
    with pytest.raises(PasskeyRefused):
        verify_creation(PARTY, CHALLENGE, answer)


@pytest.mark.parametrize("part", ["clientDataJSON", "attestationObject"])
@pytest.mark.parametrize("wrong", ["", "AA", "é", b64(b"\xa1"), b64(bytes(300)), b64(b"\x9f" * 500), None, 7, [], {}])
def test_a_part_that_is_nonsense_is_refused(part: str, wrong: object) -> None:
    with pytest.raises(PasskeyRefused):
        verify_creation(PARTY, CHALLENGE, Authenticator().create(options(), **{part: wrong}))


@pytest.mark.parametrize("typed", ["", "{", "null", "[]", "[" * 16000, "x" * 20000, '{"id": 1}', "{}"])
def test_what_no_browser_sends_is_refused(typed: str) -> None:
    with pytest.raises(PasskeyRefused):
        verify_creation(PARTY, CHALLENGE, typed)


def test_what_is_too_long_is_not_read() -> None:
    answer = Authenticator().create(options())
    assert verify_creation(PARTY, CHALLENGE, answer + " " * (MAX_ANSWER - len(answer)))
    with pytest.raises(PasskeyRefused):
        verify_creation(PARTY, CHALLENGE, answer + " " * (MAX_ANSWER - len(answer) + 1))


def test_a_record_of_another_id_is_refused_even_with_the_same_key() -> None:
    key = Authenticator()
    answer, record = read_answer(key.get(ASKED)), key.record("anne", "anne.pierre")
    assert verify_assertion(PARTY, CHALLENGE, answer, record, is_named=False) == 1
    with pytest.raises(PasskeyRefused):
        verify_assertion(PARTY, CHALLENGE, answer, replace(record, webauthn_id=b"another"), is_named=False)


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_keys_of_each_algorithm_are_made_and_used(algorithm: str) -> None:
    key = Authenticator(key=new_key(algorithm))
    made = verify_creation(PARTY, CHALLENGE, key.create(options()))
    assert made.public_key == key.public_key
    answer, record = read_answer(key.get(ASKED)), key.record("anne", "anne.pierre")
    assert verify_assertion(PARTY, CHALLENGE, answer, record, is_named=False) == 1


@pytest.mark.parametrize("synced", [False, True])
def test_a_good_one_is_kept_as_it_says(synced: bool) -> None:
    key = Authenticator(is_backup_eligible=synced, counter=4)
    made = verify_creation(PARTY, CHALLENGE, key.create(options()))
    assert (made.webauthn_id, made.public_key, made.sign_count) == (key.webauthn_id, key.public_key, 4)
    assert (made.is_backup_eligible, made.transports) == (synced, ("internal", "hybrid"))


def test_the_browser_is_asked_for_a_key_that_finds_and_verifies_its_user() -> None:
    known = Authenticator().record("anne", "anne.pierre")
    asked = json.loads(options(known=(known,)))
    assert asked["rp"] == {"name": "Mon compte", "id": "idp.example"}
    assert asked["user"] == {"id": b64(b"random"), "name": "anne.pierre", "displayName": "Anne Pierre"}
    chosen = asked["authenticatorSelection"]
    assert (chosen["residentKey"], chosen["requireResidentKey"]) == ("required", True)
    assert (chosen["userVerification"], asked["attestation"]) == ("required", "none")
    assert [each["id"] for each in asked["excludeCredentials"]] == [b64(known.webauthn_id)]
    assert (unb64(asked["challenge"]), asked["timeout"]) == (CHALLENGE, 600_000)
    assert [each["alg"] for each in asked["pubKeyCredParams"]] == [-8, -7, -257]


def test_a_portal_without_a_name_is_called_by_its_host() -> None:
    assert json.loads(options(name=""))["rp"] == {"name": "idp.example", "id": "idp.example"}


def test_a_transport_that_this_version_does_not_know_is_not_passed_on() -> None:
    known = replace(Authenticator().record("anne", "anne.pierre"), transports=("carrier-pigeon", "usb"))
    assert json.loads(options(known=(known,)))["excludeCredentials"][0]["transports"] == ["usb"]


def test_the_browser_is_told_which_authenticator_comes_first() -> None:
    assert json.loads(ASKED)["hints"] == []
    asked = request_options(PARTY, CHALLENGE, allowed=(), hints=("hybrid",), timeout_ms=1)
    assert json.loads(asked)["hints"] == ["hybrid"]
    assert json.loads(asked)["userVerification"] == "required"


@pytest.mark.parametrize(
    ("issuer", "origin"),
    [
        ("https://idp.example", "https://idp.example"),
        ("https://idp.example:443", "https://idp.example"),
        ("https://idp.example:8443", "https://idp.example:8443"),
    ],
)
def test_keys_are_for_the_host_of_the_issuer(issuer: str, origin: str) -> None:
    assert relying_party(Settings(issuer=issuer)) == RelyingParty("idp.example", origin)


def test_the_library_is_loaded_when_a_passkey_is_used_and_not_before() -> None:
    """It brings OpenSSL in once more: half a second of each command, and memory of each worker."""
    code = "import sys, idp.cli; sys.exit('webauthn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
