"""What is about to run out: an authority, or its revocation list."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from idp.pki.authorities import common_name
from idp.pki.trust import CardTrust

LIMITS = (timedelta(days=7), timedelta(days=30), timedelta(days=60))


@dataclass(frozen=True, slots=True)
class Validity:
    """Of an authority, or of the list of one: since and until None where there is no list.

    within: the limit under which what is left has fallen; None while there is time.
    """

    kind: Literal["authority", "list"]
    name: str
    since: datetime | None
    until: datetime | None
    left: timedelta
    within: timedelta | None

    @property
    def is_over(self) -> bool:
        return self.left <= timedelta(0)

    @classmethod
    def of(
        cls, kind: Literal["authority", "list"], name: str, since: datetime, until: datetime, now: datetime
    ) -> "Validity":
        left = until - now
        return cls(kind, name, since, until, left, next((each for each in _limits(until - since) if left < each), None))


def validities(trust: CardTrust, now: datetime) -> Iterator[Validity]:
    """Of each authority, and of the last list of each where lists are asked: of several parts, the first to run out."""
    for authority in trust.authorities:
        name = common_name(authority)
        yield Validity.of("authority", name, authority.not_valid_before_utc, authority.not_valid_after_utc, now)
        if not trust.revocation.uses_lists:
            continue
        listed = [each for each in trust.revocation.lists(now) if each.authority == authority]
        if listed:
            first = min(listed, key=lambda each: each.until)
            yield Validity.of("list", name, first.since, first.until, now)
        else:
            yield Validity("list", name, None, None, timedelta(0), None)


def _limits(lasts: timedelta) -> tuple[timedelta, ...]:
    """A list of a week is always in its last 60 days: what lasts no longer than twice a limit is told of at a quarter
    of its time, by when its successor should have been there for long.
    """
    return tuple(each for each in LIMITS if 2 * each <= lasts) or (lasts / 4,)
