"""Instants as people read them: in words, in the page's language, by the clock of mainland France."""

from datetime import datetime
from typing import Any

import jinja2
from babel.dates import format_datetime, get_timezone

HERE = get_timezone("Europe/Paris")
DAY = {"fr": "d MMMM y", "en": "d MMMM y"}
MOMENT = {"fr": "d MMMM y 'à' HH:mm", "en": "d MMMM y 'at' HH:mm"}


def day(at: datetime, lang: str) -> str:
    """`22 novembre 2026`."""
    return _first(format_datetime(at, DAY[lang], tzinfo=HERE, locale=lang), lang)


def moment(at: datetime, lang: str) -> str:
    """`22 novembre 2026 à 05:04`."""
    return _first(format_datetime(at, MOMENT[lang], tzinfo=HERE, locale=lang), lang)


def _first(text: str, lang: str) -> str:
    """French counts the first day of a month otherwise than the others."""
    return f"1er {text[2:]}" if lang == "fr" and text.startswith("1 ") else text


@jinja2.pass_context
def _day(context: jinja2.runtime.Context, at: datetime) -> Any:
    return day(at, context["lang"])


@jinja2.pass_context
def _moment(context: jinja2.runtime.Context, at: datetime) -> Any:
    return moment(at, context["lang"])


FILTERS = {"day": _day, "moment": _moment}  # of templates, pages and letters alike
