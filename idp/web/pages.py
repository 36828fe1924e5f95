"""Pages: templates, language, and the headers that every answer carries."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import flask
import jinja2

from idp.domain.texts import Text
from idp.settings import Settings
from idp.settings.origins import origin_of
from idp.web import dates, language, logs
from idp.web.browser import Browser
from idp.web.letters import Letters


class Pages:
    """Draws templates for the current request.

    packages: others with a folder `templates`, and perhaps a catalogue in `translations`, looked at after ours.
    Raises SettingsError for an operator's letter that cannot be used.
    """

    def __init__(self, settings: Settings, browser: Browser, packages: Sequence[str] = ()) -> None:
        self._settings, self._browser = settings, browser
        self._catalogues = language.catalogues(packages)
        self._env = jinja2.Environment(
            loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package) for package in ("idp", *packages)]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.install_gettext_callables(  # type: ignore[attr-defined]
            self.say,
            lambda one, many, n: self._catalogues[self.lang].ngettext(one, many, n),  # noqa: PLW0108 - language of the day
            newstyle=True,
        )
        brand = settings.brand
        self._env.globals["brand"] = {**brand.model_dump(), "logo_url": brand.logo_url or "/static/logo.svg"}
        self._env.filters.update(dates.FILTERS)
        self._env.globals["asset"] = lambda path: f"/static/{path}"
        self.letters = Letters(settings.mail.templates_dir, self._env, self._catalogues)

    @property
    def lang(self) -> str:
        """The language of the current page."""
        if "lang" not in flask.g:
            flask.g.lang = language.choose()
        found: str = flask.g.lang
        return found

    @property
    def portal_name(self) -> str:
        """What the account portal is called here."""
        return self._settings.brand.portal_name

    def prefer(self, locales: tuple[str, ...]) -> None:
        """The service asked for these languages; the person's own choice stands above."""
        flask.g.lang = language.choose(locales)

    def say(self, text: Text, **values: Any) -> str:
        """A sentence in the page's language."""
        said = self._catalogues[self.lang].gettext(str(text))
        return said % values if values else said

    def render(
        self,
        template: str,
        *,
        status: int = 200,
        form_targets: Iterable[str] = (),
        images: Iterable[str | None] = (),
        asks_workstation: bool = False,
        asks_provider: bool = False,
        installs: bool = False,
        **values: Any,
    ) -> flask.Response:
        """A page. `form_targets`: URIs that a form may lead to, redirects included (Chromium applies form-action to
        them); `images`: logos of others; `asks_workstation`: its scripts talk to a helper on the person's own machine;
        `asks_provider`: they ask us again; `installs`: it has a manifest and a service worker.
        """
        body = self._env.get_template(template).render(
            status=status,
            lang=self.lang,
            lang_url=self._lang_url(),
            csrf=self._browser.csrf_token,
            request_ref=logs.request_id.get(),
            **values,
        )
        response = flask.Response(body, status, mimetype="text/html")
        connections = {"http://127.0.0.1:*": asks_workstation, "'self'": asks_provider}
        response.headers["Content-Security-Policy"] = _policy(
            form_targets,
            [self._settings.brand.logo_url, *images],
            connections=[source for source, is_asked in connections.items() if is_asked],
            installs=installs,
        )
        response.headers["Content-Language"] = self.lang
        return response

    def letter(self, lang: str, name: str, /, **values: Any) -> tuple[str, str, str]:
        """Subject, text and HTML of an e-mail."""
        return self.letters.draw(lang, name, values)

    def _lang_url(self) -> str:
        other = "en" if self.lang == "fr" else "fr"
        kept = {} if flask.request.method == "POST" else flask.request.args.to_dict()
        return f"{quote(flask.request.path)}?{urlencode({**kept, 'lang': other})}"


def _policy(
    form_targets: Iterable[str], images: Iterable[str | None], *, connections: Sequence[str], installs: bool
) -> str:
    forms = " ".join(dict.fromkeys(["'self'", *map(origin_of, form_targets)]))
    sources = " ".join(dict.fromkeys(["'self'", "data:", *(origin_of(i) for i in images if i and "://" in i)]))
    further = f"connect-src {' '.join(connections)}; " if connections else ""
    further += "manifest-src 'self'; worker-src 'self'; " if installs else ""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; {further}"
        f"img-src {sources}; form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
    )
