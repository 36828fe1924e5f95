"""What tests of the card run in processes of their own: `python -m tests.fakes.card_processes <which>`."""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from card_reader import modules, pkcs11_card, web_eid
from card_reader.card import CardError, State
from card_reader.conformance import NONCE, ORIGIN, PIN
from card_reader.pkcs11_card import Pkcs11Card
from card_reader.watch import Watch
from tests.fakes.card_benches import VirtualBench
from tests.fakes.softhsm import MODULE
from tests.fakes.virtual_card.reader import virtual_reader

THREADS, SIGNATURES = 4, 1000


def threads() -> None:
    card = Pkcs11Card(MODULE)

    def sign(thread: int) -> int:
        for number in range(SIGNATURES):
            card.sign(PIN, ORIGIN, f"{NONCE}{thread}{number}")  # which checks what the token made
        return SIGNATURES

    with ThreadPoolExecutor(THREADS) as pool:
        print(sum(pool.map(sign, range(THREADS))), "signatures", flush=True)


def threads_without_the_lock() -> None:
    pkcs11_card._lock = contextlib.nullcontext()  # type: ignore[assignment]
    threads()


def fork_then_sign() -> None:
    card = Pkcs11Card(MODULE)

    def sign() -> None:
        web_eid.check(card.sign(PIN, ORIGIN, NONCE), ORIGIN, NONCE)

    assert [_in_a_fork(sign), _in_a_fork(sign)] == [0, 0]
    print("both signed", flush=True)


def sign_then_fork() -> None:
    card = Pkcs11Card(MODULE)
    card.sign(PIN, ORIGIN, NONCE)

    def try_to_sign() -> None:
        try:
            card.sign(PIN, ORIGIN, NONCE)
        except CardError as error:
            print("child:", error.code, flush=True)

    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with pkcs11_card._lock:
            held.set()
            free.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    assert _in_a_fork(try_to_sign) == 0
    free.set()
    holder.join()
    card.sign(PIN, ORIGIN, NONCE)
    print("parent signed", flush=True)


def late_service() -> None:
    """The service of the readers is not there at first, and is started again later on."""
    with tempfile.TemporaryDirectory(prefix="reader") as folder:
        place = Path(folder) / "reader"
        os.environ["PCSCLITE_CSOCK_NAME"] = str(place / "run" / "pcscd.comm")
        card = Pkcs11Card(modules.find())
        print(card.look().state, flush=True)
        for _ in range(2):
            place.mkdir()
            with virtual_reader(place) as reader, Watch(card, every_s=0.05) as watch:
                VirtualBench(reader).insert()
                print(watch.wait_until(lambda seen: seen.state is State.PRESENT, timeout_s=10).state, flush=True)
                card.sign(PIN, ORIGIN, NONCE)
            print(card.look().state, flush=True)
            shutil.rmtree(place)


def _in_a_fork(work: Callable[[], None]) -> int:
    """The child's status; one that hangs is ended by an alarm."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    signal.alarm(20)
    try:
        work()
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    known = (threads, threads_without_the_lock, fork_then_sign, sign_then_fork, late_service)
    {each.__name__.replace("_", "-"): each for each in known}[sys.argv[1]]()
