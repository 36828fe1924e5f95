"""A person before Chromium, who has an account with the provider."""

import json
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.visitor import Watch
from tests.clients.running_provider import LOGIN, RunningProvider
from tests.fakes.provider import PASSWORD


@dataclass
class Person:
    """One browser context with one page."""

    page: Page
    watch: Watch
    provider: RunningProvider

    def is_asked_to_sign_in(self) -> None:
        expect(self.page.locator("#login-username")).to_be_visible()
        assert self.page.url.startswith(f"{self.provider.issuer}/login/"), self.page.url

    def signs_in(self) -> None:
        self.is_asked_to_sign_in()
        self.page.fill("#login-username", LOGIN)
        self.page.fill("#login-password", PASSWORD)
        self.page.click("#login-submit")

    def confirms_logout(self) -> None:
        expect(self.page.locator("#logout-confirm")).to_be_visible()
        assert self.page.url.startswith(f"{self.provider.issuer}/logout/"), self.page.url
        self.page.click("#logout-confirm")

    def sees_json(self, selector: str) -> dict[str, Any]:
        """What a service writes of what it knows."""
        found: dict[str, Any] = json.loads(self.page.locator(selector).inner_text())
        return found
