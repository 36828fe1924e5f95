"""A token of SoftHSM for signing keys, which can be taken away and given back. Debian: softhsm2."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pkcs11 import Attribute, ObjectClass
from pkcs11.util.ec import decode_ec_private_key

from keys.pkcs11 import token
from keys.pkcs11.pin import REFUSED
from keys.place import Place
from keys.signer import TokenAccess
from tests.fakes import softhsm

LABEL, PIN = "sesame", "Paon-5926"


@dataclass(frozen=True)
class Hsm:
    """configuration: for SOFTHSM2_CONF, which the module reads when it starts."""

    folder: Path
    configuration: Path

    @classmethod
    def make(cls, folder: Path) -> "Hsm":
        if not softhsm.MODULE.exists():
            pytest.skip("softhsm2 is not installed (tests/system-packages.txt)")
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder, softhsm.configure(folder))
        made.initialize(LABEL)
        made.pin_file.write_text(f"{PIN}\n")
        made.pin_file.chmod(0o600)
        return made

    def copy(self, folder: Path) -> "Hsm":
        """Another token with the same keys, and a ring of its own: quicker than to make keys."""
        copied = Hsm(folder, softhsm.configure(folder))
        for name in ("tokens", "ring"):
            shutil.copytree(self.folder / name, folder / name, dirs_exist_ok=True)
        shutil.copy2(self.pin_file, copied.pin_file)
        return copied

    @property
    def pin_file(self) -> Path:
        return self.folder / "pin"

    def mend_pin(self, ring: Path) -> None:
        """Some time after the refusal that is remembered beside this ring."""
        os.utime(ring / REFUSED, ns=(0, 0))
        self.pin_file.write_text(PIN)

    @property
    def access(self) -> TokenAccess:
        return TokenAccess(softhsm.MODULE, LABEL, self.pin_file)

    @property
    def place(self) -> Place:
        return Place(self.folder / "ring", self.access)

    @property
    def settings(self) -> dict[str, Any]:
        """Of a provider whose keys are here."""
        token = {"module": softhsm.MODULE, "token": LABEL, "pin_file": self.pin_file}
        return {"keys_backend": "pkcs11", "keys_dir": self.folder / "ring", "pkcs11": token}

    @classmethod
    @contextmanager
    def made(cls, folder: Path) -> Iterator["Hsm"]:
        """A token that this process uses meanwhile."""
        hsm = cls.make(folder)
        with hsm.used():
            yield hsm

    @contextmanager
    def used(self) -> Iterator[None]:
        """By this process, which has to log in anew; nothing is waited for between two tries."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SOFTHSM2_CONF", str(self.configuration))
            patch.setattr(token, "PAUSE_S", 0.0)
            forget()
            yield
            forget()

    @contextmanager
    def session(self) -> Iterator[pkcs11.Session]:
        """Of somebody else: the provider has to log in again."""
        forget()
        library = pkcs11.lib(str(softhsm.MODULE))
        library.reinitialize()
        with library.get_token(token_label=LABEL).open(rw=True, user_pin=PIN) as session:
            yield session

    def objects(self, kind: ObjectClass) -> list[tuple[str, bytes]]:
        """Labels and CKA_IDs."""
        with self.session() as session:
            found = list(session.get_objects({Attribute.CLASS: kind}))
            return [(each[Attribute.LABEL], each[Attribute.ID]) for each in found]

    def labels(self) -> set[str]:
        """Of the private keys."""
        return {label for label, _ in self.objects(ObjectClass.PRIVATE_KEY)}

    def import_key(self, session: pkcs11.Session, identity: bytes) -> None:
        """A private key that was made elsewhere, under this CKA_ID."""
        made = ec.generate_private_key(ec.SECP256R1())
        der = made.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        bound = {Attribute.PRIVATE: True, Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
        named = {Attribute.TOKEN: True, Attribute.ID: identity, Attribute.SIGN: True}
        session.create_object({**decode_ec_private_key(der), **bound, **named})

    def initialize(self, label: str) -> None:
        command = ["softhsm2-util", "--init-token", "--free", "--label", label]
        pins = ["--so-pin", softhsm.SO_PIN, "--pin", PIN]
        environment = {"PATH": "/usr/bin:/bin", "SOFTHSM2_CONF": str(self.configuration)}
        subprocess.run(command + pins, check=True, stdout=subprocess.DEVNULL, env=environment)

    def take_away(self) -> None:
        (self.folder / "tokens").rename(self.folder / "elsewhere")
        (self.folder / "tokens").mkdir()

    def give_back(self) -> None:
        (self.folder / "tokens").rmdir()
        (self.folder / "elsewhere").rename(self.folder / "tokens")


def forget() -> None:
    """End the logins of this process, as another would never do to it."""
    for holder in list(token._holders):
        holder._close()
