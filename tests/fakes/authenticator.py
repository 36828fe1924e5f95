"""An authenticator in software: makes passkeys and signs challenges as WebAuthn Level 3 §6 has it, or wrongly."""

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from idp.domain.enrolled import CredentialRecord

UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
PrivateKey = ec.EllipticCurvePrivateKey | Ed25519PrivateKey | rsa.RSAPrivateKey


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unb64(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def new_key(algorithm: str = "ES256") -> PrivateKey:
    """ES256 as most authenticators make, RS256 as Windows Hello does, or EdDSA."""
    match algorithm:
        case "EdDSA":
            return Ed25519PrivateKey.generate()
        case "RS256":
            return rsa.generate_private_key(65537, 2048)
        case _:
            return ec.generate_private_key(ec.SECP256R1())


def cose(key: PrivateKey) -> bytes:
    """The public key as RFC 9053 §7 and RFC 8230 §4 write it."""
    if isinstance(key, Ed25519PrivateKey):
        return cbor2.dumps({1: 1, 3: -8, -1: 6, -2: key.public_key().public_bytes_raw()})
    if isinstance(key, rsa.RSAPrivateKey):
        n = key.public_key().public_numbers().n
        return cbor2.dumps({1: 3, 3: -257, -1: n.to_bytes(key.key_size // 8, "big"), -2: b"\1\0\1"})
    numbers = key.public_key().public_numbers()
    return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})


def sign(key: PrivateKey, data: bytes) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, PKCS1v15(), SHA256())
    return key.sign(data, ec.ECDSA(SHA256()))


@dataclass
class Authenticator:
    """One key of one person. Each field is what it says of itself, and may be a lie.

    step: what its counter grows by at each use; 0 for one that does not count. flags, appended: further ones of the
    authenticator data of an assertion, and what stands at its end.
    """

    rp_id: str = "idp.example"
    origin: str = "https://idp.example"
    is_backup_eligible: bool = False
    verifies: bool = True
    is_present: bool = True
    is_framed: bool = False
    counter: int = 0
    step: int = 1
    flags: int = 0
    appended: bytes = b""
    webauthn_id: bytes = field(default_factory=lambda: os.urandom(32))
    user_handle: bytes | None = b"a handle"
    key: PrivateKey = field(default_factory=new_key)

    @property
    def public_key(self) -> bytes:
        return cose(self.key)

    def record(self, account_id: str, login_name: str) -> CredentialRecord:
        """As it is registered."""
        return CredentialRecord(
            credential_id="her passkey",
            account_id=account_id,
            login_name=login_name,
            user_handle=self.user_handle or b"",
            webauthn_id=self.webauthn_id,
            public_key=self.public_key,
            sign_count=self.counter,
            is_backup_eligible=self.is_backup_eligible,
        )

    def create(self, options: str, **changes: Any) -> str:
        """What a browser sends of `navigator.credentials.create`."""
        asked = json.loads(options)
        self.user_handle = unb64(asked["user"]["id"])
        attested = bytes(16) + len(self.webauthn_id).to_bytes(2, "big") + self.webauthn_id + self.public_key
        data = self._data(AT) + attested
        response = {
            "clientDataJSON": b64(self._client_data("webauthn.create", asked["challenge"])),
            "attestationObject": b64(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["internal", "hybrid", "carrier-pigeon"],
        }
        return self._answer({**response, **changes})

    def get(self, options: str, **changes: Any) -> str:
        """What a browser sends of `navigator.credentials.get`."""
        asked = json.loads(options)
        self.counter += self.step
        client_data = self._client_data("webauthn.get", asked["challenge"])
        data = self._data(self.flags) + self.appended
        signature = sign(self.key, data + hashlib.sha256(client_data).digest())
        response = {
            "clientDataJSON": b64(client_data),
            "authenticatorData": b64(data),
            "signature": b64(signature),
            **({"userHandle": b64(self.user_handle)} if self.user_handle is not None else {}),
        }
        return self._answer({**response, **changes})

    def _data(self, more: int = 0) -> bytes:
        flags = more | (UP * self.is_present) | (UV * self.verifies) | ((BE | BS) * self.is_backup_eligible)
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.is_framed}
        return json.dumps(said).encode()

    def _answer(self, response: dict[str, Any]) -> str:
        whose = {"id": b64(self.webauthn_id), "rawId": b64(self.webauthn_id), "type": "public-key"}
        return json.dumps({**whose, "response": response})
