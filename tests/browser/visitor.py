"""A person before a browser: what they do, and what is checked of every page they see."""

import itertools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response, expect

from tests.browser.demo_process import Demo

PORTAL_LOGIN = "Accès sécurisé au service : Portail ESEA Nouvelle-Aquitaine"
ROR_LOGIN = "Accès sécurisé au service : ROR Nouvelle-Aquitaine"
CODE = "Saisissez le code reçu par e-mail"
PORTAL = "Mon compte ESEA"
COMPLETE = "Finaliser votre connexion"

# A violation of the Content Security Policy becomes a console error that names it.
REPORT_VIOLATIONS = """addEventListener("securitypolicyviolation", (event) =>
  console.error(`Content-Security-Policy: ${event.effectiveDirective} ${event.blockedURI}`))"""
SHOTS = os.environ.get("BROWSER_SHOTS")  # a folder: a picture of every page walked, to look at
CHANGING = re.compile(r' d="[^"]*"|\b[A-Z]{4}-[A-Z]{4}\b|[\w+/=-]{20,}|[0-9]')
FOUND_ACCESSIBLE: set[tuple[str, ...]] = set()  # axe takes half a second for a page
SHOT_NUMBERS = itertools.count(1)


class Watch:
    """Notes everything that a browser complains of."""

    def __init__(self, context: BrowserContext) -> None:
        self.problems: list[str] = []
        self._expected_statuses: set[int] = set()
        self._unreachable = "none"
        context.add_init_script(REPORT_VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", lambda event: self.problems.append(f"exception: {event.error}"))
        context.on("requestfailed", self._failed)
        context.on("response", self._response)

    @contextmanager
    def expecting(self, status: int) -> Iterator[None]:
        """A page that is meant to have this status."""
        self._expected_statuses.add(status)
        yield
        self._expected_statuses.remove(status)

    @contextmanager
    def expecting_no_answer(self, origin: str) -> Iterator[None]:
        """Nobody listens there, or the browser lets no page reach it."""
        self._unreachable = origin
        yield
        self._unreachable = "none"

    def _console(self, message: ConsoleMessage) -> None:
        refused = any(f"status of {status} " in message.text for status in self._expected_statuses)
        refused = refused or f"{message.location['url']} {message.text}".find(self._unreachable) >= 0
        if message.type in ("error", "warning") and not refused:
            self.problems.append(f"console {message.type}: {message.text} ({message.location['url']})")

    def _failed(self, request: Request) -> None:
        if request.url.startswith(self._unreachable):
            return
        if request.failure != "net::ERR_ABORTED":  # the page was left while a picture or a font was on its way
            self.problems.append(f"failed: {request.method} {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self._expected_statuses:
            self.problems.append(f"status {response.status}: {response.request.method} {response.url}")


class Visitor:
    """One browser context with one page."""

    def __init__(self, page: Page, demo: Demo, watch: Watch, *, has_scripts: bool) -> None:
        self.page, self.demo, self.watch, self.has_scripts = page, demo, watch, has_scripts

    # --- what is seen ---

    def sees(self, heading: str) -> None:
        """The page with this heading, and nothing wrong with it."""
        expect(self.page.locator("h1")).to_have_text(heading, use_inner_text=True)
        self.check()

    def check(self) -> None:
        """Nothing that axe finds, nothing out of the screen."""
        self.page.wait_for_load_state()
        if SHOTS:
            self.page.screenshot(path=Path(SHOTS) / f"{next(SHOT_NUMBERS):03}.png", full_page=True)
        self.fits()
        if self.has_scripts and (seen := self._appearance()) not in FOUND_ACCESSIBLE:
            axe_finds_nothing(self.page)
            FOUND_ACCESSIBLE.add(seen)

    def _appearance(self) -> tuple[str, ...]:
        """Equal for two pages that axe would judge alike: they differ by numbers, tokens and drawn codes only.

        So do two providers of tests, each on a port of its own; the sites of the demo have styles of their own.
        """
        colours = self.page.evaluate("String(matchMedia('(prefers-color-scheme: dark)').matches)")
        html = CHANGING.sub("", self.page.content())
        site = urlsplit(self.page.url).netloc if self.demo else ""
        return site, colours, str(self.page.viewport_size), html

    def fits(self) -> None:
        """No need to scroll sideways (WCAG 1.4.10)."""
        wide, screen = self.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= screen, f"{self.page.title()}: {wide} px wide on a screen of {screen} px"

    def claim(self, name: str) -> str:
        """What a relying party shows that it received."""
        return self.page.locator(f'tr[data-claim="{name}"] td').inner_text()

    # --- what is done ---

    def opens(self, service: str, path: str = "") -> None:
        self.page.goto(self.demo.description["services"][service] + path)

    def types_password(self, login: str, typed: str | None = None) -> None:
        """Identifier and password; `typed` is what is put as identifier, the login if not given."""
        self.page.fill("#login-username", typed or login)
        self.page.fill("#login-password", self.demo.account(login)["password"])
        self.page.click("#login-submit")

    def types_code(self, login: str) -> None:
        self.page.fill("#otp-code", self.demo.mail(login).code)
        self.page.click("#otp-submit")

    def signs_in_to_portal(self, login: str) -> None:
        self.opens("portail")
        self.sees(PORTAL_LOGIN)
        self.types_password(login)
        self.sees(PORTAL)

    def signs_in_to_ror(self, login: str) -> None:
        """Password, then the code of the e-mail, from the service's own button."""
        self.opens("ror")
        self.page.click("#login")
        self.gives_both_factors(login)
        expect(self.page.locator("#who")).to_be_visible()
        self.check()

    def gives_both_factors(self, login: str, heading: str = ROR_LOGIN) -> None:
        self.sees(heading)
        self.page.click("#method-email_otp")
        self.sees("Identifiant - Mot de passe")
        self.types_password(login)
        self.sees(CODE)
        self.types_code(login)


def axe_finds_nothing(page: Page, options: dict[str, Any] | None = None) -> None:
    """Whatever is right it does not report, which would take as long again. options: of `axe.run`."""
    found: dict[str, Any] = Axe().run(page, options={"resultTypes": ["violations"], **(options or {})}).response
    lines = (
        f"{violation['id']} ({violation['impact']}): {node['target']} {node['html'][:200]}\n  {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    )
    assert not found["violations"], "\n".join((page.url, *lines))
