"""The ring's states and rotations, as tables."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.ring import (
    KeyState,
    RotationRefused,
    active,
    due,
    plan_removal,
    plan_rotation,
    plan_withdrawal,
    published,
    state,
)
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
    lambda: plan_withdrawal([key()], "k", NAIVE, DAY, DAY, successor_kid="n"),
    lambda: plan_removal([key()], NAIVE, DAY),
    lambda: plan_removal([], NAIVE, DAY),
    lambda: due([], NAIVE, DAY, DAY),
])  # fmt: skip
def test_naive_datetimes_are_refused(call):
    with pytest.raises(ValueError, match="naive"):
        call()


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
    (key("gone", not_before=NOW - DAY, retire_at=NOW - 2 * DAY), [], KeyState.RETIRED),  # withdrawn while pending:
    (OLD, [key("gone", not_before=NOW - DAY, retire_at=NOW - 2 * DAY)], KeyState.ACTIVE),  # it supersedes nobody
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
@pytest.mark.parametrize("plan", [
    lambda *durations: plan_rotation([], "RS256", NOW, *durations, kid="n"),
    lambda *durations: plan_withdrawal([key()], "k", NOW, *durations, successor_kid="n"),
])  # fmt: skip
def test_negative_durations_are_refused(plan, publish_ahead, keep_after):
    with pytest.raises(RotationRefused, match="negative"):
        plan(publish_ahead, keep_after)


@pytest.mark.parametrize("plan", [
    lambda: plan_rotation([key("k", "ES256")], "RS256", NOW, DAY, DAY, kid="k"),
    lambda: plan_withdrawal([key("k")], "k", NOW, DAY, DAY, successor_kid="k"),
])  # fmt: skip
def test_a_fresh_kid_of_the_ring_is_refused(plan):
    with pytest.raises(RotationRefused, match="already"):
        plan()


def test_a_rotation_refuses_to_start_while_one_is_under_way():
    with pytest.raises(RotationRefused, match="under way"):
        plan_rotation([key(), key("next", not_before=NOW + TICK)], "RS256", NOW, DAY, DAY, kid="n")


@pytest.mark.parametrize("ring", [(), (key("e", "ES256", not_before=NOW + DAY),), (key("gone", retire_at=NOW),)])
def test_the_first_key_of_an_algorithm_is_active_at_once(ring):
    assert plan_rotation(ring, "RS256", NOW, DAY, DAY, kid="n") == (*ring, key("n", not_before=NOW))


def test_a_rotation_does_not_wait_for_another_algorithm():
    ring = (key(), key("e", "ES256", not_before=NOW + DAY))
    assert plan_rotation(ring, "RS256", NOW, DAY, DAY, kid="n")[-1] == key("n", not_before=NOW + DAY)


def test_a_rotation_publishes_ahead_and_keeps_after():
    ring = plan_rotation([key()], "RS256", NOW, 2 * DAY, DAY, kid="n")
    assert ring == (key(retire_at=NOW + 3 * DAY), key("n", not_before=NOW + 2 * DAY))


@pytest.mark.parametrize("planned", [NOW + TICK, NOW + 9 * DAY])
def test_an_active_key_is_kept_until_its_last_tokens_have_ended_whatever_was_planned(planned):
    ring = plan_rotation([key(retire_at=planned)], "RS256", NOW, 2 * DAY, DAY, kid="n")
    assert ring[0] == key(retire_at=NOW + 3 * DAY)


def test_a_rotation_sets_the_retirement_that_a_superseded_key_lacks():
    ring = plan_rotation([key("old"), NEW], "RS256", NOW, 2 * DAY, DAY, kid="n")
    assert ring[:2] == (
        key("old", retire_at=NOW + DAY),
        key("new", not_before=NEW.not_before, retire_at=NOW + 3 * DAY),
    )


def test_a_rotation_leaves_retiring_and_retired_keys_alone():
    gone = key("gone", retire_at=NOW - DAY)
    assert plan_rotation([gone, OLD, NEW], "RS256", NOW, DAY, DAY / 2, kid="n")[:2] == (gone, OLD)


def test_a_rotation_at_once_brings_the_pending_key_forward_which_clients_may_know():
    ring = (key("old", retire_at=NOW + 5 * DAY), key("next", not_before=NOW + DAY))
    expected = (key("old", retire_at=NOW + DAY), key("next", not_before=NOW))
    assert plan_rotation(ring, "RS256", NOW, ZERO, DAY, kid="n") == expected


def test_a_rotation_at_once_without_a_pending_key_uses_a_fresh_one():
    expected = (key(retire_at=NOW + DAY), key("n", not_before=NOW))
    assert plan_rotation([key()], "RS256", NOW, ZERO, DAY, kid="n") == expected


# A key that others may have


@pytest.mark.parametrize(("kid", "reason"), [("x", "not in the ring"), ("gone", "retired already")])
def test_what_is_not_published_cannot_be_withdrawn(kid, reason):
    with pytest.raises(RotationRefused, match=reason):
        plan_withdrawal([key("gone", retire_at=NOW), NEW], kid, NOW, DAY, DAY, successor_kid="n")


def test_a_withdrawn_active_key_is_succeeded_at_once_by_a_fresh_one():
    ring = plan_withdrawal([key("leaked")], "leaked", NOW, DAY, DAY, successor_kid="n")
    assert ring == (key("leaked", retire_at=NOW), key("n", not_before=NOW))
    assert (active(ring, "RS256", NOW), published(ring, NOW)) == (ring[1], ring[1:])


def test_a_withdrawn_active_key_is_succeeded_at_once_by_the_pending_one_which_clients_may_know():
    before = [key("leaked", retire_at=NOW + 5 * DAY), key("next", not_before=NOW + DAY)]
    ring = plan_withdrawal(before, "leaked", NOW, DAY, DAY, successor_kid="n")
    assert ring == (key("leaked", retire_at=NOW), key("next", not_before=NOW))


def test_a_withdrawn_pending_key_is_replaced_and_the_active_one_stays_until_then():
    later = NOW + DAY / 2
    before = plan_rotation([key("k", "ES256"), key("old")], "RS256", NOW, DAY, DAY, kid="leaked")
    ring = plan_withdrawal(before, "leaked", later, DAY, DAY, successor_kid="n")
    assert ring == (
        key("k", "ES256"),
        key("old", retire_at=later + 2 * DAY),
        key("leaked", not_before=NOW + DAY, retire_at=later),
        key("n", not_before=later + DAY),
    )
    assert active(ring, "RS256", NOW + DAY).kid == "old"
    assert active(ring, "RS256", later + DAY).kid == "n"
    assert "leaked" not in {each.kid for each in published(ring, later)}


def test_a_withdrawn_retiring_key_needs_no_successor():
    ring = plan_withdrawal([OLD, NEW], "old", NOW, DAY, DAY, successor_kid="n")
    assert ring == (key("old", not_before=OLD.not_before, retire_at=NOW), NEW)


# Of age


@pytest.mark.parametrize(("ring", "expected"), [
    ([key(not_before=NOW - 9 * DAY)], ("RS256",)),
    ([key(not_before=NOW - 9 * DAY + TICK)], ()),
    ([key(not_before=NOW - 20 * DAY), key("next", not_before=NOW + TICK)], ()),  # it has its successor
    ([key(not_before=NOW - 20 * DAY), key("new", not_before=NOW - DAY)], ()),
    ([key(not_before=NOW - 20 * DAY), key("gone", not_before=NOW + DAY, retire_at=NOW)], ("RS256",)),
    ([key(not_before=NOW - 20 * DAY, retire_at=NOW)], ()),
    ([key("a"), key("b", "ES256"), key("c", "PS256", not_before=NOW)], ("RS256", "ES256")),
])  # fmt: skip
def test_a_key_is_due_when_a_successor_published_now_begins_at_its_greatest_age(ring, expected):
    assert due(ring, NOW, 10 * DAY, DAY) == expected


@pytest.mark.parametrize(("subject", "is_kept"), [
    (key("k", retire_at=NOW - 3 * DAY), False),
    (key("k", retire_at=NOW - 3 * DAY + TICK), True),
    (key("k"), True),
    (key("k", "ES256", retire_at=NOW - 9 * DAY), True),  # the newest of its algorithm: nothing comes back to life
    (key("k", not_before=NOW - 4 * DAY, retire_at=NOW - 5 * DAY), False),  # withdrawn while pending
])  # fmt: skip
def test_keys_retired_for_long_are_removed(subject, is_kept):
    ring = (subject, NEW)
    assert plan_removal(ring, NOW, 3 * DAY) == (ring if is_kept else (NEW,))


ORDER = list(KeyState)
DATES = st.integers(min_value=-5, max_value=5).map(lambda days: NOW + days * DAY)


@st.composite
def rings(draw):
    starts = draw(st.lists(DATES, min_size=1, max_size=5))
    lives = [draw(st.none() | st.integers(min_value=-3, max_value=6)) for _ in starts]
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


@given(rings(), DATES, st.data())
def test_a_withdrawal_unpublishes_its_key_and_leaves_an_active_one(ring, now, data):
    leaked = data.draw(st.sampled_from(ring))
    was_active = any(state(each, ring, now) is KeyState.ACTIVE and each.alg == leaked.alg for each in ring)
    try:
        after = plan_withdrawal(ring, leaked.kid, now, 2 * DAY, DAY, successor_kid="n")
    except RotationRefused:
        return
    assert leaked.kid not in {each.kid for each in published(after, now)}
    if was_active:
        assert active(after, leaked.alg, now).kid != leaked.kid


@given(st.lists(st.integers(min_value=0, max_value=4), min_size=1, max_size=6))
def test_successive_rotations_never_leave_a_gap(waits):
    ring, now = [key("0")], NOW
    for i, wait in enumerate(waits, start=1):
        now += wait * DAY
        try:
            ring = plan_rotation(ring, "RS256", now, 2 * DAY, DAY, kid=str(i))
        except RotationRefused:
            continue
        assert ring[-1] in published(ring, now)
        for hours in range(0, 24 * 10, 6):
            assert active(ring, "RS256", now + timedelta(hours=hours))
