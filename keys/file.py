"""Signing keys kept in a directory: `<kid>.pem` (PKCS#8) for each key, and `ring.json` for their dates."""

import copy
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from keys import algorithms, private_directory
from keys.jwks import thumbprint
from keys.ring import plan_removal
from keys.ring_changes import RingChanges
from keys.ring_file import KID, RING, Ring, parse_ring, ring_json
from keys.signer import KeyUnavailable, PublicKey, SigningKey, UnsafeKeyFile, require_aware

PKCS8: Final = b"-----BEGIN PRIVATE KEY-----"
# What a writer that died may leave: temporary files, and a key that no ring names yet or any more. It is not used.
LEFTOVER: Final = re.compile(rf"\.{re.escape(RING)}\.tmp|{KID.pattern}\.pem|\.{KID.pattern}\.pem\.tmp")
PROOF: Final = b"signed at load to prove the key"


@dataclass(frozen=True, slots=True, repr=False)
class _Held:
    """A parsed key; no repr, for it holds key material."""

    alg: str
    private: algorithms.PrivateKey
    public: PublicKey


@dataclass(frozen=True, slots=True, repr=False)
class _Content:
    """What the directory held at one instant: swapped as a whole."""

    raw_ring: bytes
    keys: Ring
    held: Mapping[str, _Held]


class FileSigner(RingChanges):
    """Signer over a directory, read at the start and by `reload`; the other methods leave it as it is.

    Raises UnsafeKeyFile if the directory or a file is open to group or others, is a symbolic link, is missing or
    unknown, or if a key does not fit its name, its algorithm or its own public half.
    """

    def __init__(self, directory: Path) -> None:
        with private_directory.opened(directory) as descriptor:
            self._content = _load(descriptor, {})
        self._directory = directory
        self._reloading = threading.Lock()

    def __repr__(self) -> str:
        return f"FileSigner({str(self._directory)!r}, {len(self._content.keys)} keys)"

    def keys(self) -> tuple[SigningKey, ...]:
        """The ring, in the order of `ring.json`."""
        return self._content.keys

    def public_key(self, kid: str) -> PublicKey:
        """Raises KeyUnavailable if the kid is not in the ring."""
        return self._find(kid).public

    def sign(self, kid: str, signing_input: bytes) -> bytes:
        """Signature as JWS wants it. Raises KeyUnavailable if the kid is not in the ring."""
        held = self._find(kid)
        return algorithms.sign(held.alg, held.private, signing_input)

    def check(self) -> None:
        """Nothing to ask: every key was proved when it was read."""

    def reload(self) -> bool:
        """Read what is new in the directory, all of it or nothing; True if the ring has changed.

        Raises UnsafeKeyFile if the directory cannot be used now; the keys held before stay. Cheap when nothing has
        changed; any thread may call it at any time.
        """
        with self._reloading:  # else a slow reader could put an older ring back
            try:
                with private_directory.opened(self._directory) as descriptor:
                    if private_directory.read(descriptor, RING) == self._content.raw_ring:
                        return False
                    self._content = _load(descriptor, self._content.held)
            except (UnsafeKeyFile, OSError) as error:
                message = f"the signing keys could not be read again, those held stay in use: {error}"
                raise UnsafeKeyFile(message) from error
        return True

    @classmethod
    def create(cls, directory: Path, algs: Sequence[str] = tuple(algorithms.ALGORITHMS), *, now: datetime) -> Self:
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
            private_directory.write(descriptor, files | {RING: ring_json(ring)})
        return cls(directory)

    def remove_retired(self, *, now: datetime, retired_for: timedelta) -> Ring:
        """Delete the keys that have been retired for so long, and tell which: see `ring.plan_removal`.

        Raises UnsafeKeyFile, ValueError if `now` is naive.
        """
        with private_directory.opened(self._directory, exclusive=True) as descriptor:
            current = _load(descriptor, self._content.held).keys
            kept = plan_removal(current, now, retired_for)
            removed = tuple(key for key in current if key not in kept)
            if removed:
                private_directory.write(descriptor, {RING: ring_json(kept)})
                private_directory.remove(descriptor, [_file_name(key.kid) for key in removed])
        return removed

    def _extend(self, alg: str, plan: Callable[[Ring, str], Ring]) -> Self:
        """Write the ring that is planned, and a fresh key if it is in there."""
        fresh = algorithms.generate(alg)  # slow: before the lock
        kid = thumbprint(fresh.public_key())
        after = copy.copy(self)
        with private_directory.opened(self._directory, exclusive=True) as descriptor:
            current = _load(descriptor, self._content.held)  # another process may have rotated since
            ring = plan(current.keys, kid)
            files = {_file_name(kid): _pem(fresh)} if any(key.kid == kid for key in ring) else {}
            private_directory.write(descriptor, files | {RING: ring_json(ring)})
            after._content = _load(descriptor, current.held)
        return after

    def _find(self, kid: str) -> _Held:
        try:
            return self._content.held[kid]
        except KeyError:
            raise KeyUnavailable(f"key {kid!r} is not in the ring") from None


def _load(descriptor: int, known: Mapping[str, _Held]) -> _Content:
    """What the directory holds; a key that is known already is neither read nor proved again: that is slow."""
    raw = private_directory.read(descriptor, RING)
    ring = parse_ring(raw)
    expected = {RING} | {_file_name(key.kid) for key in ring}
    unknown = [name for name in private_directory.names(descriptor) - expected if not LEFTOVER.fullmatch(name)]
    if unknown:
        raise UnsafeKeyFile(f"unknown file {min(unknown)}: it is not in {RING}; move it away")
    held = {key.kid: _known(known, key) or _read_key(descriptor, key) for key in ring}
    return _Content(raw, ring, held)


def _known(known: Mapping[str, _Held], key: SigningKey) -> _Held | None:
    held = known.get(key.kid)
    return held if held is not None and held.alg == key.alg else None


def _read_key(descriptor: int, key: SigningKey) -> _Held:
    name = _file_name(key.kid)
    pem = private_directory.read(descriptor, name)
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
