"""Instants in words."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from idp.web.dates import day, moment

WINTER = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "lang", "said"),
    [
        (WINTER, "fr", "22 novembre 2026 à 05:05"),
        (WINTER, "en", "22 November 2026 at 05:05"),
        (datetime(2026, 7, 31, 22, 30, tzinfo=UTC), "fr", "1er août 2026 à 00:30"),
        (datetime(2026, 7, 31, 22, 30, tzinfo=UTC), "en", "1 August 2026 at 00:30"),
        (datetime(2026, 7, 10, 22, 30, tzinfo=UTC), "fr", "11 juillet 2026 à 00:30"),
        (WINTER.astimezone(timezone(timedelta(hours=9))), "fr", "22 novembre 2026 à 05:05"),
    ],
)
def test_moments(at: datetime, lang: str, said: str) -> None:
    assert moment(at, lang) == said


def test_days() -> None:
    assert (day(WINTER, "fr"), day(WINTER, "en")) == ("22 novembre 2026", "22 November 2026")
    assert day(datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "fr") == "1er janvier 2027"
