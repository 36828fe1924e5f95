"""French first, English second: catalogue and choice of language."""

import gettext
import io
from importlib import resources

import flask
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("fr", "en")
COOKIE = "sesame-lang"


def catalogues() -> dict[str, gettext.NullTranslations]:
    """Translations by language; French is what the templates say, English is compiled from its .po."""
    source = resources.files("idp") / "translations" / "en" / "LC_MESSAGES" / "messages.po"
    compiled = io.BytesIO()
    with source.open("rb") as po:
        write_mo(compiled, read_po(po, locale="en"))
    compiled.seek(0)
    return {"fr": gettext.NullTranslations(), "en": gettext.GNUTranslations(compiled)}


def choose(wanted: tuple[str, ...] = ()) -> str:
    """The person's own choice, then the service's `ui_locales`, then the browser's languages, then French."""
    for tag in (flask.request.args.get("lang", ""), flask.request.cookies.get(COOKIE, ""), *wanted):
        if tag.split("-")[0].lower() in LANGUAGES:
            return tag.split("-")[0].lower()
    return flask.request.accept_languages.best_match(LANGUAGES) or "fr"


def remember(response: flask.Response, *, secure: bool = False) -> flask.Response:
    """Keep a choice that was made by the language link. secure: served over https."""
    if flask.request.args.get("lang") in LANGUAGES:
        chosen = flask.request.args["lang"]
        response.set_cookie(COOKIE, chosen, max_age=31_536_000, path="/", secure=secure, httponly=True, samesite="Lax")
    return response
