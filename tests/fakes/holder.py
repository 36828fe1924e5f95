"""The holder of an account at « Mon compte »."""

from dataclasses import dataclass

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of


@dataclass
class Holder:
    """In one browser."""

    provider: Provider
    browser: FlaskClient
    login: str = "anne.pierre"

    @classmethod
    def signed_in(cls, provider: Provider, login: str = "anne.pierre") -> "Holder":
        """By password."""
        browser = provider.browser()
        path = path_of(browser.get(path_of(browser.get("/compte"))))
        form = {"csrf": csrf_of(browser.get(path)), "login": login, "password": PASSWORD}
        callback = path_of(browser.post(f"{path}/password", data=form))
        assert path_of(browser.get(callback)) == "/compte"
        return cls(provider, browser, login)

    @classmethod
    def proven(cls, provider: Provider, page: str, login: str = "anne.pierre") -> "Holder":
        """Signed in, and asked again for what a sensitive page wants: password and code."""
        holder = cls.signed_in(provider, login)
        assert path_of(holder.give_otp(path_of(holder.browser.get(page)))) == page
        return holder

    def give_otp(self, path: str) -> TestResponse:
        return RelyingParty(self.provider, "portail", self.browser).give_otp(path, self.login)

    def csrf(self) -> str:
        return csrf_of(self.browser.get("/compte/personal"))

    def post(self, path: str, page: str | None = None, **fields: str) -> TestResponse:
        """Send the form of a page (default: of the path itself)."""
        return self.browser.post(path, data={"csrf": csrf_of(self.browser.get(page or path)), **fields})

    @property
    def cookie(self) -> str:
        found = self.browser.get_cookie("__Host-sesame-session")
        assert found
        return found.value
