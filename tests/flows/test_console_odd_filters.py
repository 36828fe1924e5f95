"""What anybody may write into the query of a list: answered as what is unknown, by each database, and not recorded."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from tests.fakes.console import Console
from tests.fakes.portal import at_the_portal
from tests.fakes.provider import Provider
from tests.fakes.relying_party import csrf_of
from tests.fakes.signup import ENTRY, Wizard, started

NOBODY = "00000000-0000-0000-0000-000000000000"
NO_SERVICE = ("\x00", "ror\x00", "unknown", "a b", "é", "x" * 3000, "Mme Dupont est malade", "\u202e")


@pytest.fixture
def console(start: Callable[..., Provider]) -> Console:
    made = Console.start(start)
    made.provider.add_client("ror", needs_entitlement=True)
    return made


@pytest.mark.parametrize("path", ["/console/requests", "/console/reports", "/console/reports/accesses.csv"])
def test_a_service_that_is_not_there_is_not_found(console: Console, path: str) -> None:
    browser = console.support.browser
    assert browser.get(f"{path}?service=ror").status_code == 200
    read = len(console.provider.events("entitlement.report_read"))
    for service in NO_SERVICE:
        assert browser.get(f"{path}?{urlencode({'service': service})}").status_code == 404, service
    assert len(console.provider.events("entitlement.report_read")) == read


@pytest.mark.parametrize("path", ["/console/requests", "/console/requests?state=decided", "/console/reports"])
@pytest.mark.parametrize(
    "after",
    [
        f"0001-01-01T00:00:00+14:00~{NOBODY}",
        f"9999-12-31T23:59:59-14:00~{NOBODY}",
        f"2026-11-22T10:00:00~{NOBODY}",
        "2026-11-22T10:00:00+00:00~\x00",
        "\x00~ror",
        "anne.pierre~\x00",
        "~",
        "x" * 3000,
    ],
)
def test_a_key_that_no_line_has_is_the_first_page(console: Console, path: str, after: str) -> None:
    separator = "&" if "?" in path else "?"
    assert console.support.browser.get(f"{path}{separator}{urlencode({'after': after})}").status_code == 200


@pytest.mark.parametrize("service", NO_SERVICE)
def test_a_registration_for_a_service_that_is_not_there_is_for_none(
    start: Callable[..., Provider], service: str
) -> None:
    wizard = Wizard(started(start))
    assert wizard.get(f"{ENTRY}?{urlencode({'service': service})}").status_code == 200
    assert wizard.post(ENTRY, choice="none", service=service).status_code in {200, 303, 400}


def test_access_to_a_service_that_is_not_there_is_not_asked_for(provider: Provider) -> None:
    browser = at_the_portal(provider).browser
    token = csrf_of(browser.get("/compte"))
    for path in ("/compte/access/%00", "/compte/access/rp%00", "/compte/access/" + "x" * 3000):
        assert browser.get(path).status_code == 404
        assert browser.post(path, data={"csrf": token}).status_code == 404
