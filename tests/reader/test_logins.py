"""Who is logged in to a token, and for how long. PKCS#11 logs in the process, not the session."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pkcs11
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pkcs11 import Attribute, ObjectClass

from card_reader import pkcs11_card, web_eid
from card_reader.card import CardError, State
from card_reader.conformance import NONCE, ORIGIN, OTHER_PIN, PIN
from card_reader.watch import Watch
from tests.fakes import softhsm
from tests.fakes.card_benches import SoftHsmBench, VirtualBench, hierarchy
from tests.fakes.softhsm import AUTHENTICATION_ID, Held

REPOSITORY = Path(__file__).parents[2]


def _token(label: str = "person") -> pkcs11.Token:
    return pkcs11.lib(str(softhsm.MODULE)).get_token(token_label=label)


def _visible_keys(label: str = "person") -> int:
    """Private keys that a session without a PIN sees: none, unless somebody is logged in."""
    with _token(label).open() as session:
        return len(list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})))


@pytest.mark.parametrize("typed", [PIN, OTHER_PIN])
def test_a_login_that_was_there_already_is_no_proof_of_the_pin(
    softhsm_bench: SoftHsmBench, typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pkcs11_card, "NOTICED_WITHIN_S", 0)
    softhsm_bench.insert()
    _token().open(user_pin=PIN)
    assert _visible_keys() == 2
    with pytest.raises(CardError) as refused:
        softhsm_bench.card.sign(typed, ORIGIN, NONCE)
    assert refused.value.code == "failed"
    assert _visible_keys() == 0
    web_eid.check(softhsm_bench.card.sign(PIN, ORIGIN, NONCE), ORIGIN, NONCE)


@pytest.mark.parametrize("typed", [PIN, OTHER_PIN])
def test_nobody_stays_logged_in(softhsm_bench: SoftHsmBench, typed: str) -> None:
    softhsm_bench.insert()
    with contextlib.suppress(CardError):
        softhsm_bench.card.sign(typed, ORIGIN, NONCE)
    assert _visible_keys() == 0


def test_nobody_stays_logged_in_after_a_failure(softhsm_bench: SoftHsmBench) -> None:
    twice = tuple(Held(AUTHENTICATION_ID, hierarchy().issue(), ("", "")) for _ in range(2))
    softhsm_bench.insert_token("two-keys-of-one-id", twice)
    with pytest.raises(CardError, match="2 private keys"):
        softhsm_bench.card.sign(PIN, ORIGIN, NONCE)
    assert _visible_keys("two-keys-of-one-id") == 0


@pytest.mark.parametrize("typed", [PIN, OTHER_PIN])
def test_no_session_stays_open(softhsm_bench: SoftHsmBench, typed: str) -> None:
    """A token has few. Its administrator is let in only where no session is open for reading."""
    softhsm_bench.insert()
    with contextlib.suppress(CardError):
        softhsm_bench.card.sign(typed, ORIGIN, NONCE)
    softhsm_bench.card.look()
    _token().open(rw=True, so_pin=softhsm.SO_PIN).close()


def test_one_call_is_one_try(virtual_bench: VirtualBench) -> None:
    """As the card counts them."""
    virtual_bench.insert()
    _present(virtual_bench)
    before = virtual_bench.reader.counts("person")["pins_tried"]
    for typed in (OTHER_PIN, PIN, OTHER_PIN):
        with contextlib.suppress(CardError):
            virtual_bench.card.sign(typed, ORIGIN, NONCE)
    counts = virtual_bench.reader.counts("person")
    assert counts["pins_tried"] - before == 3
    assert counts["signatures"] == 1
    for _ in range(3):
        virtual_bench.card.look()
    assert virtual_bench.reader.counts("person")["pins_tried"] - before == 3


def _present(bench: VirtualBench) -> None:
    with Watch(bench.card, every_s=0.02) as watch:
        watch.wait_until(lambda seen: seen.state is State.PRESENT, timeout_s=10)


def _in_a_child(what: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.fakes.card_processes", what]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY, timeout=90)


def test_four_threads_sign_a_thousand_times_each(softhsm_bench: SoftHsmBench) -> None:
    quick = hierarchy().issue(key=ec.generate_private_key(ec.SECP256R1()))
    softhsm_bench.insert_token("quick", (Held.usual(AUTHENTICATION_ID, quick),))
    done = _in_a_child("threads")
    assert (done.returncode, done.stdout) == (0, "4000 signatures\n"), done.stderr


def test_the_lock_is_what_lets_them(softhsm_bench: SoftHsmBench) -> None:
    """Without it the same threads are in one another's way, or end the process."""
    softhsm_bench.insert()
    with contextlib.suppress(subprocess.TimeoutExpired):  # for ever in one another's way
        done = _in_a_child("threads-without-the-lock")
        assert done.returncode != 0
        assert "4000 signatures" not in done.stdout


def test_processes_that_fork_before_the_first_call_sign_each_on_its_own(softhsm_bench: SoftHsmBench) -> None:
    softhsm_bench.insert()
    done = _in_a_child("fork-then-sign")
    assert (done.returncode, done.stdout) == (0, "both signed\n"), done.stderr


def test_a_child_made_after_it_is_refused_and_its_parent_goes_on(softhsm_bench: SoftHsmBench) -> None:
    """Even while a thread of the parent held the lock, which no one in the child would ever release."""
    softhsm_bench.insert()
    done = _in_a_child("sign-then-fork")
    assert (done.returncode, done.stdout) == (0, "child: failed\nparent signed\n"), done.stderr


def test_readers_whose_service_comes_late_and_goes_again(virtual_bench: VirtualBench) -> None:
    done = _in_a_child("late-service")
    assert (done.returncode, done.stdout.split()) == (0, ["absent", *["present", "absent"] * 2]), done.stderr
