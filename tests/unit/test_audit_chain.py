"""The chain of the audit trail, without a store."""

import hashlib
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from idp.domain.audit import AuditEvent
from idp.domain.audit_chain import START_OF_CHAIN, Fault, Recorded, Seal, Verifier, extend, personal_digest
from tests.fakes.clock import START


def mac(*parts: str) -> str:
    return hashlib.sha256("|".join(("key", *parts)).encode()).hexdigest()


def events(count: int) -> list[Recorded]:
    return [
        Recorded(f"event-{n}", START + timedelta(seconds=n), AuditEvent("client.created", "operator:a"))
        for n in range(count)
    ]


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
    sealed = list(extend(mac, None, events(2)))
    other = list(extend(lambda *parts: mac("other", *parts), None, events(2)))
    assert found(list(zip(sealed, events(2), strict=True))) == []
    assert found(list(zip(other, events(2), strict=True))) == [1, 2]


def test_a_chain_that_was_made_anew_from_an_event_on_does_not_end_as_it_did() -> None:
    original, altered = events(3), events(3)
    altered[0] = replace(altered[0], event=AuditEvent("client.created", "operator:b"))
    assert list(extend(mac, None, original))[-1].chain != list(extend(mac, None, altered))[-1].chain


def test_a_gap_is_a_fault_and_what_follows_is_judged_by_its_own_neighbour() -> None:
    rows = list(zip(extend(mac, None, events(5)), events(5), strict=True))
    verifier = Verifier(mac)
    assert list(verifier.walk([rows[0], *rows[2:]])) == [Fault(2, "the seal is missing: a row was deleted")]
    assert verifier.last == rows[-1][0]
    altered = replace(rows[3][1], request_id="other")
    assert found([rows[0], rows[1], (rows[2][0], None), (rows[3][0], altered), rows[4]]) == [3, 4]


@pytest.mark.parametrize("number", [0, -1])
def test_a_seal_below_one_is_a_fault_and_the_chain_goes_on_without_it(number: int) -> None:
    rows: list[tuple[Seal, Recorded | None]] = list(zip(extend(mac, None, events(2)), events(2), strict=True))
    kept_out = Seal(number, "event-9", START_OF_CHAIN)
    (fault,) = Verifier(mac).walk([(kept_out, events(1)[0]), *rows])
    assert fault == Fault(number, "numbers begin at 1: event event-9 was kept out of the chain")


def test_personal_values_are_digested_with_their_salt() -> None:
    values = {"network": "192.0.2.0/24", "browser": "Firefox"}
    assert personal_digest("a", values) == personal_digest("a", dict(reversed(values.items())))
    assert personal_digest("a", values) != personal_digest("b", values)
