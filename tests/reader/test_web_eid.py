"""What is signed, byte for byte."""

import base64
import hashlib
from dataclasses import replace

import pytest

from card_reader import __version__, web_eid
from card_reader.card import CODES, CardError, Token
from card_reader.conformance import NONCE, ORIGIN, PIN
from card_reader.pin import Pin
from card_reader.simulated import SimulatedCard
from tests.fakes.card_benches import hierarchy


@pytest.fixture(scope="module")
def token() -> Token:
    issued = hierarchy().issue()
    card = SimulatedCard()
    card.insert(issued.certificate, issued.key, PIN)
    return card.sign(PIN, ORIGIN, NONCE)


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [("RS256", "sha256"), ("PS256", "sha256"), ("ES256", "sha256"), ("ES384", "sha384"), ("ES512", "sha512")],
)
def test_two_hashes_one_after_the_other(algorithm: str, name: str) -> None:
    """Hashed apart, no part of the origin can pass for the nonce; the nonce is its text, not what that stands for."""
    expected = hashlib.new(name, ORIGIN.encode()).digest() + hashlib.new(name, NONCE.encode()).digest()
    assert web_eid.to_be_signed(ORIGIN, NONCE, algorithm) == expected


def test_the_token_names_the_program_and_its_version(token: Token) -> None:
    address = token.as_json()["appVersion"]
    assert address.startswith("https://")
    assert address.endswith(f"/sesame-reader/{__version__}")


def test_a_signature_of_which_one_bit_is_another_is_noticed(token: Token) -> None:
    signature = bytearray(base64.b64decode(token.signature))
    signature[0] ^= 1
    with pytest.raises(CardError):
        web_eid.check(replace(token, signature=base64.b64encode(signature).decode()), ORIGIN, NONCE)


def test_a_code_that_nobody_knows_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="unknown code"):
        CardError("card_eaten")
    assert {CardError(code).code for code in CODES} == CODES


def test_a_pin_does_not_show_itself() -> None:
    typed = Pin(PIN)
    assert PIN not in f"{typed} {typed!r} {[typed]}"
    assert not hasattr(typed, "__dict__")
