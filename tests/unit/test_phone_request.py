"""Requests to approve a login on a phone: states, QR codes, numbers and short codes."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.phone_request import (
    CODE_LETTERS,
    GRACE,
    LIFETIME,
    MAX_WRONG,
    Approval,
    PhoneRequest,
    RequestRefused,
    State,
    clean_code,
    new_code,
    new_request_id,
    read_token,
    require_window,
    shown_code,
    token_of,
)
from keys.seal import DataKeys

NOW = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
HERS, ANOTHER = "her phone", "another phone"
BY = Approval("credential", "account", "anne.pierre", ("hwk", "user", "mfa"))
OURS, THEIRS = DataKeys(b"k" * 32).mac, DataKeys(b"x" * 32).mac


def opened(**changes: object) -> PhoneRequest:
    request = PhoneRequest(
        id=new_request_id(),
        interaction="interaction",
        client_id="rp",
        service="ROR",
        user_agent="Firefox",
        network="192.0.2.0/24",
        place="192.0.2.7/32",
        same_network=False,
        opened_at=NOW,
    )
    return replace(request, **changes)  # type: ignore[arg-type]


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(RequestRefused) as refused:
        act()
    return refused.value.code


def answered(request: PhoneRequest, typed: str = "11", *, phone: str = HERS, at: datetime = NOW) -> PhoneRequest:
    return request.answered(phone, request.challenge or "", typed, at)


def other_than(number: str | None) -> str:
    return "11" if number != "11" else "12"


# -- refusals ----------------------------------------------------------------------------


def test_a_second_phone_is_refused() -> None:
    scanned = opened().scanned(HERS, NOW)
    assert code_of(lambda: scanned.scanned(ANOTHER, NOW)) == "scanned"
    assert code_of(lambda: answered(scanned, phone=ANOTHER)) == "scanned"
    assert code_of(lambda: scanned.approved(ANOTHER, BY, NOW)) == "scanned"
    assert code_of(lambda: scanned.refused(ANOTHER, NOW)) == "scanned"


def test_nothing_is_answered_before_it_was_scanned() -> None:
    for act in (lambda: opened().approved(HERS, BY, NOW), lambda: opened().refused(HERS, NOW)):
        assert code_of(act) == "scanned"


@pytest.mark.parametrize("late", [LIFETIME, LIFETIME + GRACE], ids=["at its end", "in the grace"])
def test_what_has_expired_is_neither_scanned_nor_answered(late: timedelta) -> None:
    pending, scanned = opened(), opened().scanned(HERS, NOW)
    assert code_of(lambda: pending.scanned(HERS, NOW + late)) == "expired"
    assert code_of(lambda: scanned.scanned(HERS, NOW + late)) == "expired"
    assert code_of(lambda: scanned.approved(HERS, BY, NOW + late)) == "expired"
    assert code_of(lambda: scanned.refused(HERS, NOW + late)) == "expired"
    assert code_of(lambda: answered(scanned, at=NOW + late)) == "expired"
    assert code_of(lambda: answered(scanned, phone=ANOTHER, at=NOW + late)) == "expired"


def test_what_is_over_stays_over() -> None:
    scanned = opened().scanned(HERS, NOW)
    done = scanned.approved(HERS, BY, NOW)
    assert code_of(lambda: done.taken().approved(HERS, BY, NOW)) == "approved"
    assert code_of(done.taken().taken) == "taken"
    assert done.taken().approval is None
    assert code_of(scanned.taken) == "scanned"
    for over in (done, scanned.refused(HERS, NOW)):
        assert code_of(lambda over=over: over.scanned(HERS, NOW)) == over.state.value  # type: ignore[misc]
        assert code_of(lambda over=over: over.approved(HERS, BY, NOW)) == over.state.value  # type: ignore[misc]
        assert code_of(lambda over=over: over.refused(HERS, NOW)) == over.state.value  # type: ignore[misc]
        assert over.state_at(NOW + LIFETIME) is over.state


def test_the_third_wrong_number_ends_it() -> None:
    request = opened().scanned(HERS, NOW)
    wrong = other_than(request.number)
    for _ in range(MAX_WRONG - 1):
        request = answered(request, wrong)
        assert request.state is State.SCANNED
    assert answered(request, wrong).state is State.REFUSED


def test_an_answer_spends_the_challenge_right_or_wrong() -> None:
    request = opened().scanned(HERS, NOW)
    for typed in (request.number or "", other_than(request.number)):
        assert answered(request, typed).challenge != request.challenge


def test_what_answers_a_page_of_before_changes_nothing() -> None:
    request = opened().scanned(HERS, NOW)
    later = answered(request)
    for challenge in (request.challenge or "", "", "é"):
        assert code_of(lambda challenge=challenge: later.answered(HERS, challenge, "11", NOW)) == "busy"  # type: ignore[misc]


@pytest.mark.parametrize("typed", ["", "4", "474", "quarante-sept", "٤٧", "4 7 "])
def test_what_is_another_number(typed: str) -> None:
    assert opened(number="47").has_number(typed) == (typed == "4 7 ")
    assert not opened().has_number(typed)


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b.c", "0" * 32 + ".0." + "0" * 32, "é" * 80, "0" * 5000, "0" * 32 + ".٠." + "0" * 32],
    ids=["empty", "short", "three parts", "forged", "not ASCII", "long", "Arabic digits"],
)
def test_what_we_did_not_draw_is_foreign(token: str) -> None:
    assert code_of(lambda: read_token(token, OURS)) == "foreign"


def test_a_token_of_another_providers_key_is_foreign() -> None:
    assert code_of(lambda: read_token(token_of(opened(), NOW, THEIRS), OURS)) == "foreign"


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_token_that_was_altered_is_foreign(part: int) -> None:
    parts = token_of(opened(), NOW, OURS).split(".")
    parts[part] = ("1" if parts[part][0] != "1" else "2") + parts[part][1:]
    assert code_of(lambda: read_token(".".join(parts), OURS)) == "foreign"


WINDOWS = {
    "at once": (0, 0, True),
    "the one before": (0, 59, True),
    "a photograph": (0, 60, False),
    "late": (29, 59, True),
    "just before": (35, 89, True),
    "too late": (35, 90, False),
    "a clock behind": (40, 10, True),
    "far behind": (70, 10, False),
}


@pytest.mark.parametrize(("drawn", "read", "is_good"), WINDOWS.values(), ids=WINDOWS)
def test_the_qr_code_of_now_and_its_neighbours_count(drawn: int, read: int, is_good: bool) -> None:
    """Only the clocks of servers are asked, never the phone's."""
    request = opened()
    _, window = read_token(token_of(request, NOW + timedelta(seconds=drawn), OURS), OURS)
    at = NOW + timedelta(seconds=read)
    if is_good:
        require_window(request, window, at)
    else:
        assert code_of(lambda: require_window(request, window, at)) == "expired"


