"""The chain of the audit trail, without a store."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from idp.domain.audit import AuditEvent
from idp.domain.audit_chain import LATE, START_OF_CHAIN, Fault, Recorded, Seal, Verifier, extend, personal_digest
from tests.fakes.clock import START

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def mac(*parts: str) -> str:
    return hashlib.sha256("|".join(("key", *parts)).encode()).hexdigest()


def events(count: int) -> list[Recorded]:
    return [
        Recorded(f"event-{n}", START + timedelta(seconds=n), AuditEvent("client.created", "operator:a"))
        for n in range(count)
    ]


def at(*instants: datetime) -> list[Recorded]:
    return [
        Recorded(f"event-{n}", instant, AuditEvent("client.created", "operator:a"))
        for n, instant in enumerate(instants)
    ]


def turns(*pairs: tuple[datetime, datetime]) -> list[tuple[Seal, Recorded | None]]:
    """A chain of events of the first instants, sealed at the second."""
    rows: list[tuple[Seal, Recorded | None]] = []
    last: Seal | None = None
    for recorded, (_, sealed_at) in zip(at(*(instant for instant, _ in pairs)), pairs, strict=True):
        (last,) = extend(mac, last, [recorded], sealed_at)
        rows.append((last, recorded))
    return rows


def found(rows: list[tuple[Seal, Recorded | None]]) -> list[int]:
    return [fault.number for fault in Verifier(mac).walk(rows)]


def test_the_text_of_an_event_says_everything_of_it() -> None:
    recorded = Recorded("id", START, AuditEvent("client.created", "operator:é", detail={"b": "1", "a": "2"}), "r", "d")
    assert recorded.canonical() == (
        f'["id","{START.isoformat(timespec="microseconds")}","client.created","operator:é",null,null,"ok",'
        '{"a":"2","b":"1"},"r","d"]'
    )


def test_the_instant_is_the_same_text_in_every_zone() -> None:
    recorded = events(1)[0]
    paris = recorded.at.astimezone(timezone(timedelta(hours=1)))
    assert replace(recorded, at=paris).canonical() == recorded.canonical()


def test_the_chain_needs_the_key() -> None:
    sealed = list(extend(mac, None, events(2), START))
    other = list(extend(lambda *parts: mac("other", *parts), None, events(2), START))
    assert found(list(zip(sealed, events(2), strict=True))) == []
    assert found(list(zip(other, events(2), strict=True))) == [1, 2]


def test_a_chain_that_was_made_anew_from_an_event_on_does_not_end_as_it_did() -> None:
    original, altered = events(3), events(3)
    altered[0] = replace(altered[0], event=AuditEvent("client.created", "operator:b"))
    assert list(extend(mac, None, original, START))[-1].chain != list(extend(mac, None, altered, START))[-1].chain


def test_a_gap_is_a_fault_and_what_follows_is_judged_by_its_own_neighbour() -> None:
    rows = list(zip(extend(mac, None, events(5), START), events(5), strict=True))
    verifier = Verifier(mac)
    assert list(verifier.walk([rows[0], *rows[2:]])) == [Fault(2, "the seal is missing: a row was deleted")]
    assert verifier.last == rows[-1][0]
    altered = replace(rows[3][1], request_id="other")
    assert found([rows[0], rows[1], (rows[2][0], None), (rows[3][0], altered), rows[4]]) == [3, 4]


def test_an_event_that_was_sealed_long_after_its_instant_is_a_fault() -> None:
    walked_back = turns(*((START - turn * (LATE - SECOND), START) for turn in range(3)))
    (fault,) = Verifier(mac).walk(walked_back)
    assert fault == Fault(3, "event event-2 came too late, and was sealed: it was inserted")


def test_what_the_verifier_reached_lasts_from_one_part_of_the_walk_to_the_next() -> None:
    verifier = Verifier(mac)
    rows = turns((START, START), (START - LATE, START), (START - LATE - SECOND, START))
    assert [[fault.number for fault in verifier.walk([row])] for row in rows] == [[], [], [3]]


def test_an_altered_instant_of_the_last_seal_hides_no_late_event() -> None:
    long_ago = START.replace(year=2001)
    assert found(turns((START, START), (START + SECOND, long_ago), (START - 9 * HOUR, START))) == [3]


@pytest.mark.parametrize(
    ("instant", "sealed_at"),
    [(START + HOUR, START), (START, START + HOUR)],
    ids=["the clock of the event ran ahead", "the clock of the sealer ran ahead, or it was away"],
)
def test_a_clock_that_ran_ahead_makes_no_honest_event_late(instant: datetime, sealed_at: datetime) -> None:
    assert found(turns((START, START), (instant, sealed_at), (START + SECOND, START + SECOND))) == []


def test_an_event_that_is_not_what_was_sealed_makes_none_late() -> None:
    rows = turns((START, START + HOUR), (START, START + HOUR), (START, START + HOUR))
    (altered,) = at(START + HOUR)
    assert found([rows[0], (rows[1][0], altered), rows[2]]) == [2]


@pytest.mark.parametrize("number", [0, -1])
def test_a_seal_below_one_is_a_fault_and_the_chain_goes_on_without_it(number: int) -> None:
    rows: list[tuple[Seal, Recorded | None]] = list(zip(extend(mac, None, events(2), START), events(2), strict=True))
    kept_out = Seal(number, "event-9", START_OF_CHAIN, START)
    (fault,) = Verifier(mac).walk([(kept_out, events(1)[0]), *rows])
    assert fault == Fault(number, "numbers begin at 1: event event-9 was kept out of the chain")


def test_personal_values_are_digested_with_their_salt() -> None:
    values = {"network": "192.0.2.0/24", "browser": "Firefox"}
    assert personal_digest("a", values) == personal_digest("a", dict(reversed(values.items())))
    assert personal_digest("a", values) != personal_digest("b", values)
