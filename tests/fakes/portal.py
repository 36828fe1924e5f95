"""The portal with a card among the means, and a person in it."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fakes import national_card
from tests.fakes.national_card import ANNE
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, path_of

METHODS = ("email_otp", "password", "national_card")
MEANS = "/compte/means"


def with_card(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    """Anne holds the card's identity; her account is linked to it by her first login with it."""
    national_card.install(monkeypatch)
    made = start(methods=METHODS, brand={"support_email": "support@region.example"})
    made.clock.advance(seconds=1)
    made.set_policy("portail", METHODS)
    made.add_client("rp", methods=("password", "national_card"))
    made.add_account("anne.pierre", rpps=ANNE["rpps"])
    return made


def present(rp: RelyingParty, path: str, **changes: str) -> TestResponse:
    """Begin the card on a login page, and show it."""
    rp.post(f"{path}/national_card", page=path)
    return rp.post(f"{path}/national_card", page=f"{path}/national_card", **{**ANNE, **changes})


def by_card(rp: RelyingParty, path: str) -> TestResponse:
    return present(rp, path)


def by_code(rp: RelyingParty, path: str) -> TestResponse:
    return rp.give_otp(path)


def by_password(rp: RelyingParty, path: str) -> TestResponse:
    return rp.give_password(path)


def enter(provider: Provider, by: object, *, page: str = MEANS, browser: FlaskClient | None = None) -> RelyingParty:
    """A browser that is signed in to the portal, and is at `page`. by: one of the functions above."""
    assert callable(by)
    rp = RelyingParty(provider, "portail", browser or provider.browser())
    login = path_of(rp.browser.get(path_of(rp.browser.get(page))))
    arrived = rp.browser.get(path_of(by(rp, login)))
    assert path_of(arrived) == page
    return rp


def link_of(provider: Provider, login: str = "anne.pierre") -> str:
    """The id of the only login link of an account."""
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        (link,) = tx.means.links(account.account_id)
    return link.link_id


def live(provider: Provider, login: str = "anne.pierre") -> list[tuple[str, str | None]]:
    """Methods and names of the login links of an account."""
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        return [(link.method, link.name) for link in tx.means.links(account.account_id)]


def copy_of(rp: RelyingParty, provider: Provider) -> FlaskClient:
    """Another tab of this browser."""
    tab = provider.browser()
    for name in ("browser", "session"):
        cookie = rp.browser.get_cookie(f"__Host-sesame-{name}")
        assert cookie
        tab.set_cookie(f"__Host-sesame-{name}", cookie.value, secure=True)
    return tab


def remove(rp: RelyingParty, means_id: str, **fields: str) -> TestResponse:
    return rp.post(f"{MEANS}/{means_id}/remove", page=f"{MEANS}/{means_id}/remove", **fields)


def at_the_portal(provider: Provider, login: str = "anne.pierre") -> RelyingParty:
    """Signed in to the portal by password alone."""
    visitor = RelyingParty(provider)
    path = path_of(visitor.browser.get(path_of(visitor.browser.get("/compte"))))
    callback = path_of(visitor.give_password(path, login))
    assert path_of(visitor.browser.get(callback)) == "/compte"
    return visitor


def asked(visitor: RelyingParty, page: str) -> str:
    """Open a sensitive page; the path of the login that it asks for."""
    path = path_of(visitor.browser.get(page))
    assert path.startswith("/login/"), path
    return path


def links(provider: Provider, login: str = "anne.pierre") -> list[str]:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        return [link.method for link in tx.means.links(account.account_id)]
