"""What every relying party must be able to do with the provider. Inherit, and say how this one is made to do it."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.clients.person import Person
from tests.clients.running_provider import EMAIL, NAME, RunningProvider

NOBODY = re.compile(r'\{"claims": ?null\}')


@dataclass(frozen=True, slots=True)
class Service:
    """A relying party that serves. home: the page where a login and a logout end."""

    client_id: str
    home: str


class ClientSuite:
    """The web service of a client shows what it knows in `#known`, as JSON, and has `#login`, `#refresh`, `#logout`.

    Of `#known`: claims (of the ID Token, null for a stranger), userinfo, access_token, id_token.
    """

    def starts_login(self, person: Person, service: Service) -> None:
        person.page.goto(service.home)
        person.page.click("#login")

    def refreshes(self, person: Person, service: Service, access_token: str) -> None:
        """Until the service has another access token than this one."""
        person.page.click("#refresh")
        expect(person.page.locator("#known")).not_to_contain_text(access_token)

    def starts_logout(self, person: Person, service: Service) -> None:
        person.page.click("#logout")

    def forgets(self, person: Person, service: Service) -> None:
        """The service forgets the person, the provider does not."""
        person.page.context.clear_cookies(domain=urlsplit(service.home).hostname)

    def known(self, person: Person, service: Service) -> dict[str, Any]:
        """What it knows of a person who is signed in, or will be without being asked."""
        expect(person.page.locator("#known")).to_contain_text("access_token")
        assert person.page.url == service.home
        return person.sees_json("#known")

    def knows_nobody(self, person: Person, service: Service) -> None:
        expect(person.page.locator("#known")).to_have_text(NOBODY)
        assert person.page.url == service.home

    def test_a_person_signs_in(self, person: Person, service: Service, provider: RunningProvider) -> None:
        self.starts_login(person, service)
        person.signs_in()
        known = self.known(person, service)
        assert known["claims"]["iss"] == provider.issuer
        assert known["claims"]["aud"] == service.client_id
        assert known["claims"]["sub"] == known["userinfo"]["sub"] == provider.subject
        assert known["userinfo"]["name"] == NAME
        assert known["userinfo"]["email"] == EMAIL

    @pytest.mark.spec("OIDC Core §12")
    def test_the_tokens_are_refreshed(self, person: Person, service: Service, provider: RunningProvider) -> None:
        self.starts_login(person, service)
        person.signs_in()
        first = self.known(person, service)
        self.refreshes(person, service, first["access_token"])
        second = self.known(person, service)
        assert second["access_token"] != first["access_token"]
        assert second["claims"]["sub"] == second["userinfo"]["sub"] == provider.subject
        assert second["claims"]["auth_time"] == first["claims"]["auth_time"]

    @pytest.mark.spec("RP-Initiated Logout §2, §3")
    def test_a_person_logs_out(self, person: Person, service: Service) -> None:
        self.starts_login(person, service)
        person.signs_in()
        self.known(person, service)
        self.forgets(person, service)
        self.starts_login(person, service)
        assert self.known(person, service)["claims"], "signed in again without a word: the provider's session lives"
        self.starts_logout(person, service)
        person.confirms_logout()
        self.knows_nobody(person, service)
        self.starts_login(person, service)
        person.is_asked_to_sign_in()
