"""Data keys: sealing of what must be read back, and codes that prove knowledge without being stored."""

import hmac
import logging
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys import data_ring
from keys.data_ring import FIRST_KID, KEY_BYTES
from keys.jwks import base64url
from keys.signer import UnsafeKeyFile

NONCE_BYTES: Final = 12  # drawn at random: at most 2^32 seals under one key (NIST SP 800-38D §8.3)
KID_BYTES: Final = 4
HEADER_BYTES: Final = 1 + KID_BYTES
UNNAMED: Final = b"\x01"  # version 1 named no key: it was sealed under the first
NAMED: Final = b"\x02"  # version, kid, nonce, ciphertext and tag
MAC: Final = b"sesame mac v1"
SUBJECT: Final = b"sesame pairwise subject v1"

log = logging.getLogger(__name__)


class SealBroken(Exception):
    """What was sealed does not open: altered, cut, moved to another purpose or row, or sealed under an unknown key."""


class DataKeys:
    """Keys derived from the secrets of a ring (RFC 5869), one for each kind of use.

    content: of the secret file, see `keys.data_ring`. path: that file, for `reload`; without it the ring is fixed.
    The newest secret seals, each opens what it sealed. Digests and subjects, which are compared for years, come from
    the first, which is never removed. Raises UnsafeKeyFile for a short secret or a malformed ring.
    """

    def __init__(self, content: bytes, *, path: Path | None = None) -> None:
        secrets = data_ring.parse(content)
        self._path = path
        self._ciphers = _ciphers(secrets)
        self._mac_key = _derive(secrets[FIRST_KID], MAC)
        self._subject_key = _derive(secrets[FIRST_KID], SUBJECT)

    def __repr__(self) -> str:
        return "DataKeys()"

    def reload(self) -> bool:
        """Read the secret file again; True if it holds other keys. Digests and subjects stay what they are.

        Raises UnsafeKeyFile if the file cannot be used now; the keys held before stay.
        """
        if self._path is None:
            return False
        try:
            secrets = data_ring.parse(data_ring.read(self._path))
        except UnsafeKeyFile as error:
            message = f"the data keys could not be read again, those held stay in use: {error}"
            raise UnsafeKeyFile(message) from error
        if _derive(secrets[FIRST_KID], MAC) != self._mac_key:
            raise UnsafeKeyFile("the first data key has changed, those held stay in use")
        has_changed = secrets.keys() != self._ciphers.keys()
        self._ciphers = _ciphers(secrets)
        return has_changed

    @property
    def seal_header(self) -> bytes:
        """What a value that is sealed now begins with: what does not was sealed under an older key."""
        return _header(max(self._ciphers))

    def seal(self, plaintext: bytes, *, purpose: str) -> bytes:
        """Encrypt with AES-256-GCM under the newest key, and name it.

        purpose: what the value is and whose, such as "totp:<credential_id>", so that a value copied to another row or
        column does not open. Raises ValueError if empty.
        """
        _require_purpose(purpose)
        ciphers = self._ciphers
        kid = max(ciphers)
        header, nonce = _header(kid), os.urandom(NONCE_BYTES)
        return header + nonce + ciphers[kid].encrypt(nonce, plaintext, header + purpose.encode())

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        """The plaintext. Raises SealBroken; ValueError for an empty purpose.

        A key that this process does not know yet may be one that another has just begun to use: the file is read again.
        """
        _require_purpose(purpose)
        header, kid, rest = _split(sealed)
        nonce, ciphertext = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
        if len(nonce) < NONCE_BYTES:
            raise SealBroken("the sealed value is cut short")
        if kid not in self._ciphers:
            try:
                self.reload()
            except UnsafeKeyFile as error:
                log.error("%s", error)
        try:
            return self._ciphers[kid].decrypt(nonce, ciphertext, header + purpose.encode())
        except KeyError:
            raise SealBroken(f"sealed under a data key that is not in the ring ({kid})") from None
        except InvalidTag:
            raise SealBroken("the seal is broken") from None

    def mac(self, purpose: str, *parts: str) -> str:
        """Keyed digest for pseudonyms and one-time codes: HMAC-SHA256, 64 hexadecimal digits.

        Every part is preceded by its length, so that ("ab", "c") and ("a", "bc") differ. Compare with
        `hmac.compare_digest`. Raises ValueError for an empty purpose.
        """
        _require_purpose(purpose)
        return _digest(self._mac_key, purpose, *parts).hex()

    def subject(self, sector: str, account_id: str) -> str:
        """Pairwise subject identifier (OIDC Core §8.1): the same for one sector, unlinkable across sectors.

        sector: host that the client's redirect URIs share. 43 characters of base64url. Raises ValueError if either is
        empty.
        """
        if not sector or not account_id:
            raise ValueError("a pairwise subject needs a sector and an account")
        return base64url(_digest(self._subject_key, sector, account_id))


def _ciphers(secrets: dict[int, bytes]) -> dict[int, AESGCM]:
    return {kid: AESGCM(_derive(secret, b"sesame seal v1")) for kid, secret in secrets.items()}


def _derive(secret: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=use).derive(secret)


def _header(kid: int) -> bytes:
    return NAMED + kid.to_bytes(KID_BYTES, "big")


def sealed_under(sealed: bytes) -> int:
    """The kid of the data key that a value, of which the first HEADER_BYTES do, was sealed under. Raises SealBroken."""
    return _split(sealed)[1]


def _split(sealed: bytes) -> tuple[bytes, int, bytes]:
    """Header, kid and the rest of a sealed value. Raises SealBroken."""
    if sealed.startswith(UNNAMED):
        return UNNAMED, FIRST_KID, sealed[1:]
    if not sealed.startswith(NAMED):
        raise SealBroken("unknown version of the seal")
    header = sealed[:HEADER_BYTES]
    return header, int.from_bytes(header[1:], "big"), sealed[len(header) :]


def _require_purpose(purpose: str) -> None:
    if not purpose:
        raise ValueError("a seal or a digest needs a purpose")


def _digest(key: bytes, *parts: str) -> bytes:
    return hmac.digest(key, b"".join(_length_prefixed(part) for part in parts), "sha256")


def _length_prefixed(part: str) -> bytes:
    encoded = part.encode("utf-8", "surrogatepass")  # what a person typed must not raise, and stays distinct
    return len(encoded).to_bytes(8, "big") + encoded
