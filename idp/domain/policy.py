"""What a client accepts as a login, from which date. Append-only: a new policy supersedes, nothing is edited."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from idp.domain.authn import Assurance, Proof
from idp.domain.suspension import NONE, Suspensions

PRIOR_LOGIN = "requires_prior_login"  # option of a federation: only after a login by means of the account's own

# By method: options that a proof must have been made under. One of a service that asks less does not do where they are.
CONDITIONS: Mapping[str, Mapping[str, str]] = {"qr_code": {"same_network": "yes", "approval": "passkey"}}


@dataclass(frozen=True, slots=True)
class Option:
    """A value that a policy may set for a method: a whole number of a range, or one of some words."""

    default: int | str
    allowed: range | tuple[str, ...]

    def accepts(self, value: object) -> bool:
        return type(value) is type(self.default) and value in self.allowed

    def read(self, text: str) -> int | str:
        """The value that a text stands for; the text itself if it cannot be one."""
        is_number = isinstance(self.default, int) and text.isascii() and text.isdigit() and len(text) < 10
        return int(text) if is_number else text

    def __str__(self) -> str:
        if isinstance(self.allowed, range):
            return f"{self.allowed[0]} to {self.allowed[-1]}"
        return " or ".join(self.allowed)


Options = Mapping[str, Option]


def settle(options: Options, given: Mapping[str, Any]) -> dict[str, Any]:
    """The value of each option. What is no longer accepted since the policy was recorded counts as not given."""
    return {
        name: given[name] if name in given and option.accepts(given[name]) else option.default
        for name, option in options.items()
    }


@dataclass(frozen=True, slots=True)
class MethodEntry:
    """One accepted method. `after`: the method that the driver runs before it, as a first factor."""

    id: str
    after: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def wants_prior_login(self) -> bool:
        return self.options.get(PRIOR_LOGIN) == "yes"

    def is_due(self, signed_in_at: datetime | None) -> bool:
        """False while it wants a login by the account's own means, and there was none (`Account.signed_in_at`)."""
        return signed_in_at is not None or not self.wants_prior_login

    @property
    def conditions(self) -> frozenset[str]:
        known = CONDITIONS.get(self.id, {})
        return frozenset(f"{name}={value}" for name, value in known.items() if self.options.get(name) == value)

    def matches(self, proof: Proof) -> bool:
        """True if `proof` was made by this entry's method, its first factor included, under its conditions."""
        if proof.method == self.id and not self.conditions <= frozenset(proof.held):
            return False
        if self.after is None:
            return self.id in (proof.method, proof.after)
        return proof.method == self.id and proof.after == self.after


