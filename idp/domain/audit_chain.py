"""How audit events are chained, so that a change to one of them shows."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from idp.domain.audit import AuditEvent

START_OF_CHAIN = "0" * 64
# Longer than any unit of work lasts; an event that comes later still was put in afterwards.
LATE = timedelta(minutes=10)
Mac = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it was written. personal_digest: of the personal values beside it, which may be purged."""

    event_id: str
    at: datetime
    event: AuditEvent
    request_id: str | None = None
    personal_digest: str | None = None

    def canonical(self) -> str:
        """One text for what must never change, the same on every database."""
        event = self.event
        return json.dumps(
            [
                self.event_id,
                self.at.astimezone(UTC).isoformat(timespec="microseconds"),
                event.name,
                event.actor,
                event.subject,
                event.client_id,
                event.outcome,
                dict(event.detail),
                self.request_id,
                self.personal_digest,
            ],
            sort_keys=True,
            ensure_ascii=False,
            separators=(",", ":"),
        )


@dataclass(frozen=True, slots=True)
class Seal:
    """The place of an event in the chain. Numbers begin at 1 and have no gap; the chain does not hold sealed_at."""

    number: int
    event_id: str
    chain: str
    sealed_at: datetime


def personal_digest(salt: str, values: Mapping[str, str]) -> str:
    """SHA-256, hex; the salt (128 random bits or more) is deleted with the values: nobody can guess them then."""
    text = json.dumps(dict(values), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{salt}:{text}".encode()).hexdigest()


def link(mac: Mac, earlier: str, number: int, recorded: Recorded) -> str:
    """The chain value of an event: keyed, so that who can write to the database alone cannot make it anew."""
    return mac("audit-seal", earlier, str(number), recorded.canonical())


def extend(mac: Mac, last: Seal | None, events: Iterable[Recorded], now: datetime) -> Iterator[Seal]:
    """The seals of these events, after the last one, made now."""
    number, chain = (last.number, last.chain) if last else (0, START_OF_CHAIN)
    for recorded in events:
        number += 1
        chain = link(mac, chain, number, recorded)
        yield Seal(number, recorded.event_id, chain, now)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the trail, and where: at this number of the chain."""

    number: int
    what: str


class Verifier:
    """Walks the chain from its start; keeps going after a fault, so that one altered row does not hide another."""

    def __init__(self, mac: Mac) -> None:
        self._mac, self._latest = mac, datetime.fromtimestamp(0, UTC)
        self._last = Seal(0, "", START_OF_CHAIN, self._latest)

    @property
    def last(self) -> Seal:
        return self._last

    def walk(self, rows: Iterable[tuple[Seal, Recorded | None]]) -> Iterator[Fault]:
        """rows: seals by number, with their events, None for one that is gone."""
        for seal, recorded in rows:
            if seal.number < 1:  # and the chain goes on as if it were not there
                yield Fault(seal.number, f"numbers begin at 1: event {seal.event_id} was kept out of the chain")
                continue
            earlier = self._last
            if seal.number != earlier.number + 1:
                yield Fault(earlier.number + 1, "the seal is missing: a row was deleted")
            elif recorded is None:
                yield Fault(seal.number, f"event {seal.event_id} is missing: it was deleted")
            elif link(self._mac, earlier.chain, seal.number, recorded) != seal.chain:
                yield Fault(seal.number, f"event {seal.event_id} is not what was sealed: altered, inserted or moved")
            elif recorded.at < self._latest - LATE:
                yield Fault(seal.number, f"event {seal.event_id} came too late, and was sealed: it was inserted")
            else:
                # The earlier: of a clock that ran ahead, the event's or the sealer's, nothing honest is late.
                self._latest = max(self._latest, min(recorded.at, seal.sealed_at))
            self._last = seal
