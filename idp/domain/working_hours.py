"""Working hours of the desk: Monday to Friday 9:00–12:30 and 13:30–18:00 in Paris, not on French public holidays."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
HOURS = ((time(9), time(12, 30)), (time(13, 30), time(18)))
DAY = timedelta(hours=8)  # of work
FIXED = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))  # code du travail, L3133-1
OF_EASTER = (1, 39, 50)  # Monday after it, Ascension, Whit Monday: days after Easter


def age(since: datetime, now: datetime) -> timedelta:
    """How much working time has passed between two instants; none if `now` is the earlier."""
    start, end = since.astimezone(UTC), now.astimezone(UTC)
    return sum((_overlap(start, end, *span) for day in _days(since, now) for span in _spans(day)), timedelta(0))


def holidays(year: int) -> frozenset[date]:
    """The eleven public holidays of a year in the whole of France."""
    easter = easter_of(year)
    moving = {easter + timedelta(days=after) for after in OF_EASTER}
    return frozenset({date(year, month, day) for month, day in FIXED} | moving)


def easter_of(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher)."""
    golden, (century, rest) = year % 19, divmod(year, 100)
    leaps, short = divmod(century, 4)
    correction = (8 * century + 13) // 25
    moon = (19 * golden + century - leaps - correction + 15) % 30
    fours, ones = divmod(rest, 4)
    sunday = (32 + 2 * short + 2 * fours - moon - ones) % 7
    shift = (golden + 11 * moon + 19 * sunday) // 433
    month = divmod(moon + sunday - 7 * shift + 90, 25)[0]
    return date(year, month, (moon + sunday - 7 * shift + 33 * month + 19) % 32)


def _days(since: datetime, now: datetime) -> Iterator[date]:
    """The days of work between two instants, both included."""
    day, last, free = since.astimezone(PARIS).date(), now.astimezone(PARIS).date(), dict[int, frozenset[date]]()
    while day <= last:
        if day.year not in free:
            free[day.year] = holidays(day.year)
        if day.weekday() < 5 and day not in free[day.year]:
            yield day
        day += timedelta(days=1)


def _spans(day: date) -> Iterator[tuple[datetime, datetime]]:
    """Its hours of work, in UTC: on a day when the clocks change, hours of the wall are not what passes."""
    for begin, end in HOURS:
        yield tuple(datetime.combine(day, at, PARIS).astimezone(UTC) for at in (begin, end))  # type: ignore[misc]


def _overlap(start: datetime, end: datetime, begin: datetime, stop: datetime) -> timedelta:
    return max(min(end, stop) - max(start, begin), timedelta(0))
