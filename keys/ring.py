"""The life of a signing key, computed from dates alone: pending → active → retiring → retired.

Nothing is switched by a job: every worker reads the same ring and the same clock, hence the same states. The `plan_…`
functions answer with the whole ring as it should be written.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum

from keys.signer import KeyUnavailable, SigningKey, require_aware


class KeyState(Enum):
    """PENDING: published, not used yet. RETIRING: published, used no more. RETIRED: published no more."""

    PENDING = "pending"
    ACTIVE = "active"
    RETIRING = "retiring"
    RETIRED = "retired"


class RotationRefused(ValueError):
    """The rotation makes no sense on this ring; the text says why."""


def state(key: SigningKey, ring: Sequence[SigningKey], now: datetime) -> KeyState:
    """State of a key of the ring. A state never goes back as time passes.

    Raises ValueError if `now` is naive, KeyUnavailable if the key is not in the ring.
    """
    require_aware(now)
    if key not in ring:
        raise KeyUnavailable(f"key {key.kid} is not in the ring")
    if key.retire_at is not None and key.retire_at <= now:
        return KeyState.RETIRED
    if key.not_before > now:
        return KeyState.PENDING
    return KeyState.ACTIVE if key == _newest(ring, key.alg, now) else KeyState.RETIRING


def active(ring: Sequence[SigningKey], alg: str, now: datetime) -> SigningKey:
    """The one key of `alg` to sign with.

    If the newest key was withdrawn, none is active: a superseded key does not come back.
    Raises KeyUnavailable if there is none, ValueError if `now` is naive.
    """
    require_aware(now)
    key = _newest(ring, alg, now)
    if key is None or (key.retire_at is not None and key.retire_at <= now):
        raise KeyUnavailable(f"no active {alg} key")
    return key


def published(ring: Sequence[SigningKey], now: datetime) -> tuple[SigningKey, ...]:
    """Every key that clients may meet or will meet: all but the retired, in the order of the ring.

    Raises ValueError if `now` is naive.
    """
    require_aware(now)
    return tuple(key for key in ring if key.retire_at is None or key.retire_at > now)


def of(ring: Sequence[SigningKey], alg: str) -> tuple[SigningKey, ...]:
    """The keys of one algorithm, in the order of the ring."""
    return tuple(key for key in ring if key.alg == alg)


def plan_rotation(
    ring: Sequence[SigningKey],
    alg: str,
    now: datetime,
    publish_ahead: timedelta,
    keep_after: timedelta,
    *,
    kid: str,
) -> tuple[SigningKey, ...]:
    """The ring with the next key of `alg`, and with the retirement of its elders set.

    kid: thumbprint of a freshly generated key. publish_ahead: at least as long as clients may cache the JWKS; zero to
    switch at `now`. keep_after: at least the longest life of a token, counted from the last signature of the old key.
    The first key of an algorithm is active at `now`: no client awaits it. With a publish_ahead of zero a pending key,
    which clients may know already, is brought forward, and `kid` is not in the answer.
    Raises RotationRefused for a negative duration, a kid already in the ring, or a rotation that is under way;
    ValueError if `now` is naive.
    """
    _refuse_nonsense(ring, kid, now, publish_ahead, keep_after)
    pending = _next(ring, alg, now)
    if pending is not None and publish_ahead:
        raise RotationRefused(f"a rotation of {alg} is under way")
    at = now + publish_ahead if of(published(ring, now), alg) else now
    successor = SigningKey(kid, alg, at) if pending is None else replace(pending, not_before=now)
    return _succeed(ring, successor, now, keep_after)


def plan_withdrawal(
    ring: Sequence[SigningKey],
    kid: str,
    now: datetime,
    publish_ahead: timedelta,
    keep_after: timedelta,
    *,
    successor_kid: str,
) -> tuple[SigningKey, ...]:
    """The ring after a compromise: the key `kid` is neither used nor published from `now` on.

    If it was active, the pending key takes its place at once, or a fresh key named `successor_kid` does. If it was
    pending, the fresh key is pending in its place, `publish_ahead` from now, and the active key stays until then. If it
    was retiring, no key succeeds it.
    Raises RotationRefused for a kid that is not in the ring or is retired, and what `plan_rotation` refuses.
    """
    _refuse_nonsense(ring, successor_kid, now, publish_ahead, keep_after)
    found = next((key for key in ring if key.kid == kid), None)
    if found is None:
        raise RotationRefused(f"key {kid} is not in the ring")
    current = state(found, ring, now)
    if current is KeyState.RETIRED:
        raise RotationRefused(f"key {kid} is retired already")
    rest = tuple(replace(key, retire_at=now) if key == found else key for key in ring)
    if current is KeyState.RETIRING:
        return rest
    pending = _next(rest, found.alg, now)
    if current is KeyState.PENDING:
        return _succeed(rest, SigningKey(successor_kid, found.alg, now + publish_ahead), now, keep_after)
    successor = SigningKey(successor_kid, found.alg, now) if pending is None else replace(pending, not_before=now)
    return _succeed(rest, successor, now, keep_after)


def plan_removal(ring: Sequence[SigningKey], now: datetime, retired_for: timedelta) -> tuple[SigningKey, ...]:
    """The ring without the keys that have been retired for so long. Raises ValueError if `now` is naive.

    The newest key of an algorithm stays: without it, one that it superseded could look active again.
    """
    require_aware(now)
    newest = {key.alg: _newest(ring, key.alg, now) for key in ring}
    return tuple(
        key for key in ring if key.retire_at is None or key.retire_at + retired_for > now or key == newest[key.alg]
    )


def due(ring: Sequence[SigningKey], now: datetime, max_age: timedelta, publish_ahead: timedelta) -> tuple[str, ...]:
    """Algorithms whose active key should have a successor published now, so that it is replaced at `max_age`.

    Raises ValueError if `now` is naive.
    """
    require_aware(now)
    return tuple(
        key.alg
        for key in ring
        if state(key, ring, now) is KeyState.ACTIVE
        and _next(ring, key.alg, now) is None
        and key.not_before + max_age <= now + publish_ahead
    )


def _refuse_nonsense(
    ring: Sequence[SigningKey], kid: str, now: datetime, publish_ahead: timedelta, keep_after: timedelta
) -> None:
    require_aware(now)
    if publish_ahead < timedelta(0) or keep_after < timedelta(0):
        raise RotationRefused("publish_ahead and keep_after cannot be negative")
    if any(key.kid == kid for key in ring):
        raise RotationRefused(f"key {kid} is in the ring already")


def _newest(ring: Sequence[SigningKey], alg: str, now: datetime) -> SigningKey | None:
    """The last key of `alg` whose use has begun; of two with one date, the higher kid, so that all workers agree.

    A key that was withdrawn before its first use never began: it supersedes nobody.
    """
    newest: SigningKey | None = None
    for key in ring:
        if key.alg != alg or key.not_before > now or (key.retire_at is not None and key.retire_at <= key.not_before):
            continue
        if newest is None or (key.not_before, key.kid) > (newest.not_before, newest.kid):
            newest = key
    return newest


def _next(ring: Sequence[SigningKey], alg: str, now: datetime) -> SigningKey | None:
    """The pending key of `alg` that comes first."""
    pending = [key for key in of(ring, alg) if state(key, ring, now) is KeyState.PENDING]
    return min(pending, key=lambda key: (key.not_before, key.kid), default=None)


def _succeed(
    ring: Sequence[SigningKey], successor: SigningKey, now: datetime, keep_after: timedelta
) -> tuple[SigningKey, ...]:
    """The ring with this successor (new, or with a new date) at the end or in its place."""
    changed = tuple(_succeeded(key, ring, successor, now, keep_after) for key in ring)
    return changed if any(key.kid == successor.kid for key in ring) else (*changed, successor)


def _succeeded(
    key: SigningKey, ring: Sequence[SigningKey], successor: SigningKey, now: datetime, keep_after: timedelta
) -> SigningKey:
    if key.kid == successor.kid:
        return successor
    if key.alg != successor.alg:
        return key
    current = state(key, ring, now)
    if current is KeyState.ACTIVE:
        return replace(key, retire_at=successor.not_before + keep_after)
    if current is KeyState.RETIRING and key.retire_at is None:
        return replace(key, retire_at=now + keep_after)
    return key
