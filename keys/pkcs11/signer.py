"""Signing keys in a token, and the dates of their ring in a directory."""

import contextlib
import copy
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from keys import algorithms, private_directory
from keys.pkcs11 import token as owners
from keys.pkcs11.pin import REFUSED, check_pin_file
from keys.pkcs11.token import Token
from keys.ring import plan_removal
from keys.ring_changes import RingChanges
from keys.ring_file import RING, Ring, parse_ring, ring_json
from keys.signer import (
    KeyUnavailable,
    PublicKey,
    SignerUnavailable,
    SigningKey,
    TokenAccess,
    UnsafeKeyFile,
    require_aware,
)

TEMPORARY: Final = f".{RING}.tmp"
NOT_MADE_YET: Final = "-" * 43  # stands in a plan for a key, to see whether one is needed
PROOF: Final = b"signed to see whether the token does"


@dataclass(frozen=True, slots=True)
class _Content:
    """What the directory held at one instant: swapped as a whole. public: of the keys that were asked for so far."""

    raw_ring: bytes
    keys: Mapping[str, SigningKey]
    public: dict[str, PublicKey] = field(default_factory=dict)


class Pkcs11Signer(RingChanges):
    """Signer over a token. `open` reads the ring only: the module is loaded by the first call that needs the token, so
    that a process may be forked before, and a provider may start while its token is away.

    What needs the token raises SignerUnavailable while it does not do as it should.
    """

    def __init__(self, directory: Path, token: Token, content: _Content) -> None:
        self._directory, self._token, self._content = directory, token, content
        self._reloading = threading.Lock()

    def __repr__(self) -> str:
        return f"Pkcs11Signer({str(self._directory)!r}, {len(self._content.keys)} keys)"

    @classmethod
    def open(cls, directory: Path, access: TokenAccess) -> Self:
        """Raises UnsafeKeyFile if the directory or the PIN file is not private, or the ring malformed."""
        check_pin_file(access.pin_file)
        with private_directory.opened(directory) as descriptor:
            return cls(directory, owners.shared(access, directory), _read(descriptor))

    @classmethod
    def create(
        cls, directory: Path, access: TokenAccess, algs: Sequence[str] = tuple(algorithms.ALGORITHMS), *, now: datetime
    ) -> Self:
        """Make the directory (0700), and one key of each algorithm in the token, active at `now`.

        Raises UnsafeKeyFile if it holds anything or is not private, UnfitKey for an unknown algorithm, ValueError for a
        repeated one or a naive `now`.
        """
        require_aware(now)
        if len(set(algs)) != len(algs) or not algs:
            raise ValueError("each algorithm once, and at least one")
        _refuse_unknown(*algs)
        check_pin_file(access.pin_file)
        token, made = owners.shared(access, directory), list[SigningKey]()
        directory.mkdir(mode=private_directory.DIRECTORY_MODE, parents=True, exist_ok=True)
        with private_directory.opened(directory, exclusive=True) as descriptor:
            if private_directory.names(descriptor) - {REFUSED}:  # that of a try of before
                raise UnsafeKeyFile(f"{directory}: not empty; keys are created in an empty directory")
            try:
                maker = _maker(())
                made.extend(SigningKey(token.generate(alg, maker=maker), alg, now) for alg in algs)
                private_directory.write(descriptor, {RING: ring_json(made)})
            except (SignerUnavailable, OSError):
                _destroy(token, made)
                raise
        return cls.open(directory, access)

    def keys(self) -> tuple[SigningKey, ...]:
        """The ring, in the order of `ring.json`."""
        return tuple(self._content.keys.values())

    def public_key(self, kid: str) -> PublicKey:
        """Raises KeyUnavailable if the kid is not in the ring. Asks the token once; later it need not be there."""
        content = self._content
        if kid not in content.public:
            content.public.setdefault(kid, self._token.public_key(kid, self._find(kid).alg))
        return content.public[kid]

    def sign(self, kid: str, signing_input: bytes) -> bytes:
        """Signature as JWS wants it. Raises KeyUnavailable if the kid is not in the ring."""
        return self._token.sign(kid, self._find(kid).alg, signing_input)

    def check(self) -> None:
        """A signature, by a key of any algorithm: whether the token is there, only the token can tell."""
        for key in self.keys()[-1:]:
            self._token.sign(key.kid, key.alg, PROOF)

    def reload(self) -> bool:
        """Read the ring again, and prove the keys that are new in it; True if it has changed.

        Raises UnsafeKeyFile if the directory or the token cannot be used now; the keys held before stay.
        """
        with self._reloading:  # else a slow reader could put an older ring back
            try:
                with private_directory.opened(self._directory) as descriptor:
                    content = _read(descriptor)
                before = self._content
                if content.raw_ring == before.raw_ring:
                    return False
                for key in content.keys.values():
                    known = before.keys.get(key.kid)
                    if known is None or known.alg != key.alg:
                        content.public[key.kid] = self._token.public_key(key.kid, key.alg)
                    elif key.kid in before.public:  # one that was never asked for may be gone: it stops no other
                        content.public[key.kid] = before.public[key.kid]
                self._content = content
            except (UnsafeKeyFile, SignerUnavailable, OSError) as error:
                message = f"the signing keys could not be read again, those held stay in use: {error}"
                raise UnsafeKeyFile(message) from error
        return True

    def remove_retired(self, *, now: datetime, retired_for: timedelta) -> Ring:
        """Destroy the keys that have been retired for so long, and tell which: see `ring.plan_removal`.

        Raises UnsafeKeyFile, ValueError if `now` is naive.
        """
        with private_directory.opened(self._directory, exclusive=True) as descriptor:
            current = tuple(_read(descriptor).keys.values())
            kept = plan_removal(current, now, retired_for)
            removed = tuple(key for key in current if key not in kept)
            for key in removed:  # before the ring forgets them: were the token gone, they would stay in it for ever
                self._token.destroy(key.kid)
            if removed:
                private_directory.write(descriptor, {RING: ring_json(kept)})
        return removed

    def _extend(self, alg: str, plan: Callable[[Ring, str], Ring]) -> Self:
        """Write the ring that is planned; a key is made only if the plan has a place for it."""
        _refuse_unknown(alg)
        after = copy.copy(self)
        with private_directory.opened(self._directory, exclusive=True) as descriptor:
            current = tuple(_read(descriptor).keys.values())  # another process may have rotated since
            ring, made = plan(current, NOT_MADE_YET), list[SigningKey]()
            if any(key.kid == NOT_MADE_YET for key in ring):
                kid = self._token.generate(alg, maker=_maker(current))
                ring = plan(current, kid)
                made = [key for key in ring if key.kid == kid]
            try:
                private_directory.write(descriptor, {RING: ring_json(ring)})
            except OSError:
                _destroy(self._token, made)
                raise
            after._content = _read(descriptor)
        return after

    def _find(self, kid: str) -> SigningKey:
        try:
            return self._content.keys[kid]
        except KeyError:
            raise KeyUnavailable(f"key {kid!r} is not in the ring") from None


def _read(descriptor: int) -> _Content:
    raw = private_directory.read(descriptor, RING)
    unknown = private_directory.names(descriptor) - {RING, TEMPORARY, REFUSED}
    if unknown:
        raise UnsafeKeyFile(f"unknown file {min(unknown)}: the keys are in the token; move it away")
    keys = {key.kid: key for key in parse_ring(raw)}
    if unfit := {key.alg for key in keys.values()} - set(algorithms.ALGORITHMS):
        raise UnsafeKeyFile(f"{RING}: unknown algorithm {min(unfit)!r}")
    return _Content(raw, keys)


def _refuse_unknown(*algs: str) -> None:
    for alg in algs:
        if alg not in algorithms.ALGORITHMS:
            raise algorithms.UnfitKey(f"unknown algorithm {alg!r}")


def _maker(ring: Ring) -> str:
    """Of no other provider that has keys in the token, and the same until one was made here."""
    return ring[-1].kid if ring else secrets.token_urlsafe()


def _destroy(token: Token, made: Sequence[SigningKey]) -> None:
    """Undo, as far as the token lets us: what stays in it is named by no ring, and counts for nothing."""
    for key in made:
        with contextlib.suppress(SignerUnavailable):
            token.destroy(key.kid)
