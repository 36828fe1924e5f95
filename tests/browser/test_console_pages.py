"""Every page of the console for those who need it otherwise: in English, in the dark, on a narrow screen."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from idp.domain.rights import Role
from tests.browser.conftest import Visit
from tests.browser.demo_process import Demo
from tests.browser.people import PHONE
from tests.browser.registering import Operator, appoint, hand_in

PAGES = {
    "": "Console",
    "/registrations": "Registrations",
    "/registrations/<id>": "Registration: Basile Kerouac",
    "/requests": "Access requests",
    "/people": "People",
    "/people/<id>": "Anne Pierre",
    "/people/<id>/suspend": "Suspend the account of Anne Pierre?",
    "/people/<id>/change-email": "Change the e-mail address of Anne Pierre",
    "/people/<id>/link-identity": "Link a card to Anne Pierre",
    "/identity-changes": "Changes that wait",
    "/services": "Services",
    "/services/ror": "ROR Nouvelle-Aquitaine",
    "/services/register/new": "Register a service",
    "/services/ror/edit": "Change ROR Nouvelle-Aquitaine",
    "/services/ror/secret": "Renew the secret of ROR Nouvelle-Aquitaine?",
    "/services/ror/disable": "Disable ROR Nouvelle-Aquitaine?",
    "/policies": "Policies",
    "/policies/ror": "Policy of ROR Nouvelle-Aquitaine",
    "/policies/ror/new": "New policy of ROR Nouvelle-Aquitaine",
    "/methods/totp/suspend": "Suspend “Authenticator application” for all services",
    "/audit": "Audit trail",
    "/reports": "Who has access to what",
}


@pytest.fixture
def suspended(demo: Demo) -> Iterator[None]:
    """A method that policies accept and that nobody here uses."""
    until = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%S%z}"
    assert demo.sesame("method", "suspend", "qr_code", "--until", until, "--reason", "a flaw").returncode == 0
    yield
    assert demo.sesame("method", "restore", "qr_code").returncode == 0


@pytest.mark.usefixtures("suspended")
def test_every_page_in_english_in_the_dark_on_a_phone(visit: Visit) -> None:
    operator = appoint(visit(**PHONE, color_scheme="dark"), "gabin.partout", *Role)
    hand_in(operator.visitor.demo, "basile.kerouac")
    operator.page.get_by_role("link", name="English").click()
    for path, heading in PAGES.items():
        operator.page.goto(address(operator, path))
        operator.visitor.sees(heading)

    expect(operator.page.locator("html")).to_have_attribute("lang", "en")


def address(operator: Operator, path: str) -> str:
    """Of a page; `<id>` as the list links to who is meant."""
    console, page = operator.visitor.demo.description["console"], operator.page
    if "<id>" not in path:
        return f"{console}{path}"
    listed, _, act = path.partition("/<id>")
    page.goto(console + listed + ("?text=anne.pierre" if listed == "/people" else "?q=kerouac"))
    link = page.locator(".cards th a").last.get_attribute("href")
    assert link
    return re.sub(r"/console.*", "", console) + link + act
