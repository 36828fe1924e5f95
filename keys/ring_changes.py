"""How a ring changes, whatever holds its keys."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, Self

from keys.ring import plan_rotation, plan_withdrawal
from keys.ring_file import Ring


class _OfAlgorithm(Protocol):
    @property
    def alg(self) -> str: ...


class RingChanges(ABC):
    """The part of `keys.signer.Keyring` that back ends share."""

    def rotate(self, alg: str, *, now: datetime, publish_ahead: timedelta, keep_after: timedelta) -> Self:
        """Make the next key of an algorithm and set the retirement of its elders: see `ring.plan_rotation`.

        Raises RotationRefused, UnfitKey for an unknown algorithm, UnsafeKeyFile, ValueError if `now` is naive.
        """

        def plan(current: Ring, fresh_kid: str) -> Ring:
            return plan_rotation(current, alg, now, publish_ahead, keep_after, kid=fresh_kid)

        return self._extend(alg, plan)

    def withdraw(self, kid: str, *, now: datetime, publish_ahead: timedelta, keep_after: timedelta) -> Self:
        """Stop using and publishing a key that others may have: see `ring.plan_withdrawal`.

        Raises KeyUnavailable if the kid is not in the ring, RotationRefused, UnsafeKeyFile, ValueError for a naive now.
        """

        def plan(current: Ring, fresh_kid: str) -> Ring:
            return plan_withdrawal(current, kid, now, publish_ahead, keep_after, successor_kid=fresh_kid)

        return self._extend(self._find(kid).alg, plan)

    @abstractmethod
    def _extend(self, alg: str, plan: Callable[[Ring, str], Ring]) -> Self:
        """Write the ring that is planned, and a fresh key if it is in there. Raises UnfitKey."""

    @abstractmethod
    def _find(self, kid: str) -> _OfAlgorithm:
        """Raises KeyUnavailable."""