@dataclass(frozen=True, slots=True)
class Policy:
    """The accepted methods of one client, the preferred one first, in force from `effective_from`.

    suspended: entries that are left out for a while, each with the end of that; suspensions: because of which, and by
    which earlier proofs are judged. See `under`.
    """

    policy_id: str
    client_id: str
    effective_from: datetime
    methods: tuple[MethodEntry, ...]
    min_assurance: Assurance = Assurance.LOW
    max_age: timedelta | None = None
    notice: str | None = None
    created_by: str = ""
    created_at: datetime | None = None
    reason: str = ""
    cancelled_at: datetime | None = None
    suspended: tuple[tuple[MethodEntry, datetime], ...] = ()
    suspensions: Suspensions = NONE

    def entry(self, method_id: str) -> MethodEntry | None:
        return next((entry for entry in self.methods if entry.id == method_id), None)

    def accepts(self, proof: Proof) -> bool:
        """The proof's method is on the list and its assurance is enough. Says nothing of its age, but that no
        suspension made it void.
        """
        is_listed = any(entry.matches(proof) for entry in self.methods)
        return is_listed and proof.assurance >= self.min_assurance and not self.suspensions.void(proof)

    def under(self, suspensions: Suspensions, now: datetime) -> "Policy":
        """As it is now: without the entries whose method, or first factor, is suspended."""
        if not suspensions.ends:
            return self
        ends = [(entry, suspensions.end(now, entry.id, entry.after)) for entry in self.methods]
        return replace(
            self,
            methods=tuple(entry for entry, end in ends if end is None),
            suspended=tuple((entry, end) for entry, end in ends if end is not None),
            suspensions=suspensions,
        )

    @property
    def whole(self) -> "Policy":
        """As it was recorded, but for the order: with what is suspended."""
        return replace(self, methods=(*self.methods, *(entry for entry, _ in self.suspended)), suspended=())

    def within(self, only_after: Mapping[str, str]) -> "Policy":
        """Without the entries that `problems` would refuse for `only_after`: they were recorded by other rules."""
        kept = tuple(entry for entry in self.methods if not breaks(entry, only_after))
        suspended = tuple(each for each in self.suspended if not breaks(each[0], only_after))
        is_same = (kept, suspended) == (self.methods, self.suspended)
        return self if is_same else replace(self, methods=kept, suspended=suspended)

    def problems(
        self,
        reach: Mapping[str, Assurance],
        first_factors: frozenset[str],
        options: Mapping[str, Options],
        only_after: Mapping[str, str] = MappingProxyType({}),
    ) -> list[str]:
        """What forbids this policy. `reach`: method id → highest assurance, of the methods that are enabled;
        `options`: method id → what a policy may set for it; `only_after`: method id → the first factor that it never
        goes without.
        """
        found = []
        if not self.methods:
            found.append("at least one method is needed")
        if len({entry.id for entry in self.methods}) != len(self.methods):
            found.append("a method stands once on the list")
        for entry in self.methods:
            if entry.id not in reach:
                found.append(f"unknown method: {entry.id}")
            if entry.after is not None and (entry.after not in first_factors or entry.after == entry.id):
                found.append(f"{entry.after} cannot be a first factor of {entry.id}")
            if breaks(entry, only_after):
                found.append(f"{entry.id}: only after {only_after.get(entry.id, 'what it goes with')}")
            found.extend(_option_problems(entry, options.get(entry.id, {})))
        if self.methods and all(entry.wants_prior_login for entry in self.methods):
            found.append("every method of the list wants a login by another one before: nobody could begin")
        if not found and all(entry_reach(entry, reach) < self.min_assurance for entry in self.methods):
            found.append(f"no method of the list reaches {self.min_assurance.name}: nobody could sign in")
        return found


def breaks(entry: MethodEntry, only_after: Mapping[str, str]) -> bool:
    """True if a method of the entry would run without the first factor that it never goes without."""
    return entry.after != only_after.get(entry.id, entry.after) or entry.after in only_after


def _option_problems(entry: MethodEntry, options: Options) -> list[str]:
    unknown = sorted(entry.options.keys() - options.keys())
    found = [f"{entry.id}: unknown option: {', '.join(unknown)}"] if unknown else []
    for name, value in entry.options.items():
        if name in options and not options[name].accepts(value):
            found.append(f"{entry.id}: {name} is {options[name]}, not {value}")
    return found


def entry_reach(entry: MethodEntry, reach: Mapping[str, Assurance]) -> Assurance:
    """The highest assurance that a proof by this entry can have; two factors give MEDIUM at least."""
    own = reach[entry.id]
    return own if entry.after is None else max(own, reach[entry.after], Assurance.MEDIUM)


def able(entries: Iterable[MethodEntry], floor: Assurance, reach: Mapping[str, Assurance]) -> tuple[MethodEntry, ...]:
    """The entries that can reach `floor`, of the methods that are enabled."""
    enabled = [e for e in entries if e.id in reach and (e.after is None or e.after in reach)]
    return tuple(entry for entry in enabled if entry_reach(entry, reach) >= floor)


def in_force(policies: Sequence[Policy], now: datetime) -> Policy | None:
    """The last policy whose instant has passed and that was not cancelled."""
    past = [p for p in policies if p.effective_from <= now and p.cancelled_at is None]
    return max(past, key=lambda p: p.effective_from, default=None)
