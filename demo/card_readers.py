"""A reader with a virtual card: of SoftHSM where it is installed, else of Python. Both are `card_reader.card.Card`."""

import os
import shutil
import subprocess  # nosec B404 - starts our own program
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from card_reader.card import Card, CardError, Seen, State, Token, Tries
from card_reader.pkcs11_card import Pkcs11Card
from card_reader.simulated import MOST_TRIES, SimulatedCard
from demo.cards import PIN
from demo.look_alike import Issued

LIBRARY = "libsofthsm2.so"
PLACES = (
    *("/usr/lib/softhsm", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/lib/aarch64-linux-gnu/softhsm"),
    *("/usr/lib64", "/usr/lib64/pkcs11", "/usr/lib/pkcs11", "/usr/local/lib/softhsm", "/opt/homebrew/lib/softhsm"),
)
FILL_S = 20


class Reader(Card, Protocol):
    """One reader, with one card or none. `made_of` is said on the page."""

    made_of: str
    inserted: str | None

    def insert(self, name: str) -> None:
        """Put this card in the place of whatever is there."""

    def remove(self) -> None: ...

    def tries_left(self, name: str) -> int: ...

    def unblock(self, name: str) -> None: ...


class SimulatedReader:
    made_of = "un programme en Python (SoftHSM 2 n'est pas installé)"

    def __init__(self, cards: Mapping[str, Issued]) -> None:
        self._slot = SimulatedCard()
        self._cards = {name: self._slot.insert(card.certificate, card.key, PIN) for name, card in cards.items()}
        self.inserted: str | None = None
        self.remove()

    def insert(self, name: str) -> None:
        self.remove()
        self._slot.put_back(self._cards[name])
        self.inserted = name

    def remove(self) -> None:
        self._slot.remove()
        self.inserted = None

    def tries_left(self, name: str) -> int:
        return self._cards[name].tries_left

    def unblock(self, name: str) -> None:
        self._cards[name].tries_left = MOST_TRIES

    def look(self) -> Seen:
        return self._slot.look()

    def sign(self, pin: str, origin: str, nonce: str, expected: str | None = None) -> Token:
        return self._slot.sign(pin, origin, nonce, expected)


class SoftHsmReader:
    """A card is put in by copying its token to where SoftHSM looks. SoftHSM blocks nothing: tries are counted here.

    folder: of its own, readable by nobody else. Raises OSError or subprocess.SubprocessError if SoftHSM cannot be used.
    """

    made_of = "SoftHSM 2, lu par PKCS#11"

    def __init__(self, cards: Mapping[str, Issued], folder: Path, library: Path) -> None:
        self._cards, self._folder, self._library = cards, folder, library
        self._left = dict.fromkeys(cards, MOST_TRIES)
        self._lock = threading.RLock()
        self.inserted: str | None = None
        self._slot = folder / "reader" / "tokens"
        os.environ["SOFTHSM2_CONF"] = str(_configuration(folder / "reader"))
        self._card = Pkcs11Card(library)
        self._token(next(iter(cards)))
        self.remove()

    def insert(self, name: str) -> None:
        with self._lock:
            token = self._token(name)
            self.remove()
            shutil.copytree(token, self._slot, dirs_exist_ok=True)
            self._card.start_again()
            self.inserted = name

    def remove(self) -> None:
        with self._lock:
            shutil.rmtree(self._slot)
            self._slot.mkdir(mode=0o700)
            self._card.start_again()
            self.inserted = None

    def tries_left(self, name: str) -> int:
        return self._left[name]

    def unblock(self, name: str) -> None:
        self._left[name] = MOST_TRIES

    def look(self) -> Seen:
        with self._lock:
            seen = self._card.look()
            if self.inserted is None or seen.state is not State.PRESENT:
                return seen
            left = self._left[self.inserted]
            state = State.PRESENT if left else State.LOCKED
            return Seen(state, seen.holder, _tries(left), "SoftHSM", fingerprint=seen.fingerprint)

    def sign(self, pin: str, origin: str, nonce: str, expected: str | None = None) -> Token:
        with self._lock:
            name = self.inserted
            if name is None:
                raise CardError("no_card")
            if not self._left[name]:
                raise CardError("pin_locked")
            try:
                token = self._card.sign(pin, origin, nonce, expected)
            except CardError as error:
                if error.code != "pin_incorrect":
                    raise
                self._left[name] -= 1
                left = self._left[name]
                raise CardError("pin_incorrect" if left else "pin_locked", tries=_tries(left)) from None
            self._left[name] = MOST_TRIES
            return token

    def _token(self, name: str) -> Path:
        """The folder of this card's token, which is made once, by a process: SoftHSM writes where it is started for."""
        shelf = self._folder / name
        if not (shelf / "complete").exists():
            shutil.rmtree(shelf, ignore_errors=True)
            environment = {**os.environ, "SOFTHSM2_CONF": str(_configuration(shelf))}
            card = self._cards[name]
            command = [sys.executable, "-m", "demo.softhsm_token", str(self._library), PIN, card.der.hex()]
            subprocess.run(  # noqa: S603 # nosec B603 - our own program, no shell
                command, input=card.private_pem(), env=environment, check=True, capture_output=True, timeout=FILL_S
            )
            (shelf / "complete").touch()
        return shelf / "tokens"


def open_reader(cards: Mapping[str, Issued], folder: Path) -> Reader:
    """SoftHSM if it is here and works. folder: for its tokens."""
    library = next((place for place in (Path(each) / LIBRARY for each in PLACES) if place.is_file()), None)
    if library and shutil.which("softhsm2-util"):
        try:
            return SoftHsmReader(cards, folder, library)
        except (OSError, subprocess.SubprocessError, CardError):
            pass  # it is not what we know
    return SimulatedReader(cards)


def _configuration(folder: Path) -> Path:
    (folder / "tokens").mkdir(mode=0o700, parents=True, exist_ok=True)
    written = folder / "softhsm2.conf"
    written.write_text(
        f"directories.tokendir = {folder.absolute() / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        "slots.removable = true\n",
        encoding="utf-8",
    )
    return written.absolute()


def _tries(left: int) -> Tries:
    return "final" if left == 1 else "low" if 0 < left < MOST_TRIES else "ok"
