"""The helper whole: what a page gets verifies, and a card that counts its tries is blocked by wrong PINs only."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from card_reader.conformance import OTHER_PIN, PIN
from card_reader.desk import Desk
from card_reader.origins import AllowedOrigins
from card_reader.server import Server
from card_reader.web_eid import to_be_signed
from tests.fakes.card_benches import SimulatedBench
from tests.fakes.reader import NONCE, ORIGIN, FakePrompt, Page


@pytest.fixture
def bench() -> SimulatedBench:
    there = SimulatedBench()
    there.insert()
    return there


@pytest.fixture
def prompt() -> FakePrompt:
    return FakePrompt(pin=PIN)


@pytest.fixture
def page(tmp_path: Path, bench: SimulatedBench, prompt: FakePrompt) -> Iterator[Page]:
    desk = Desk(bench.card, prompt, AllowedOrigins([ORIGIN], tmp_path / "origins"))
    with Server(desk, 0) as running:
        yield Page(running.port)


def test_the_signature_is_of_the_cards_key_for_the_origin_and_the_nonce(page: Page) -> None:
    token = page.authenticate().json["token"]
    key = x509.load_der_x509_certificate(base64.b64decode(token["unverifiedCertificate"])).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert (token["algorithm"], token["format"]) == ("RS256", "web-eid:1.0")
    signed = to_be_signed(ORIGIN, NONCE, "RS256")
    key.verify(base64.b64decode(token["signature"]), signed, padding.PKCS1v15(), hashes.SHA256())


def test_three_wrong_pins_block_the_card_and_each_was_announced(page: Page, prompt: FakePrompt) -> None:
    prompt.pin = OTHER_PIN
    answers = [page.authenticate().json for _ in range(4)]
    assert [answer["error"] for answer in answers] == ["pin_incorrect", "pin_incorrect", "pin_locked", "pin_locked"]
    assert [answer["tries"] for answer in answers[:2]] == ["low", "final"]
    assert page.get().json["card"] == "locked"
    assert len(prompt.questions) == 3  # nobody is asked for the PIN of a card that is blocked


def test_what_is_no_pin_costs_no_try(page: Page, prompt: FakePrompt) -> None:
    prompt.pin = "12345678901"
    assert [page.authenticate().error for _ in range(4)] == ["pin_malformed"] * 4
    assert page.get().json["tries"] == "ok"


def test_a_card_that_is_taken_out_while_it_signs(page: Page, bench: SimulatedBench) -> None:
    bench.remove_while_signing()
    assert page.authenticate().error == "card_removed"
    assert page.get().json["card"] == "absent"
    assert page.authenticate().error == "no_card"


def test_a_card_that_is_changed_while_the_window_is_open_is_given_no_pin(
    page: Page, bench: SimulatedBench, prompt: FakePrompt
) -> None:
    def swap() -> None:
        bench.remove()
        bench.insert("another person")

    prompt.meanwhile, prompt.pin = swap, OTHER_PIN
    assert page.authenticate().error == "card_removed"
    assert page.get().json["tries"] == "ok"
