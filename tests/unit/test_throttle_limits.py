"""How long to wait, as a table."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from idp.domain.throttle import ATTEMPTS, MAILS, Limit, wait
from tests.fakes.clock import START

NOTHING = timedelta(0)


def spent(*seconds_ago: float) -> list[timedelta]:
    return [timedelta(seconds=seconds) for seconds in seconds_ago]


@pytest.mark.parametrize(
    ("limit", "ago", "in_a_row", "expected_s"),
    [
        (ATTEMPTS, spent(), 0, 0),
        (ATTEMPTS, spent(4, 3, 2, 1), 4, 0),
        (ATTEMPTS, spent(5, 4, 3, 2, 0), 5, 65),  # more than a minute after five failures
        (ATTEMPTS, spent(70, 69, 68, 67, 65), 5, 0),
        (ATTEMPTS, spent(70, 69, 68, 67, 64), 5, 1),
        (ATTEMPTS, spent(9, 8, 7, 6, 5, 0), 6, 130),  # doubled
        (ATTEMPTS, spent(9, 8, 7, 6, 5, 4, 0), 7, 260),
        (ATTEMPTS, spent(9, 8, 7, 6, 5, 4, 3, 0), 8, 520),
        (ATTEMPTS, spent(*range(8, -1, -1)), 9, 900),  # at most a quarter of an hour
        (ATTEMPTS, spent(*range(23, -1, -1)), 24, 900),
        (ATTEMPTS, spent(*range(20, -1, -1)), 10_000, 900),
        (ATTEMPTS, spent(*range(23, -1, -1)), 0, 0),  # a success in between: no delay, but they are counted
        (ATTEMPTS, spent(*range(3600, 3625)), 25, 24 * 3600 - 3624),  # the 25th: until the first of them is a day old
        (ATTEMPTS, spent(*range(24, -1, -1)), 0, 24 * 3600 - 24),
        (ATTEMPTS, spent(86_400, *range(24, 0, -1)), 0, 0),  # sliding: one is a day old
        (ATTEMPTS, spent(*[86_400] * 25), 25, 0),  # all are
        (MAILS, spent(4, 3, 2, 1), 4, 0),
        (MAILS, spent(5, 4, 3, 2, 1), 5, 3595),
        (MAILS, spent(3600, 4, 3, 2, 1), 5, 0),
    ],
)
def test_wait(limit: Limit, ago: list[timedelta], in_a_row: int, expected_s: int) -> None:
    stamps = sorted(START - delta for delta in ago)
    assert wait(limit, stamps, in_a_row, START) == timedelta(seconds=expected_s)


def test_nobody_tries_more_than_25_times_in_any_24_hours() -> None:
    """Somebody who tries as soon as it is allowed, for three days."""
    now, stamps = START, list[datetime]()
    while now < START + timedelta(days=3):
        pause = wait(ATTEMPTS, stamps, len(stamps), now)
        if not pause:
            stamps.append(now)
        now += pause or timedelta(seconds=1)
    for first in stamps:
        assert len([at for at in stamps if first <= at < first + timedelta(hours=24)]) <= 25
    assert len(stamps) >= 75
    assert all(later - earlier > timedelta(minutes=1) for earlier, later in pairwise(stamps[4:]))
