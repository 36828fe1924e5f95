"""French first, English second: catalogue and choice of language."""

import functools
import gettext
import io
from collections.abc import Iterable
from importlib import resources

import flask
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from idp.methods.registry import MethodError

LANGUAGES = ("fr", "en")
COOKIE = "sesame-lang"


def catalogues(packages: Iterable[str] = ()) -> dict[str, gettext.NullTranslations]:
    """Translations by language; French is what the templates say, English is compiled from its .po.

    packages: others that may bring a catalogue, asked in this order for what ours does not know.
    Raises MethodError for one that cannot be read.
    """
    english = _english("idp") or gettext.NullTranslations()
    for package in packages:
        if found := _english(package):
            english.add_fallback(found)
    return {"fr": gettext.NullTranslations(), "en": english}


def _english(package: str) -> gettext.NullTranslations | None:
    compiled = _compiled(package)
    return gettext.GNUTranslations(io.BytesIO(compiled)) if compiled else None


@functools.cache  # a worker has it from the process that it was forked from
def _compiled(package: str) -> bytes | None:
    source = resources.files(package) / "translations" / "en" / "LC_MESSAGES" / "messages.po"
    if not source.is_file():
        return None
    compiled = io.BytesIO()
    try:
        with source.open("rb") as po:
            write_mo(compiled, read_po(po, locale="en", abort_invalid=True))
    except (PoFileError, UnicodeDecodeError) as error:
        raise MethodError(f"methods: the English catalogue of {package} cannot be read: {error}") from error
    return compiled.getvalue()


def choose(wanted: tuple[str, ...] = ()) -> str:
    """The person's own choice, then the service's `ui_locales`, then the browser's languages, then French."""
    for tag in (flask.request.args.get("lang", ""), flask.request.cookies.get(COOKIE, ""), *wanted):
        if tag.split("-")[0].lower() in LANGUAGES:
            return tag.split("-")[0].lower()
    return flask.request.accept_languages.best_match(LANGUAGES) or "fr"


def remember(response: flask.Response, *, secure: bool = False) -> flask.Response:
    """Keep a choice that was made by the language link. secure: served over https."""
    if b"lang=" not in flask.request.query_string:
        return response
    chosen = flask.request.args.get("lang")
    if chosen in LANGUAGES:
        response.set_cookie(COOKIE, chosen, max_age=31_536_000, path="/", secure=secure, httponly=True, samesite="Lax")
    return response
