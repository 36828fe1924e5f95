"""What operators type: filters in an address, reasons in a form."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import flask

from idp.domain.texts import N_, Text

HERE = ZoneInfo("Europe/Paris")
MAX_FILTER, MAX_REASON = 100, 500
INSTANT = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}")
NO_REASON: Text = N_("Dites pourquoi : la raison est gardée dans le journal.")
BAD_REASON: Text = N_("500 caractères au plus, sans caractère invisible.")


def sought(name: str) -> str:
    """A filter as it is searched for: one line, without what cannot be seen."""
    given = " ".join(flask.request.args.get(name, "")[:MAX_FILTER].split())
    return "".join(each for each in given if each.isprintable())


def chosen(name: str, among: Mapping[str, object]) -> str | None:
    """A filter that must be one of these."""
    given = flask.request.args.get(name, "")
    return given if given in among else None


def sought_day(name: str, *, is_end: bool = False) -> datetime | None:
    """The first instant of a day, or of the one after it, where people are; None if it is no date."""
    try:
        found = date.fromisoformat(flask.request.args.get(name, "")) + timedelta(days=int(is_end))
    except (ValueError, OverflowError):
        return None
    return datetime(found.year, found.month, found.day, tzinfo=HERE) if 2000 <= found.year < 3000 else None


def reason_of(form: Mapping[str, str]) -> tuple[str, Text | None]:
    """A reason, and what is wrong with it."""
    given = " ".join(form.get("reason", "")[: MAX_REASON * 2].split())
    if not given:
        return "", NO_REASON
    if len(given) > MAX_REASON or not given.isprintable():
        return given[:MAX_REASON], BAD_REASON
    return given, None


def instant_of(form: Mapping[str, str], name: str) -> datetime | None:
    """A date and time by the clock of mainland France; None for none, and for what is no date."""
    given = form.get(name, "").strip()
    if not INSTANT.fullmatch(given):
        return None
    try:
        return datetime.fromisoformat(given).replace(tzinfo=HERE).astimezone(UTC)
    except ValueError:
        return None


def with_filters(page: str, filters: Mapping[str, str | None]) -> str:
    """The address of a page with those filters that are set."""
    kept = {name: value for name, value in filters.items() if value}
    return f"{page}?{urlencode(kept)}" if kept else page
