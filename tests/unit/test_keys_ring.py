"""The ring's states and rotations, as tables."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.ring import KeyState, RotationRefused, active, plan_rotation, published, state
from keys.signer import KeyUnavailable, SigningKey

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NAIVE = datetime(2026, 11, 21, 12, 0)  # noqa: DTZ001
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
ZERO = timedelta(0)


def key(kid="k", alg="RS256", not_before=NOW - 10 * DAY, retire_at=None):
    return SigningKey(kid=kid, alg=alg, not_before=not_before, retire_at=retire_at)


@pytest.mark.parametrize("call", [
    lambda: SigningKey("k", "RS256", NAIVE),
    lambda: SigningKey("k", "RS256", NOW, NAIVE),
    lambda: state(key(), [key()], NAIVE),
    lambda: active([key()], "RS256", NAIVE),
    lambda: active([], "RS256", NAIVE),
    lambda: published([key()], NAIVE),
    lambda: published([], NAIVE),
    lambda: plan_rotation([], "RS256", NAIVE, DAY, DAY, kid="n"),
    lambda: plan_rotation([key()], "RS256", NAIVE, ZERO, ZERO, kid="n"),
])  # fmt: skip
def test_naive_datetimes_are_refused(call):
    with pytest.raises(ValueError, match="naive"):
        call()


def test_a_key_cannot_retire_before_its_first_use():
    with pytest.raises(ValueError, match="before its first use"):
        key(not_before=NOW, retire_at=NOW - TICK)
    assert key(not_before=NOW, retire_at=NOW)


def test_a_key_of_another_ring_has_no_state():
    with pytest.raises(KeyUnavailable):
        state(key("a"), [key("b")], NOW)


OLD, NEW = key("old", not_before=NOW - 20 * DAY, retire_at=NOW + DAY), key("new", not_before=NOW - DAY)


@pytest.mark.parametrize(("subject", "others", "expected"), [
    (key(not_before=NOW + TICK), [], KeyState.PENDING),
    (key(not_before=NOW), [], KeyState.ACTIVE),
    (key(not_before=NOW - DAY, retire_at=NOW + TICK), [], KeyState.ACTIVE),
    (key(not_before=NOW - DAY, retire_at=NOW), [], KeyState.RETIRED),
    (OLD, [NEW], KeyState.RETIRING),
    (NEW, [OLD], KeyState.ACTIVE),
    (key("old", retire_at=NOW), [NEW], KeyState.RETIRED),
    (key("old"), [NEW], KeyState.RETIRING),  # no retirement planned: published until one is
    (OLD, [key("next", not_before=NOW + TICK)], KeyState.ACTIVE),  # a pending key supersedes nobody
    (OLD, [key("new", "ES256", not_before=NOW - DAY)], KeyState.ACTIVE),  # nor does a key of another algorithm
    (OLD, [key("new", not_before=NOW - DAY, retire_at=NOW)], KeyState.RETIRING),  # a superseded key does not come back
    (key("a", not_before=NOW), [key("b", not_before=NOW)], KeyState.RETIRING),  # same date: every worker agrees
    (key("b", not_before=NOW), [key("a", not_before=NOW)], KeyState.ACTIVE),
])  # fmt: skip
def test_state(subject, others, expected):
    assert state(subject, [subject, *others], NOW) is expected
    assert state(subject, [*others, subject], NOW) is expected


def test_the_active_key_is_the_newest_in_use():
    pending = key("next", not_before=NOW + DAY)
    assert active([OLD, NEW, pending], "RS256", NOW) == NEW
    assert active([OLD, NEW, pending], "RS256", NOW + DAY) == pending
    assert active([OLD, NEW, pending], "RS256", NOW - 2 * DAY) == OLD


@pytest.mark.parametrize("ring", [
    [],
    [key(alg="ES256")],
    [key(not_before=NOW + TICK)],
    [key(retire_at=NOW)],
    [OLD, key("new", not_before=NOW - DAY, retire_at=NOW)],
])  # fmt: skip
def test_no_active_key_is_an_error(ring):
    with pytest.raises(KeyUnavailable, match="RS256"):
        active(ring, "RS256", NOW)


def test_all_but_the_retired_are_published_in_the_order_of_the_ring():
    pending, gone = key("next", not_before=NOW + DAY), key("gone", retire_at=NOW)
    assert published([pending, gone, NEW, OLD], NOW) == (pending, NEW, OLD)


@pytest.mark.parametrize(("publish_ahead", "keep_after"), [(-TICK, DAY), (DAY, -TICK)])
def test_a_rotation_refuses_negative_durations(publish_ahead, keep_after):
    with pytest.raises(RotationRefused, match="negative"):
        plan_rotation([], "RS256", NOW, publish_ahead, keep_after, kid="n")


def test_a_rotation_refuses_a_kid_of_the_ring():
    with pytest.raises(RotationRefused, match="already"):
        plan_rotation([key("k", "ES256")], "RS256", NOW, DAY, DAY, kid="k")


def test_a_rotation_refuses_to_start_while_one_is_under_way():
    with pytest.raises(RotationRefused, match="under way"):
        plan_rotation([key(), key("next", not_before=NOW + TICK)], "RS256", NOW, DAY, DAY, kid="n")


def test_a_rotation_does_not_wait_for_another_algorithm():
    new, updates = plan_rotation([key("e", "ES256", not_before=NOW + DAY)], "RS256", NOW, DAY, DAY, kid="n")
    assert (new, updates) == (key("n", not_before=NOW + DAY), ())


def test_a_rotation_publishes_ahead_and_keeps_after():
    new, updates = plan_rotation([key()], "RS256", NOW, 2 * DAY, DAY, kid="n")
    assert new == key("n", not_before=NOW + 2 * DAY)
    assert updates == (key(retire_at=NOW + 3 * DAY),)


@pytest.mark.parametrize(("planned", "expected"), [(NOW + DAY, ()), (NOW + 9 * DAY, (key(retire_at=NOW + 3 * DAY),))])
def test_a_rotation_never_puts_a_retirement_off(planned, expected):
    _, updates = plan_rotation([key(retire_at=planned)], "RS256", NOW, 2 * DAY, DAY, kid="n")
    assert updates == expected


def test_a_rotation_sets_the_retirement_that_a_superseded_key_lacks():
    _, updates = plan_rotation([key("old"), NEW], "RS256", NOW, 2 * DAY, DAY, kid="n")
    assert updates == (
        key("old", retire_at=NOW + DAY),
        key("new", not_before=NEW.not_before, retire_at=NOW + 3 * DAY),
    )


def test_a_rotation_leaves_retiring_and_retired_keys_alone():
    ring = [key("gone", retire_at=NOW - DAY), OLD, NEW]
    _, updates = plan_rotation(ring, "RS256", NOW, DAY, DAY / 2, kid="n")
    assert [update.kid for update in updates] == ["new"]


def test_a_compromised_key_leaves_at_once_even_during_a_rotation():
    pending, leaked = key("next", not_before=NOW + DAY), key("leaked", retire_at=NOW + 5 * DAY)
    new, updates = plan_rotation([leaked, pending], "RS256", NOW, ZERO, ZERO, kid="n")
    ring = [*updates, pending, new]
    assert active(ring, "RS256", NOW) == new
    assert published(ring, NOW) == (pending, new)


ORDER = list(KeyState)
DATES = st.integers(min_value=-5, max_value=5).map(lambda days: NOW + days * DAY)


@st.composite
def rings(draw):
    starts = draw(st.lists(DATES, min_size=1, max_size=5))
    lives = [draw(st.none() | st.integers(min_value=0, max_value=6)) for _ in starts]
    return [
        key(str(i), draw(st.sampled_from(["RS256", "ES256"])), start, None if life is None else start + life * DAY)
        for i, (start, life) in enumerate(zip(starts, lives, strict=True))
    ]


@given(rings(), DATES, DATES)
def test_states_only_go_forward_and_one_key_at_most_is_active(ring, one, two):
    earlier, later = sorted((one, two))
    for each in ring:
        assert ORDER.index(state(each, ring, earlier)) <= ORDER.index(state(each, ring, later))
    actives = [each.alg for each in ring if state(each, ring, later) is KeyState.ACTIVE]
    assert len(actives) == len(set(actives))
    assert [active(ring, alg, later).alg for alg in actives] == actives
    assert set(published(ring, later)) == {each for each in ring if state(each, ring, later) is not KeyState.RETIRED}


@given(st.lists(st.integers(min_value=0, max_value=4), min_size=1, max_size=6))
def test_successive_rotations_never_leave_a_gap(waits):
    ring, now = [key("0")], NOW
    for i, wait in enumerate(waits, start=1):
        now += wait * DAY
        try:
            new, updates = plan_rotation(ring, "RS256", now, 2 * DAY, DAY, kid=str(i))
        except RotationRefused:
            continue
        by_kid = {update.kid: update for update in updates}
        ring = [*(by_kid.get(each.kid, each) for each in ring), new]
        assert new in published(ring, now)
        for hours in range(0, 24 * 10, 6):
            assert active(ring, "RS256", now + timedelta(hours=hours))
