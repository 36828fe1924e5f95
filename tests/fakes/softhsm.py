"""Tokens of SoftHSM 2 that look like a CPS card: its labels and CKA_IDs. Debian: softhsm2.

Tokens are filled by a child process (`python -m tests.fakes.softhsm`), so that a test process loads the module only as
the code under test does. SoftHSM reads SOFTHSM2_CONF when it is initialized: to change it is to change the cards.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pkcs11
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from pkcs11 import Attribute
from pkcs11.util.ec import decode_ec_private_key
from pkcs11.util.rsa import decode_rsa_private_key
from pkcs11.util.x509 import decode_x509_certificate

from demo.look_alike import Issued

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
REPOSITORY = Path(__file__).parents[2]
SO_PIN = "12345678"
AUTHENTICATION_ID, SIGNATURE_ID = b"\xe8\x28\xbd\x08\x20", b"\xe8\x28\xbd\x08\x10"
LABELS = {
    AUTHENTICATION_ID: ("Certificat d'Authentification CPS", "CPS_PRIV_AUT"),
    SIGNATURE_ID: ("Certificat de Signature CPS", "CPS_PRIV_SIG"),
}


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate and a key under one CKA_ID. labels: of the certificate and of the key."""

    key_id: bytes
    issued: Issued
    labels: tuple[str, str]

    @classmethod
    def usual(cls, key_id: bytes, issued: Issued) -> "Held":
        return cls(key_id, issued, LABELS[key_id])


def configure(folder: Path, *, mechanisms: str = "ALL") -> Path:
    """A configuration whose tokens lie in `folder`. mechanisms: "CKM_A,CKM_B" leaves these only."""
    (folder / "tokens").mkdir(parents=True, exist_ok=True)
    written = folder / "softhsm2.conf"
    written.write_text(
        f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        f"slots.removable = true\nslots.mechanisms = {mechanisms}\nlibrary.reset_on_fork = false\n",
        encoding="utf-8",
    )
    return written


def add_token(configuration: Path, label: str, pin: str, contents: Sequence[Held]) -> None:
    asked = {
        "pin": pin,
        "label": label,
        "contents": [
            {
                "id": held.key_id.hex(),
                "key": held.issued.private_pem().decode(),
                "certificate": held.issued.der.hex(),
                "labels": held.labels,
            }
            for held in contents
        ],
    }
    environment = {**os.environ, "SOFTHSM2_CONF": str(configuration)}
    command = [sys.executable, "-m", "tests.fakes.softhsm"]
    subprocess.run(command, input=json.dumps(asked), text=True, check=True, cwd=REPOSITORY, env=environment)


def _fill(asked: Mapping[str, object]) -> None:
    pin, label = str(asked["pin"]), str(asked["label"])
    init = ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", SO_PIN, "--pin", pin]
    subprocess.run(init, check=True, stdout=subprocess.DEVNULL)
    token = pkcs11.lib(str(MODULE)).get_token(token_label=label)
    with token.open(rw=True, user_pin=pin) as session:
        for each in asked["contents"]:  # type: ignore[attr-defined]
            named = {Attribute.TOKEN: True, Attribute.ID: bytes.fromhex(each["id"])}
            certificate_label, key_label = each["labels"]
            certificate = decode_x509_certificate(bytes.fromhex(each["certificate"]))
            session.create_object({**certificate, **named, Attribute.LABEL: certificate_label})
            session.create_object({**_key(each["key"]), **named, Attribute.LABEL: key_label, Attribute.SIGN: True})


def _key(pem: str) -> Mapping[Attribute, object]:
    key = load_pem_private_key(pem.encode(), None)
    der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    decoded = decode_rsa_private_key(der) if isinstance(key, rsa.RSAPrivateKey) else decode_ec_private_key(der)
    return {**decoded, Attribute.PRIVATE: True, Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}


if __name__ == "__main__":
    _fill(json.load(sys.stdin))
