"""Readers under the control of a test: simulated, SoftHSM, and virtual behind pcscd. See `card_reader.conformance`."""

import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pkcs11

from card_reader import modules
from card_reader.conformance import PIN, Contents
from card_reader.pkcs11_card import Pkcs11Card
from card_reader.simulated import Inserted, PrivateKey, SimulatedCard
from demo.look_alike import Hierarchy, Issued, rpps
from tests.fakes import softhsm
from tests.fakes.clock import START
from tests.fakes.softhsm import AUTHENTICATION_ID, SIGNATURE_ID, Held
from tests.fakes.virtual_card.piv import AUTHENTICATION, SIGNATURE
from tests.fakes.virtual_card.reader import VirtualReader


@cache
def hierarchy() -> Hierarchy:
    return Hierarchy.make(START)


@cache
def cards() -> Mapping[Contents, tuple[Issued | None, Issued]]:
    """What is on each card: for authentication, for signature."""
    signature = hierarchy().issue(purpose="signature", level="FORT")
    anne, leo = hierarchy().issue(), hierarchy().issue(national_id=f"8{rpps('1000345679')}", given_name="LÉO")
    return {
        "person": (anne, signature),
        "another person": (leo, hierarchy().issue(purpose="signature", level="FORT", given_name="LÉO")),
        "signature only": (None, signature),
        "tampered": (Issued(anne.certificate, leo.key), signature),
    }


class TornOut(SimulatedCard):
    """Leaves the reader while it signs, once."""

    is_leaving = False

    def _sign(self, key: PrivateKey, algorithm: str, message: bytes) -> bytes:
        if self.is_leaving:
            self.is_leaving = False
            self.remove()
        return super()._sign(key, algorithm, message)


class SimulatedBench:
    def __init__(self) -> None:
        self.card = TornOut()
        self._made: dict[Contents, Inserted] = {}

    def insert(self, contents: Contents = "person") -> None:
        if contents in self._made:
            self.card.put_back(self._made[contents])
            return
        authentication, signature = cards()[contents]
        issued = authentication or signature
        self._made[contents] = self.card.insert(issued.certificate, issued.key, PIN)

    def remove(self) -> None:
        self.card.remove()

    def remove_while_signing(self) -> None:
        self.card.is_leaving = True


@cache
def held(contents: Contents) -> tuple[Held, ...]:
    authentication, signature = cards()[contents]
    first = [Held.usual(AUTHENTICATION_ID, authentication)] if authentication else []
    return (*first, Held.usual(SIGNATURE_ID, signature))


class SoftHsmBench:
    """A card is put in by copying its token to where SoftHSM looks, which it does when it is initialized.

    folder: empty. templates: where tokens that are made already may be kept, for they take a second.
    """

    def __init__(self, folder: Path, templates: Path, *, mechanisms: str = "ALL") -> None:
        self.configuration = softhsm.configure(folder, mechanisms=mechanisms)
        self._tokens, self._templates = folder / "tokens", templates
        self.card = Pkcs11Card(softhsm.MODULE)
        self.start_again()

    def insert(self, contents: Contents = "person") -> None:
        self.insert_token(contents, held(contents))

    def insert_token(self, name: str, contents: tuple[Held, ...]) -> None:
        template = self._templates / name.replace(" ", "-")
        if not template.exists():
            softhsm.add_token(softhsm.configure(template), name, PIN, contents)
        shutil.copytree(template / "tokens", self._tokens, dirs_exist_ok=True)
        self.start_again()

    def remove(self) -> None:
        shutil.rmtree(self._tokens)
        self._tokens.mkdir()
        self.start_again()

    def remove_while_signing(self) -> None:
        raise NotImplementedError

    def start_again(self) -> None:
        pkcs11.lib(str(softhsm.MODULE)).finalize()


class VirtualBench:
    def __init__(self, reader: VirtualReader) -> None:
        self.reader = reader
        self.card = Pkcs11Card(modules.find())
        self._made: set[str] = set()
        self._inserted = 0

    def insert(self, contents: Contents = "person") -> None:
        if contents not in self._made:
            authentication, signature = cards()[contents]
            keys = {SIGNATURE: signature, **({AUTHENTICATION: authentication} if authentication else {})}
            self.reader.make(contents, keys, PIN)
            self._made.add(contents)
        self.reader.insert(contents, self._inserted)
        self._inserted += 1

    def remove(self) -> None:
        self.reader.remove()
        self._inserted = 0

    def remove_while_signing(self) -> None:
        self.reader.remove_while_signing()
        self._inserted = 0
