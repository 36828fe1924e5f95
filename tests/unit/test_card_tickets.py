"""Visas and tickets: what is not exactly what we wrote, for whom and when, is nothing."""

import base64
import json
import string
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.flows.card_tickets import LIFETIME, Visa, VisaForged, open_ticket, read_visa, seal_ticket, write_visa
from idp.pki import CardRefused
from keys.seal import DataKeys
from tests.fakes.clock import START

KEYS, OTHER_KEYS = DataKeys(b"s" * 48), DataKeys(b"t" * 48)
HANDLE, OTHER = "h" * 43, "i" * 43
NONCE, LATER = base64.b64encode(b"\xfb" * 32).decode(), base64.b64encode(b"\xfc" * 32).decode()
DER = bytes(range(256)) * 6


def visa(handle: str = HANDLE, nonce: str = NONCE) -> Visa:
    return read_visa(KEYS, write_visa(KEYS, handle, nonce, START))


def sealed(certificate: bytes | None = DER, **of: str) -> str:
    return seal_ticket(KEYS, visa(**of), certificate, START)


def refusal(
    ticket: str, *, keys: DataKeys = KEYS, handle: str = HANDLE, nonce: str = NONCE, after: timedelta = timedelta()
) -> str:
    with pytest.raises(CardRefused) as caught:
        open_ticket(keys, ticket, handle=handle, nonce=nonce, now=START + after)
    return caught.value.code


def test_a_visa_says_for_whom_it_is_and_until_when() -> None:
    found = visa()
    assert (found.handle, found.expires_at) == (HANDLE, START + LIFETIME)
    assert set(write_visa(KEYS, HANDLE, NONCE, START)) <= set(string.ascii_letters + string.digits + "-_.")


def test_each_part_of_a_visa_is_under_its_mac() -> None:
    good, other = (
        write_visa(KEYS, h, n, START + d).split(".")
        for h, n, d in ((HANDLE, NONCE, LIFETIME), (OTHER, LATER, -LIFETIME))
    )
    for place in range(4):
        with pytest.raises(VisaForged):
            read_visa(KEYS, ".".join([*good[:place], other[place], *good[place + 1 :]]))
    with pytest.raises(VisaForged):
        read_visa(OTHER_KEYS, ".".join(good))


@pytest.mark.parametrize(
    "text",
    ["", "...", "a.b.c.d", "a", "a.b.c.d.e", f"{HANDLE}.x.9.{'0' * 64}", "é.é.é.é", "." * 500, "\udcff...", "a.b.x."],
)
def test_what_is_no_visa_is_refused(text: str) -> None:
    with pytest.raises(VisaForged):
        read_visa(KEYS, text)


def test_a_part_that_moves_into_its_neighbour_is_refused() -> None:
    handle, nonce, until, mac = write_visa(KEYS, HANDLE, NONCE, START).split(".")
    with pytest.raises(VisaForged):
        read_visa(KEYS, ".".join((handle + nonce[:1], nonce[1:], until, mac)))


@given(st.text(max_size=300))
def test_whatever_is_asked_for_is_no_visa(text: str) -> None:
    with pytest.raises(VisaForged):
        read_visa(KEYS, text)


def test_a_ticket_opens_for_its_login_and_nonce() -> None:
    assert open_ticket(KEYS, sealed(), handle=HANDLE, nonce=NONCE, now=START) == DER
    assert open_ticket(KEYS, sealed(None), handle=HANDLE, nonce=NONCE, now=START) is None
    assert open_ticket(KEYS, sealed(b""), handle=HANDLE, nonce=NONCE, now=START) == b"", "not the same as none"


def test_a_ticket_of_another_login_does_not_open() -> None:
    assert refusal(sealed(handle=OTHER)) == "ticket_malformed"
    assert refusal(sealed(), handle=OTHER) == "ticket_malformed"
    assert refusal(sealed(), keys=OTHER_KEYS) == "ticket_malformed"


def test_a_ticket_of_another_nonce_is_over() -> None:
    assert refusal(sealed(), nonce=LATER) == "ticket_expired"
    assert refusal(sealed(None), nonce=LATER) == "ticket_expired"


@pytest.mark.parametrize(("age", "is_good"), [(LIFETIME - timedelta(seconds=1), True), (LIFETIME, False)])
def test_a_ticket_lives_five_minutes(age: timedelta, is_good: bool) -> None:
    if is_good:
        assert open_ticket(KEYS, sealed(), handle=HANDLE, nonce=NONCE, now=START + age) == DER
    else:
        assert refusal(sealed(), after=age) == "ticket_expired"


def test_what_something_else_sealed_is_no_ticket() -> None:
    content = json.dumps({"nonce": NONCE, "at": START.isoformat(), "certificate": None}).encode()
    for purpose in ("card ticket", f"card ticket:{OTHER}", f"visa:{HANDLE}"):
        other = base64.urlsafe_b64encode(KEYS.seal(content, purpose=purpose)).decode()
        assert refusal(other) == "ticket_malformed"


@pytest.mark.parametrize("text", ["", "x", "=", "é", "A" * 400, "\u0000", "a b", "😀"])
def test_what_is_no_ticket_is_refused(text: str) -> None:
    assert refusal(text) == "ticket_malformed"


def test_a_ticket_that_was_changed_anywhere_does_not_open() -> None:
    good = sealed()
    for place in range(0, len(good) - 1, 7):
        other = "A" if good[place] != "A" else "B"
        assert refusal(good[:place] + other + good[place + 1 :]) == "ticket_malformed"
    assert refusal(good[:-4]) == "ticket_malformed"


def test_a_ticket_says_nothing_to_who_reads_it() -> None:
    raw = base64.urlsafe_b64decode(sealed() + "==")
    assert DER not in raw
    assert NONCE.encode() not in raw
    assert sealed() != sealed()
