"""A phone in software: a P-256 key, which signs as WebCrypto does, and the PIN of its holder."""

import base64
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from idp.domain.authn import Assurance
from idp.domain.ids import digest, new_id, new_token
from idp.domain.means import Credential
from idp.domain.phone import NewPhone, key_id, signed_text
from idp.flows.qr.phone_keys import pin_digest
from tests.fakes.provider import Provider

PIN = "483951"
COOKIE = "__Host-sesame-phone"


@dataclass
class SoftwarePhone:
    """credential_id, cookie: of one that is enrolled."""

    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    pin: str = PIN
    credential_id: str = ""
    cookie: str = ""

    @property
    def spki(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def key_id(self) -> str:
        return key_id(self.spki)

    @property
    def posted_key(self) -> str:
        """As `phone_key.js` sends it."""
        return _base64url(self.spki)

    def sign(self, *parts: str) -> str:
        """As `sesamePhone.sign` does."""
        return self.sign_bytes(signed_text(*parts))

    def sign_bytes(self, message: bytes) -> str:
        """r, then s, in base64url."""
        r, s = decode_dss_signature(self.key.sign(message, ECDSA(SHA256())))
        return _base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def carried_by(self, browser: Any) -> None:
        """Give its cookie to a browser."""
        browser.set_cookie(COOKIE, self.cookie, secure=True)


def given_phone(
    provider: Provider, login: str = "anne.pierre", level: Assurance = Assurance.MEDIUM, pin: str = PIN
) -> SoftwarePhone:
    """A phone without a passkey that was enrolled earlier, and is remembered by its cookie."""
    made, services = SoftwarePhone(pin=pin), provider.services
    with services.db.write() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        stored = Credential(new_id(), "phone", "phone", level, provider.clock.now(), "Mon téléphone")
        tx.means.add_credential(account.account_id, stored)
        tx.phones.add(stored.credential_id, NewPhone(made.spki, pin_digest(services, made.key_id, pin)))
    made.credential_id = stored.credential_id
    made.cookie = remembered(provider, stored.credential_id)
    return made


def remembered(provider: Provider, credential_id: str) -> str:
    """The cookie by which a browser is remembered, for a phone or a passkey."""
    cookie = new_token()
    with provider.services.db.write() as tx:
        tx.phones.remember_browser(credential_id, digest(cookie), provider.clock.now())
    return cookie


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
