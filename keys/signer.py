"""What every signing back end offers: metadata, public keys and JWS signatures; never a private key."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, Self

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

PublicKey = RSAPublicKey | EllipticCurvePublicKey


class KeyUnavailable(LookupError):
    """No key answers to this kid, or no key of this algorithm is active now."""


class SignerUnavailable(KeyUnavailable):
    """The back end does not do as it should now: its token is gone, or refuses. Recovers by itself."""


class UnsafeKeyFile(Exception):
    """A key directory that must not be used: others can reach it, or its content is not exactly what was written."""


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """A PKCS#11 token. module: its library. pin_file: for its owner alone. proxy: the module may be called by several
    threads at once, as p11-kit-proxy.
    """

    module: Path
    label: str
    pin_file: Path
    proxy: bool = False


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What may be told of a signing key; it holds no key material.

    kid: RFC 7638 thumbprint. not_before: first instant of use. retire_at: the instant when it stops being published
    (None: no successor is planned); not after `not_before`, the key was withdrawn before its first use. Both aware:
    raises ValueError for naive instants.
    """

    kid: str
    alg: str
    not_before: datetime
    retire_at: datetime | None = None

    def __post_init__(self) -> None:
        require_aware(self.not_before)
        if self.retire_at is not None:
            require_aware(self.retire_at)


class Signer(Protocol):
    """A back end. It parses its keys once, and may be called by many threads.

    A ring that is read again loses no key that a caller may have chosen a moment before.
    """

    def keys(self) -> tuple[SigningKey, ...]:
        """The ring, in a stable order."""

    def public_key(self, kid: str) -> PublicKey:
        """Raises KeyUnavailable if the kid is not in the ring."""

    def sign(self, kid: str, signing_input: bytes) -> bytes:
        """Signature as JWS wants it (RFC 7518 §3.3 to §3.5; r||s for ES256).

        Does not look at the key's state: callers choose the kid with `keys.ring.active`.
        Raises KeyUnavailable if the kid is not in the ring.
        """

    def check(self) -> None:
        """Raises SignerUnavailable if what holds the keys does not sign now."""


class Keyring(Signer, Protocol):
    """A Signer whose ring changes. What a method writes shows in what it returns, and in others after `reload`.

    Each method raises UnsafeKeyFile; those that write raise SignerUnavailable too, and ValueError for a naive `now`.
    """

    def reload(self) -> bool:
        """Read what is new, all of it or nothing; True if the ring has changed. UnsafeKeyFile: those held stay."""

    def rotate(self, alg: str, *, now: datetime, publish_ahead: timedelta, keep_after: timedelta) -> Self:
        """Make the next key of an algorithm: see `ring.plan_rotation`. Raises RotationRefused, UnfitKey."""

    def withdraw(self, kid: str, *, now: datetime, publish_ahead: timedelta, keep_after: timedelta) -> Self:
        """Stop using and publishing a key: see `ring.plan_withdrawal`. Raises RotationRefused, KeyUnavailable."""

    def remove_retired(self, *, now: datetime, retired_for: timedelta) -> tuple[SigningKey, ...]:
        """Delete the keys that have been retired for so long, and tell which: see `ring.plan_removal`."""


def require_aware(instant: datetime) -> None:
    """Raises ValueError for a naive datetime, whose instant would depend on the machine's time zone."""
    if instant.utcoffset() is None:
        raise ValueError("a naive datetime names no instant: give it a time zone")
