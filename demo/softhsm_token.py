"""Fills a token of SoftHSM as a CPS card is filled; run as a process, with SOFTHSM2_CONF and the key on its input.

`python -m demo.softhsm_token LIBRARY PIN CERTIFICATE` (DER, hexadecimal)
"""

import secrets
import subprocess  # nosec B404 - starts SoftHSM's own tool
import sys

import pkcs11
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from pkcs11 import Attribute
from pkcs11.util.rsa import decode_rsa_private_key
from pkcs11.util.x509 import decode_x509_certificate

KEY_ID = b"\xe8\x28\xbd\x08\x20"
LABEL = "CPS"


def fill(library: str, pin: str, certificate: bytes, key_pem: bytes) -> None:
    officer = f"{secrets.randbelow(10**8):08}"
    command = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--so-pin", officer, "--pin", pin]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 # nosec B603 - no shell
    key = load_pem_private_key(key_pem, None)
    der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    named = {Attribute.TOKEN: True, Attribute.ID: KEY_ID}
    held = {Attribute.PRIVATE: True, Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.SIGN: True}
    token = pkcs11.lib(library).get_token(token_label=LABEL)
    with token.open(rw=True, user_pin=pin) as session:
        label = "Certificat d'Authentification CPS"
        session.create_object({**decode_x509_certificate(certificate), **named, Attribute.LABEL: label})
        session.create_object({**decode_rsa_private_key(der), **named, **held, Attribute.LABEL: "CPS_PRIV_AUT"})


if __name__ == "__main__":
    fill(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]), sys.stdin.buffer.read())
