"""Signing keys kept in a directory: `<kid>.pem` (PKCS#8) for each key, and `ring.json` for their dates."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from keys import algorithms, private_directory
from keys.jwks import thumbprint
from keys.ring import RotationRefused, plan_rotation, published
from keys.signer import KeyUnavailable, PublicKey, SigningKey, UnsafeKeyFile, require_aware

RING: Final = "ring.json"
RING_VERSION: Final = 1
PKCS8: Final = b"-----BEGIN PRIVATE KEY-----"
KID: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256, base64url: no path, no NUL
PROOF: Final = b"signed at load to prove the key"


@dataclass(frozen=True, slots=True, repr=False)
class _Held:
    """A parsed key; no repr, for it holds key material."""

    alg: str
    private: algorithms.PrivateKey
    public: PublicKey


class FileSigner:
    """Signer over a directory read once. Immutable: after `add` or `rotate`, use what they return, or load again.

    Raises UnsafeKeyFile if the directory or a file is open to group or others, is a symbolic link, is missing or
    unknown, or if a key does not fit its name, its algorithm or its own public half.
    """

    def __init__(self, directory: Path) -> None:
        with private_directory.opened(directory) as descriptor:
            self._keys, self._held = _load(descriptor)
        self._directory = directory

    def __repr__(self) -> str:
        return f"FileSigner({str(self._directory)!r}, {len(self._keys)} keys)"

    def keys(self) -> tuple[SigningKey, ...]:
        """The ring, in the order of `ring.json`."""
        return self._keys

    def public_key(self, kid: str) -> PublicKey:
        """Raises KeyUnavailable if the kid is not in the ring."""
        return self._find(kid).public

    def sign(self, kid: str, signing_input: bytes) -> bytes:
        """Signature as JWS wants it. Raises KeyUnavailable if the kid is not in the ring."""
        held = self._find(kid)
        return algorithms.sign(held.alg, held.private, signing_input)

    @classmethod
    def create(cls, directory: Path, algs: Sequence[str] = ("RS256", "ES256"), *, now: datetime) -> Self:
        """Make the directory (0700) with one key of each algorithm, active at `now`.

        Raises UnsafeKeyFile if it exists and is not empty or not private, UnfitKey for an unknown algorithm,
        ValueError for a repeated one or a naive `now`.
        """
        require_aware(now)
        if len(set(algs)) != len(algs) or not algs:
            raise ValueError("each algorithm once, and at least one")
        fresh = [(alg, algorithms.generate(alg)) for alg in algs]
        directory.mkdir(mode=private_directory.DIRECTORY_MODE, parents=True, exist_ok=True)
        with private_directory.opened(directory, exclusive=True) as descriptor:
            if private_directory.names(descriptor):
                raise UnsafeKeyFile(f"{directory}: not empty; keys are created in an empty directory")
            ring = [SigningKey(kid=thumbprint(key.public_key()), alg=alg, not_before=now) for alg, key in fresh]
            files = {_file_name(key.kid): _pem(private) for key, (_, private) in zip(ring, fresh, strict=True)}
            private_directory.write(descriptor, files | {RING: _ring_json(ring)})
        return cls(directory)

    def add(self, alg: str, *, now: datetime) -> Self:
        """Add the first key of an algorithm, active at `now`.

        Raises RotationRefused if a key of this algorithm is published, and what `rotate` raises.
        """
        return self._extend(alg, now, timedelta(0), timedelta(0), first=True)

    def rotate(self, alg: str, *, now: datetime, publish_ahead: timedelta, keep_after: timedelta) -> Self:
        """Add the next key of an algorithm and set the retirement of its elders: see `ring.plan_rotation`.

        Raises RotationRefused, UnfitKey for an unknown algorithm, UnsafeKeyFile, ValueError if `now` is naive.
        """
        return self._extend(alg, now, publish_ahead, keep_after, first=False)

    def _extend(self, alg: str, now: datetime, publish_ahead: timedelta, keep_after: timedelta, *, first: bool) -> Self:
        fresh = algorithms.generate(alg)  # slow: before the lock
        kid = thumbprint(fresh.public_key())
        with private_directory.opened(self._directory, exclusive=True) as descriptor:
            current, _ = _load(descriptor)  # another process may have rotated since
            if first and any(key.alg == alg for key in published(current, now)):
                raise RotationRefused(f"{alg} has a key already: rotate it")
            new, updates = plan_rotation(current, alg, now, publish_ahead, keep_after, kid=kid)
            by_kid = {key.kid: key for key in updates}
            ring = [*(by_kid.get(key.kid, key) for key in current), new]
            private_directory.write(descriptor, {_file_name(kid): _pem(fresh), RING: _ring_json(ring)})
        return type(self)(self._directory)

    def _find(self, kid: str) -> _Held:
        try:
            return self._held[kid]
        except KeyError:
            raise KeyUnavailable(f"key {kid!r} is not in the ring") from None


def _load(descriptor: int) -> tuple[tuple[SigningKey, ...], dict[str, _Held]]:
    ring = _parse_ring(private_directory.read(descriptor, RING))
    expected = {RING} | {_file_name(key.kid) for key in ring}
    unknown = private_directory.names(descriptor) - expected
    if unknown:
        raise UnsafeKeyFile(f"unknown file {min(unknown)}: it is not in {RING}; move it away")
    held = {key.kid: _parse_key(key, private_directory.read(descriptor, _file_name(key.kid))) for key in ring}
    return ring, held


def _parse_ring(raw: bytes) -> tuple[SigningKey, ...]:
    try:
        document = json.loads(raw)
        if document["version"] != RING_VERSION:
            raise ValueError("unknown version")
        ring = tuple(_parse_entry(entry) for entry in document["keys"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnsafeKeyFile(f"{RING}: malformed ({error})") from error
    if len({key.kid for key in ring}) != len(ring):
        raise UnsafeKeyFile(f"{RING}: a key is listed twice")
    return ring


def _parse_entry(entry: Mapping[str, Any]) -> SigningKey:
    kid, alg, not_before, retire_at = entry["kid"], entry["alg"], entry["not_before"], entry["retire_at"]
    if set(entry) != {"kid", "alg", "not_before", "retire_at"}:
        raise ValueError("unknown member")
    if not KID.fullmatch(kid) or not isinstance(alg, str):
        raise ValueError("kid is no thumbprint, or alg no name")
    end = None if retire_at is None else datetime.fromisoformat(retire_at)
    return SigningKey(kid=kid, alg=alg, not_before=datetime.fromisoformat(not_before), retire_at=end)


def _parse_key(key: SigningKey, pem: bytes) -> _Held:
    name = _file_name(key.kid)
    if not pem.startswith(PKCS8):
        raise UnsafeKeyFile(f"{name}: not an unencrypted PKCS#8 private key")
    try:
        private = load_pem_private_key(pem, password=None)
        public = algorithms.check_fit(key.alg, private.public_key())  # refuses the kinds that PrivateKey leaves out
    except (ValueError, UnsupportedAlgorithm) as error:  # UnfitKey is a ValueError
        raise UnsafeKeyFile(f"{name}: {error}") from error
    if thumbprint(public) != key.kid:
        raise UnsafeKeyFile(f"{name}: the file is not named after the key it holds")
    return _proved(_Held(key.alg, cast(algorithms.PrivateKey, private), public), name)


def _proved(held: _Held, name: str) -> _Held:
    signature = algorithms.sign(held.alg, held.private, PROOF)
    if not algorithms.is_signed_by(held.alg, held.public, PROOF, signature):
        raise UnsafeKeyFile(f"{name}: a signature by this key does not verify")
    return held


def _file_name(kid: str) -> str:
    return f"{kid}.pem"


def _pem(key: algorithms.PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _ring_json(ring: Sequence[SigningKey]) -> bytes:
    entries = [
        {
            "kid": key.kid,
            "alg": key.alg,
            "not_before": key.not_before.astimezone(UTC).isoformat(),
            "retire_at": key.retire_at and key.retire_at.astimezone(UTC).isoformat(),
        }
        for key in ring
    ]
    return (json.dumps({"version": RING_VERSION, "keys": entries}, indent=2) + "\n").encode()
