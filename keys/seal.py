"""Data keys: sealing of what must be read back, and codes that prove knowledge without being stored."""

import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12  # drawn at random: at most 2^32 seals under one secret (NIST SP 800-38D §8.3)
VERSION: Final = b"\x01"  # names the derivation and, one day, the key of a ring


class SealBroken(Exception):
    """What was sealed does not open: altered, moved to another purpose or row, or sealed under another secret."""


class DataKeys:
    """Keys derived from one secret (RFC 5869), one for each kind of use.

    secret: at least 32 random bytes. Raises ValueError if shorter.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < KEY_BYTES:
            raise ValueError(f"the data secret needs at least {KEY_BYTES} bytes")
        self._aead = AESGCM(_derive(secret, b"sesame seal v1"))
        self._mac_key = _derive(secret, b"sesame mac v1")

    def __repr__(self) -> str:
        return "DataKeys()"

    def seal(self, plaintext: bytes, *, purpose: str) -> bytes:
        """Encrypt with AES-256-GCM: version, nonce, ciphertext and tag.

        purpose: what the value is and whose, such as "totp:<credential_id>", so that a value copied to another row or
        column does not open. Raises ValueError if empty.
        """
        nonce = os.urandom(NONCE_BYTES)
        return VERSION + nonce + self._aead.encrypt(nonce, plaintext, _associated(purpose))

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        """The plaintext. Raises SealBroken; ValueError for an empty purpose."""
        associated = _associated(purpose)
        if not sealed.startswith(VERSION):
            raise SealBroken("unknown version of the seal")
        nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        if len(nonce) < NONCE_BYTES:
            raise SealBroken("the sealed value is cut short")
        try:
            return self._aead.decrypt(nonce, ciphertext, associated)
        except InvalidTag:
            raise SealBroken("the seal is broken") from None

    def mac(self, purpose: str, *parts: str) -> str:
        """Keyed digest for pseudonyms and one-time codes: HMAC-SHA256, 64 hexadecimal digits.

        Every part is preceded by its length, so that ("ab", "c") and ("a", "bc") differ. Compare with
        `hmac.compare_digest`. Raises ValueError for an empty purpose.
        """
        if not purpose:
            raise ValueError("a digest needs a purpose")
        message = b"".join(_length_prefixed(part) for part in (purpose, *parts))
        return hmac.digest(self._mac_key, message, "sha256").hex()


def _derive(secret: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=use).derive(secret)


def _associated(purpose: str) -> bytes:
    if not purpose:
        raise ValueError("a seal needs a purpose")
    return VERSION + purpose.encode()


def _length_prefixed(part: str) -> bytes:
    encoded = part.encode("utf-8", "surrogatepass")  # what a person typed must not raise, and stays distinct
    return len(encoded).to_bytes(8, "big") + encoded
