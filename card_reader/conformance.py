"""The suite that every implementation of `Card` must pass. Needs pytest; nothing else of the package imports it.

A subclass gives the fixture `bench`: a reader, empty, under the control of the test. What an implementation cannot know
or do is switched off by name.
"""

import base64
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, Protocol

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from card_reader import web_eid
from card_reader.card import Card, CardError, Seen, State
from card_reader.watch import Watch

PIN, OTHER_PIN = "70431926", "70431927"
ORIGIN = "https://idp.example"
NONCE = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="
SEEN_WITHIN_S = 10.0

Contents = Literal["person", "another person", "signature only", "tampered"]


class Bench(Protocol):
    """A reader under the control of a test. A card that is taken out and put in again is the same card."""

    @property
    def card(self) -> Card: ...

    def insert(self, contents: Contents = "person") -> None:
        """Put in a card whose PIN is PIN; "tampered": its key is not that of its certificate."""

    def remove(self) -> None:
        """Take out every card."""

    def remove_while_signing(self) -> None:
        """The card leaves when it is next asked for a signature."""


class CardSuite:
    """counts_tries: the card locks after three wrong PINs. tells_low: it says so after the first one already."""

    counts_tries = True
    tells_low = True
    can_be_torn_out = True
    holder = "ANNE PIERRE"
    algorithm = "RS256"

    @pytest.fixture
    def bench(self) -> Bench:
        raise NotImplementedError

    def test_an_empty_reader_is_no_error(self, bench: Bench) -> None:
        assert bench.card.look() == Seen(State.ABSENT)
        assert _refusal(lambda: bench.card.sign(PIN, ORIGIN, NONCE)).code == "no_card"

    def test_a_card_is_seen_with_its_holder_and_without_a_pin(self, bench: Bench) -> None:
        seen = self._insert(bench)
        assert (seen.state, seen.holder, seen.tries, seen.code) == (State.PRESENT, self.holder, "ok", "")
        assert seen.reader

    def test_what_it_signs_is_for_one_origin_and_one_nonce(self, bench: Bench) -> None:
        self._insert(bench)
        token = bench.card.sign(PIN, ORIGIN, NONCE)
        assert token.algorithm == self.algorithm
        web_eid.check(token, ORIGIN, NONCE)
        for origin, nonce in ((ORIGIN + ".evil.example", NONCE), (ORIGIN, NONCE[:-1]), (ORIGIN + NONCE, "")):
            with pytest.raises(CardError):
                web_eid.check(token, origin, nonce)

    def test_the_token_is_that_of_web_eid(self, bench: Bench) -> None:
        self._insert(bench)
        written = bench.card.sign(PIN, ORIGIN, NONCE).as_json()
        assert set(written) == {"unverifiedCertificate", "algorithm", "signature", "format", "appVersion"}
        assert written["format"] == "web-eid:1.0"
        der = base64.b64decode(written["unverifiedCertificate"], validate=True)
        usages = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert ExtendedKeyUsageOID.CLIENT_AUTH in usages

    def test_a_wrong_pin_signs_nothing(self, bench: Bench) -> None:
        self._insert(bench)
        assert _refusal(lambda: bench.card.sign(OTHER_PIN, ORIGIN, NONCE)).code == "pin_incorrect"
        web_eid.check(bench.card.sign(PIN, ORIGIN, NONCE), ORIGIN, NONCE)

    def test_a_right_pin_does_nothing_for_the_next_wrong_one(self, bench: Bench) -> None:
        self._insert(bench)
        bench.card.sign(PIN, ORIGIN, NONCE)
        assert _refusal(lambda: bench.card.sign(OTHER_PIN, ORIGIN, NONCE)).code == "pin_incorrect"

    def test_what_cannot_be_a_pin_costs_no_try(self, bench: Bench) -> None:
        self._insert(bench)
        for typed in ("", "123", "123456789", "12 45", "abcd", "１２３４", "1234\n", "1234\0"):
            assert _refusal(lambda typed=typed: bench.card.sign(typed, ORIGIN, NONCE)).code == "pin_malformed"  # type: ignore[misc]
        assert bench.card.look().tries == "ok"
        bench.card.sign(PIN, ORIGIN, NONCE)

    def test_the_tries_are_announced_and_the_third_wrong_one_locks(self, bench: Bench) -> None:
        if not self.counts_tries:
            return
        self._insert(bench)
        low = "low" if self.tells_low else "ok"
        told = []
        for _ in range(3):
            error = _refusal(lambda: bench.card.sign(OTHER_PIN, ORIGIN, NONCE))
            seen = bench.card.look()
            told.append((error.code, error.tries, seen.state.value, seen.tries))
        assert told == [
            ("pin_incorrect", low, "present", low),
            ("pin_incorrect", "final", "present", "final"),
            ("pin_locked", "ok", "locked", "ok"),
        ]
        assert _refusal(lambda: bench.card.sign(PIN, ORIGIN, NONCE)).code == "pin_locked"
        bench.remove()
        self._wait_until_absent(bench)
        assert self._insert(bench).state is State.LOCKED

    def test_the_right_pin_gives_the_tries_back(self, bench: Bench) -> None:
        self._insert(bench)
        for _ in range(2):
            _refusal(lambda: bench.card.sign(OTHER_PIN, ORIGIN, NONCE))
        bench.card.sign(PIN, ORIGIN, NONCE)
        assert bench.card.look().tries == "ok"

    def test_the_pin_is_in_no_error_trace_or_log(self, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(0)
        self._insert(bench)
        errors = [
            _refusal(lambda: bench.card.sign(OTHER_PIN, ORIGIN, NONCE)),
            _refusal(lambda: bench.card.sign(f"{PIN}0", ORIGIN, NONCE)),
        ]
        bench.card.sign(PIN, ORIGIN, NONCE)
        bench.remove()
        self._wait_until_absent(bench)
        errors.append(_refusal(lambda: bench.card.sign(PIN, ORIGIN, NONCE)))
        shown = caplog.text + repr(bench.card) + "".join(map(_trace, errors))
        assert PIN not in shown
        assert OTHER_PIN not in shown

    def test_the_signature_certificate_is_never_used(self, bench: Bench) -> None:
        seen = self._insert(bench, "signature only")
        assert (seen.state, seen.holder, seen.code) == (State.UNREADABLE, "", "no_certificate")
        assert _refusal(lambda: bench.card.sign(PIN, ORIGIN, NONCE)).code == "no_certificate"

    def test_nobody_chooses_between_two_persons(self, bench: Bench) -> None:
        self._insert(bench)
        bench.insert("another person")
        seen = self._wait(bench, lambda seen: seen.code == "several_cards")
        assert (seen.state, seen.holder) == (State.UNREADABLE, "")
        assert _refusal(lambda: bench.card.sign(PIN, ORIGIN, NONCE)).code == "several_cards"

    def test_a_card_of_another_kind_in_a_second_reader_does_no_harm(self, bench: Bench) -> None:
        bench.insert("signature only")
        bench.insert()
        assert self._wait(bench, lambda seen: seen.state is State.PRESENT).holder == self.holder
        web_eid.check(bench.card.sign(PIN, ORIGIN, NONCE), ORIGIN, NONCE)

    def test_a_key_that_is_not_the_certificates_makes_no_token(self, bench: Bench) -> None:
        self._insert(bench, "tampered")
        assert _refusal(lambda: bench.card.sign(PIN, ORIGIN, NONCE)).code == "failed"

    def test_no_pin_is_tried_on_another_card_than_the_one_that_was_seen(self, bench: Bench) -> None:
        expected = self._insert(bench).fingerprint
        assert expected
        bench.remove()
        self._wait_until_absent(bench)
        assert self._insert(bench, "another person").fingerprint not in {"", expected}
        for typed in (OTHER_PIN, PIN):
            assert _refusal(lambda typed=typed: bench.card.sign(typed, ORIGIN, NONCE, expected)).code == "card_removed"  # type: ignore[misc]
        assert bench.card.look().tries == "ok"
        bench.remove()
        self._wait_until_absent(bench)
        self._insert(bench)
        web_eid.check(bench.card.sign(PIN, ORIGIN, NONCE, expected), ORIGIN, NONCE)

    def test_a_card_comes_and_goes(self, bench: Bench) -> None:
        for _ in range(2):
            self._insert(bench)
            bench.card.sign(PIN, ORIGIN, NONCE)
            bench.remove()
            self._wait_until_absent(bench)

    def test_a_card_torn_out_while_it_signs(self, bench: Bench) -> None:
        if not self.can_be_torn_out:
            return
        self._insert(bench)
        bench.remove_while_signing()
        error = _refusal(lambda: bench.card.sign(PIN, ORIGIN, NONCE))
        assert error.code == "card_removed"
        assert PIN not in _trace(error)
        self._wait_until_absent(bench)
        self._insert(bench)
        web_eid.check(bench.card.sign(PIN, ORIGIN, NONCE), ORIGIN, NONCE)

    def test_threads_take_their_turns(self, bench: Bench) -> None:
        """One that types a wrong PIN gains nothing by the others."""
        self._insert(bench)

        def work(number: int) -> str:
            nonce = f"{NONCE}{number}"
            if number == 3:
                return _refusal(lambda: bench.card.sign(OTHER_PIN, ORIGIN, nonce)).code
            if number % 2:
                return bench.card.look().holder
            web_eid.check(bench.card.sign(PIN, ORIGIN, nonce), ORIGIN, nonce)
            return "signed"

        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(work, range(12)))
        assert done == ["signed", self.holder, "signed", "pin_incorrect", *["signed", self.holder] * 4]

    def _insert(self, bench: Bench, contents: Contents = "person") -> Seen:
        bench.insert(contents)
        return self._wait(bench, lambda seen: seen.state is not State.ABSENT)

    def _wait_until_absent(self, bench: Bench) -> None:
        self._wait(bench, lambda seen: seen.state is State.ABSENT)

    @staticmethod
    def _wait(bench: Bench, wanted: Callable[[Seen], bool]) -> Seen:
        with Watch(bench.card, every_s=0.02) as watch:
            seen = watch.wait_until(wanted, timeout_s=SEEN_WITHIN_S)
        assert wanted(seen), f"still {seen}"
        return seen


def _refusal(work: Callable[[], object]) -> CardError:
    with pytest.raises(CardError) as caught:
        work()
    return caught.value


def _trace(error: BaseException) -> str:
    """All that a crash reporter could find: every frame of every chained exception, with its local variables."""
    shown = repr(error)
    each: BaseException | None = error
    while each is not None:
        for frame, _ in traceback.walk_tb(each.__traceback__):
            if frame.f_code.co_filename != __file__:
                shown += "".join(map(_shown, frame.f_locals.values()))
        shown += "".join(traceback.format_exception(each))
        each = each.__context__
    return shown


def _shown(value: object) -> str:
    try:
        return repr(value)
    except RuntimeError as error:  # an object of a card that is gone
        return repr(error)
