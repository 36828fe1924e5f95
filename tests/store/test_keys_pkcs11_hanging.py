"""A PKCS#11 module that hangs in a call: nobody waits for ever, and it is used again once it is back."""

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pkcs11 import ObjectClass

from keys import private_directory
from keys.conformance import SignerSuite
from keys.pkcs11 import gate as gates
from keys.pkcs11 import keypair
from keys.pkcs11 import token as owners
from keys.pkcs11.gate import Gate, NeverCame
from keys.place import Place
from keys.signer import Keyring, SignerUnavailable
from tests.fakes.hsm import Hsm

NOW, DAY = SignerSuite.now, timedelta(days=1)
SOON_S, LATER_S = 0.02, 60.0


@pytest.fixture
def hsm(tmp_path: Path) -> Iterator[Hsm]:
    with Hsm.made(tmp_path / "hsm") as made:
        yield made


@pytest.fixture
def signer(hsm: Hsm) -> Keyring:
    return hsm.place.create(["ES256"], now=NOW)


class Hanging:
    """In the place of a function: hangs until `over` is set, then is that function again."""

    def __init__(self, genuine: Callable[..., Any]) -> None:
        self.over, self.entered, self._genuine = threading.Event(), threading.Event(), genuine

    def __call__(self, *given: Any) -> Any:
        self.entered.set()
        assert self.over.wait(LATER_S)
        return self._genuine(*given)


@contextmanager
def hangs(name: str) -> Iterator[pytest.MonkeyPatch]:
    """This function of `keypair` meanwhile, for who is impatient; at the end it has come back."""
    hanging = Hanging(getattr(keypair, name))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owners, "ANSWER_WITHIN_S", LATER_S if name == "make" else SOON_S)
        patch.setattr(owners, "MADE_WITHIN_S", SOON_S if name == "make" else LATER_S)
        patch.setattr(keypair, name, hanging)
        try:
            yield patch
        finally:
            hanging.over.set()
            with owners._gate._changed:
                assert owners._gate._changed.wait_for(lambda: not owners._gate._hung, LATER_S)


@pytest.mark.parametrize("proxy", [False, True])
def test_a_signature_that_hangs_is_left_and_those_after_it_are_refused_at_once(
    hsm: Hsm, signer: Keyring, proxy: bool
) -> None:
    opened = Place(hsm.place.directory, replace(hsm.access, proxy=proxy)).open()
    (key,) = opened.keys()
    assert opened.public_key(key.kid)
    with hangs("sign") as patch:
        with pytest.raises(SignerUnavailable, match="does not come back"):
            opened.sign(key.kid, b"input")
        patch.setattr(owners, "ANSWER_WITHIN_S", LATER_S)  # who is refused waits for nothing
        with pytest.raises(SignerUnavailable, match="not come back from a call yet"):
            opened.sign(key.kid, b"input")
        with pytest.raises(SignerUnavailable):
            opened.check()
        assert opened.public_key(key.kid)
    assert opened.sign(key.kid, b"input")


@pytest.mark.parametrize("step", ["clean", "make"])
def test_a_key_that_is_never_made_keeps_no_lock_and_leaves_nothing(hsm: Hsm, signer: Keyring, step: str) -> None:
    def rotate() -> Keyring:
        return signer.rotate("ES256", now=NOW, publish_ahead=DAY, keep_after=DAY)

    signer.check()
    with hangs(step):
        with pytest.raises(SignerUnavailable):
            rotate()
        with private_directory.opened(hsm.place.directory, exclusive=True):
            pass  # let in
    assert len(rotate().keys()) == 2
    assert len(hsm.objects(ObjectClass.PRIVATE_KEY)) == len(hsm.objects(ObjectClass.PUBLIC_KEY)) == 2


def test_whoever_waits_behind_a_long_call_gives_up_and_is_in_nobodys_way() -> None:
    gate, hanging = Gate(), Hanging(lambda: "answer")
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(gate.beside_others, hanging, LATER_S)
        assert hanging.entered.wait(LATER_S)
        with pytest.raises(NeverCame):
            gate.alone(lambda: pytest.fail("let in"), SOON_S)
        assert gate.beside_others(lambda: "meanwhile", LATER_S) == "meanwhile"
        hanging.over.set()
        assert beside.result(LATER_S) == "answer"
    assert gate.alone(lambda: "at last", LATER_S) == "at last"


def test_who_gives_up_waiting_to_be_alone_lets_those_in_who_waited_for_him() -> None:
    gate, hanging = Gate(), Hanging(lambda: None)
    with ThreadPoolExecutor(3) as pool:
        pool.submit(gate.beside_others, hanging, LATER_S)
        assert hanging.entered.wait(LATER_S)
        alone = pool.submit(gate.alone, lambda: pytest.fail("let in"), 0.2)
        while not gate._wanting_alone and not alone.done():
            pass
        meanwhile = pool.submit(gate.beside_others, lambda: "let in", LATER_S)
        try:
            assert meanwhile.result(LATER_S / 4) == "let in"
        finally:
            hanging.over.set()
        assert isinstance(alone.exception(), NeverCame)


def test_a_module_keeps_a_bounded_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "MOST_BESIDE", 2)
    gate, hanging = Gate(), [Hanging(lambda: None) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        inside = [pool.submit(gate.beside_others, each, LATER_S) for each in hanging]
        assert all(each.entered.wait(LATER_S) for each in hanging)
        with pytest.raises(NeverCame):
            gate.beside_others(lambda: pytest.fail("let in"), SOON_S)
        for each in hanging:
            each.over.set()
        assert [each.result(LATER_S) for each in inside] == [None, None]


def test_an_error_leaves_the_gate_open() -> None:
    gate = Gate()
    for enter in (gate.alone, gate.beside_others):
        with pytest.raises(ZeroDivisionError):
            enter(lambda: 1 // 0, LATER_S)
    assert gate.alone(lambda: "in", LATER_S) == "in"


def test_no_signal_of_the_server_interrupts_a_module() -> None:
    blocked = Gate().alone(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()), LATER_S)
    assert {signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP} <= blocked


def test_who_wants_to_be_alone_is() -> None:
    gate, inside, most = Gate(), list[int](), list[int]()

    def beside() -> None:
        inside.append(1)
        most.append(len(inside))
        inside.pop()

    def alone() -> None:
        assert not inside
        inside.extend([1, 1])
        del inside[:]

    def come(turn: int) -> None:
        gate.alone(alone, LATER_S) if turn % 5 == 0 else gate.beside_others(beside, LATER_S)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(come, turn) for turn in range(400)]:
            done.result()
    assert len(most) == 320
