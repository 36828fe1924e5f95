"""The life of a signing key, computed from dates alone: pending → active → retiring → retired.

Nothing is switched by a job: every worker reads the same ring and the same clock, hence the same states.
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


def plan_rotation(
    ring: Sequence[SigningKey],
    alg: str,
    now: datetime,
    publish_ahead: timedelta,
    keep_after: timedelta,
    *,
    kid: str,
) -> tuple[SigningKey, tuple[SigningKey, ...]]:
    """The next key of `alg`, and the older keys whose retirement it sets.

    kid: thumbprint of the freshly generated key. publish_ahead: at least as long as clients may cache the JWKS.
    keep_after: at least the longest life of a token, counted from the last signature of the old key. Zero for both is
    the answer to a compromise: the old key stops being used and published at `now`, whatever was planned.
    Raises RotationRefused for a negative duration, a kid already in the ring, or a rotation that is under way;
    ValueError if `now` is naive.
    """
    if publish_ahead < timedelta(0) or keep_after < timedelta(0):
        raise RotationRefused("publish_ahead and keep_after cannot be negative")
    if any(key.kid == kid for key in ring):
        raise RotationRefused(f"key {kid} is in the ring already")
    same = [key for key in ring if key.alg == alg]
    if publish_ahead and any(state(key, ring, now) is KeyState.PENDING for key in same):
        raise RotationRefused(f"a rotation of {alg} is under way")
    new = SigningKey(kid=kid, alg=alg, not_before=now + publish_ahead)
    updates = (_succeeded(key, state(key, ring, now), now, new.not_before, keep_after) for key in same)
    return new, tuple(update for key, update in zip(same, updates, strict=True) if update != key)


def _newest(ring: Sequence[SigningKey], alg: str, now: datetime) -> SigningKey | None:
    """The last key of `alg` whose use has begun; of two with one date, the higher kid, so that all workers agree."""
    newest: SigningKey | None = None
    for key in ring:
        if key.alg != alg or key.not_before > now:
            continue
        if newest is None or (key.not_before, key.kid) > (newest.not_before, newest.kid):
            newest = key
    return newest


def _succeeded(
    key: SigningKey, current: KeyState, now: datetime, successor_at: datetime, keep_after: timedelta
) -> SigningKey:
    """The key with its retirement set: never later than it was."""
    if current is KeyState.ACTIVE:
        retire_at = successor_at + keep_after
        return key if key.retire_at is not None and key.retire_at <= retire_at else replace(key, retire_at=retire_at)
    if current is KeyState.RETIRING and key.retire_at is None:
        return replace(key, retire_at=now + keep_after)
    return key