@pytest.mark.parametrize("typed", ["", "BCDF", "BCDF-GHJKL", "BCDF-GHJ1", "ABCD-EFGH", "B" * 200])
def test_what_is_no_short_code(typed: str) -> None:
    assert clean_code(typed) is None


# -- what it does ------------------------------------------------------------------------


def test_scanning_draws_the_number_and_the_challenge() -> None:
    request = opened()
    assert (request.number, request.challenge, request.phone) == (None, None, None)
    scanned = request.scanned(HERS, NOW)
    assert scanned.state is State.SCANNED
    assert scanned.number
    assert 10 <= int(scanned.number) <= 99
    assert scanned.challenge
    assert scanned.scanned(HERS, NOW) is scanned


def test_approved_at_the_last_moment_it_is_still_taken() -> None:
    at = NOW + LIFETIME - timedelta(seconds=1)
    approved = opened(same_network=True).scanned(HERS, NOW).approved(HERS, BY, at)
    assert approved.approval == replace(BY, same_network=True)
    assert approved.state_at(NOW + LIFETIME) is State.APPROVED
    assert approved.kept_until > at + timedelta(seconds=30)


def test_a_server_whose_clock_is_behind_draws_the_first_one() -> None:
    assert opened().window(NOW - timedelta(seconds=5)) == 0


@given(code=st.text(CODE_LETTERS, min_size=8, max_size=8))
def test_a_short_code_is_read_as_it_is_shown(code: str) -> None:
    assert clean_code(shown_code(code)) == code
    assert clean_code(f" {shown_code(code).lower().replace('-', '–')} ") == code


def test_short_codes_differ_and_are_of_the_alphabet() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert set("".join(codes)) <= set(CODE_LETTERS)


def test_it_survives_the_store() -> None:
    scanned = opened().scanned(HERS, NOW)
    for request in (opened(), scanned, scanned.approved(HERS, BY, NOW), scanned.refused(HERS, NOW)):
        kept = json.loads(json.dumps(request.to_json()))
        assert PhoneRequest.from_json(request.id, 3, kept) == replace(request, version=3)


def test_nothing_that_opens_anything_is_in_its_repr() -> None:
    scanned = opened(interaction="secret handle").scanned(HERS, NOW)
    shown = repr(scanned)
    for secret in (scanned.challenge, f"number='{scanned.number}'", HERS, "secret handle"):
        assert str(secret) not in shown
