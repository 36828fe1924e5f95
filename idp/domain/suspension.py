"""A method suspended for every service at once: until when, why, and which proofs count for nothing because of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from idp.domain.authn import Proof

LONGEST = timedelta(days=90)
MAX_REASON = 500  # characters


@dataclass(frozen=True, slots=True)
class MethodSuspension:
    """Begins when it is recorded, and ends by itself. ended_at: when an operator ended it earlier than `until`."""

    suspension_id: str
    method: str
    began_at: datetime
    until: datetime
    reason: str
    created_by: str
    ended_at: datetime | None = None
    ended_by: str | None = None

    @property
    def ends_at(self) -> datetime:
        return self.ended_at or self.until

    def is_in_force(self, now: datetime) -> bool:
        return now < self.ends_at


@dataclass(frozen=True, slots=True)
class Suspensions:
    """What all of them come to. ends: by method, when the last of its suspensions ends, or ended."""

    ends: Mapping[str, datetime] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, found: Iterable[MethodSuspension]) -> "Suspensions":
        ends: dict[str, datetime] = {}
        for each in found:
            ends[each.method] = max(each.ends_at, ends.get(each.method, each.ends_at))
        return cls(ends)

    def end(self, now: datetime, *methods: str | None) -> datetime | None:
        """When all of these methods may be used again; None if none of them is suspended now."""
        found = (self.ends[each] for each in methods if each and each in self.ends)
        return max((end for end in found if now < end), default=None)

    def void(self, proof: Proof) -> bool:
        """True for a proof that a method made, or its first factor, before its last suspension was over. It counts no
        more then either: what was wrong with the method may be how the proof came about.
        """
        return any(self.covers(method, proof.at) for method in (proof.method, proof.after) if method)

    def covers(self, method: str, at: datetime) -> bool:
        """True if what this method showed at an instant counts for nothing."""
        return method in self.ends and at < self.ends[method]


NONE = Suspensions()
