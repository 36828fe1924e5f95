"""Sealing and verification of the audit trail."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from idp.domain.audit_chain import Fault, Mac, Recorded, Seal, Verifier, extend, personal_digest
from idp.errors import InvalidOperation
from idp.store import Database


def seal_next(db: Database, mac: Mac, now: datetime) -> int:
    """Number and chain the committed events that have no seal yet; returns how many.

    It reads only what is committed, so that logins never wait for one another. Of two sealers at once one works: they
    would give the same number twice. Each event is then a line of the log too, with its number and chain: kept
    elsewhere, such a line shows later that the end of the trail was cut off. Nothing is held while it is written.
    """
    with db.read() as tx:
        waiting = tx.audit.unsealed()
        seals = list(extend(mac, tx.audit.last_seal(), waiting, now))
    if not seals:
        return 0
    try:
        with db.write() as tx:
            tx.audit.seal(seals)
    except InvalidOperation:
        return 0
    for seal, recorded in zip(seals, waiting, strict=True):
        _log(seal, recorded)
    return len(seals)


def _log(seal: Seal, recorded: Recorded) -> None:
    event = recorded.event
    structlog.get_logger().info(
        "audit",
        number=seal.number,
        chain=seal.chain,
        event_id=recorded.event_id,
        at=recorded.at.isoformat(),
        name=event.name,
        actor=event.actor,
        subject=event.subject,
        client_id=event.client_id,
        outcome=event.outcome,
        detail=dict(event.detail),
        request_id=recorded.request_id,
    )


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification found. unsealed: events that wait for their seal."""

    faults: Sequence[Fault]
    last: Seal
    unsealed: int

    @property
    def is_sound(self) -> bool:
        return not self.faults


def verify(db: Database, mac: Mac, *, expected: tuple[int, str] | None = None) -> Report:
    """Walk the whole trail. expected: number and chain of a seal that was noted elsewhere."""
    verifier = Verifier(mac)
    faults: list[Fault] = []
    reached = expected is None
    with db.read() as tx:
        for seal, recorded in tx.audit.chained():
            faults.extend(verifier.walk([(seal, recorded)]))
            if expected and seal.number == expected[0]:
                reached = True
                if not hmac.compare_digest(seal.chain, expected[1]):
                    faults.append(
                        Fault(seal.number, "the chain is not the one that was noted: the trail was made anew")
                    )
        if not reached and expected:
            faults.append(Fault(expected[0], "this number was sealed once and is gone: the end was cut off"))
        number = verifier.last.number
        faults += [
            Fault(number, f"event {each.event_id} came too late to be sealed: it was inserted")
            for each in tx.audit.late()
        ]
        for event_id, digest, salt, values in tx.audit.personal_rows():
            if digest != personal_digest(salt, values):
                faults.append(Fault(number, f"the personal values of event {event_id} were altered"))
        return Report(faults, verifier.last, tx.audit.unsealed_count())
