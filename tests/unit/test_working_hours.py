"""How long a request has waited, in working hours of the desk."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from idp.domain.working_hours import DAY, PARIS, age, easter_of, holidays


def at(text: str) -> datetime:
    """Of the wall in Paris."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


@pytest.mark.parametrize(
    ("since", "now", "hours"),
    [
        ("2026-11-23 09:00", "2026-11-23 09:00", 0),
        ("2026-11-23 09:00", "2026-11-23 10:30", 1.5),
        ("2026-11-23 10:30", "2026-11-23 09:00", 0),  # the clock of another machine
        ("2026-11-23 07:00", "2026-11-23 09:15", 0.25),
        ("2026-11-23 12:00", "2026-11-23 13:00", 0.5),  # noon
        ("2026-11-23 12:30", "2026-11-23 13:30", 0),
        ("2026-11-23 12:45", "2026-11-23 14:30", 1),
        ("2026-11-23 17:00", "2026-11-23 23:59", 1),
        ("2026-11-23 17:00", "2026-11-24 09:30", 1.5),
        ("2026-11-20 17:30", "2026-11-23 09:30", 1),  # a weekend
        ("2026-11-21 10:00", "2026-11-22 18:00", 0),
        ("2026-11-16 09:00", "2026-11-23 09:00", 40),
        ("2026-05-13 17:00", "2026-05-15 10:00", 2),  # Ascension
        ("2026-05-22 17:00", "2026-05-26 10:00", 2),  # Whit Monday
        ("2026-12-24 17:00", "2026-12-28 10:00", 2),  # Christmas
        ("2026-12-31 17:00", "2027-01-04 10:00", 2),  # from a year to another
        ("2026-03-27 17:30", "2026-03-30 09:30", 1),  # the clocks change between
        ("2026-10-23 17:30", "2026-10-26 09:30", 1),
    ],
)
def test_age(since: str, now: str, hours: float) -> None:
    assert age(at(since), at(now)) == timedelta(hours=hours)


def test_the_zone_of_the_instants_does_not_matter() -> None:
    since, now = at("2026-07-06 16:00"), at("2026-07-07 10:00")
    assert age(since.astimezone(UTC), now.astimezone(ZoneInfo("Indian/Reunion"))) == timedelta(hours=3)


def test_a_day_of_work() -> None:
    assert age(at("2026-11-23 00:00"), at("2026-11-24 00:00")) == DAY


@pytest.mark.parametrize(
    ("year", "easter"),
    [(2000, "04-23"), (2008, "03-23"), (2024, "03-31"), (2025, "04-20"), (2026, "04-05"), (2038, "04-25")],
)
def test_easter(year: int, easter: str) -> None:
    """Published dates; 2008 and 2038 are nearly the earliest and the latest."""
    assert easter_of(year).isoformat() == f"{year}-{easter}"


def test_the_holidays_of_a_year() -> None:
    found = {day.isoformat()[5:] for day in holidays(2026)}
    fixed = {"01-01", "05-01", "05-08", "07-14", "08-15", "11-01", "11-11", "12-25"}
    assert found == fixed | {"04-06", "05-14", "05-25"}
    assert date(2026, 4, 3) not in holidays(2026)  # Good Friday: of Alsace-Moselle
