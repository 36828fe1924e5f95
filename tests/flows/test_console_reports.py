"""Who has access to what: within one's scope, and as a file that no spreadsheet runs."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest

from idp.domain.service_access import GivenRole
from tests.fakes.console import Console
from tests.fakes.provider import Provider

PAGE, FILE = "/console/reports", "/console/reports/accesses.csv"
HEADER = "login,given_name,family_name,email,status,client_id,service,roles,granted_at,granted_by,expires_at"


@pytest.fixture
def console(start: Callable[..., Provider]) -> Console:
    """Anne may open two services, one for ten days; Karim, whose name is a formula, one."""
    made = Console.start(start)
    provider, now = made.provider, made.provider.clock.now()
    anne = provider.add_account("anne.pierre").account_id
    karim = provider.add_account("karim", given_name="=1+1").account_id
    for client_id in ("ror", "espace-pro"):
        provider.add_client(client_id, needs_entitlement=True)
    with provider.services.db.write() as tx:
        tx.accounts.grant(anne, "ror", "operator:claire", now, None, roles=[GivenRole("PORTEUR_OFFRE", "330781196")])
        tx.accounts.grant(anne, "espace-pro", "operator:claire", now, now + timedelta(days=10))
        tx.accounts.grant(karim, "ror", "operator:claire", now, None)
    return made


def rows(text: str) -> list[tuple[str, str]]:
    found = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    return [(row["login"], row["client_id"]) for row in found]


def test_the_report_is_that_of_the_scope(console: Console) -> None:
    everything = [("anne.pierre", "espace-pro"), ("anne.pierre", "ror"), ("karim", "ror")]
    assert rows(console.auditor.browser.get(FILE).text) == everything
    assert rows(console.auditor.browser.get(f"{FILE}?service=ror").text) == everything[1:]
    assert rows(console.approver("ror").browser.get(FILE).text) == everything[1:]
    assert "espace-pro" not in console.approver("ror").browser.get(PAGE).text.replace("approver", "")
    for page in (PAGE, FILE):
        assert console.approver("ror").browser.get(f"{page}?service=espace-pro").status_code == 404
        assert console.policy_owner("ror").browser.get(page).status_code == 403


def test_the_file_runs_nothing_and_who_read_it_is_recorded(console: Console) -> None:
    answered = console.auditor.browser.get(FILE)
    assert answered.headers["Content-Disposition"] == 'attachment; filename="accesses.csv"'
    assert answered.headers["Cache-Control"] == "no-store"
    lines = list(csv.reader(io.StringIO(answered.text.removeprefix("\ufeff"))))
    assert ",".join(lines[0]) == HEADER
    assert lines[3][1] == "'=1+1"
    assert lines[2][7] == "PORTEUR_OFFRE@330781196"
    (event,) = console.provider.events("entitlement.report_read")
    assert (event.actor, event.detail) == ("operator:paul.auditor", {"rows": "3"})


def test_the_page_shows_roles_and_ends(console: Console) -> None:
    page = console.auditor.browser.get(PAGE).text
    assert "PORTEUR_OFFRE@330781196" in page
    assert "sans fin" in page
    soon = console.auditor.browser.get(f"{PAGE}?soon=1").text
    assert "Service espace-pro</td>" in soon
    assert "Service ror</td>" not in soon


def test_pages_follow_one_another(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idp.flows.console.reports.PAGE_SIZE", 2)
    first = console.auditor.browser.get(PAGE).text
    assert "?after=anne.pierre~ror" in first
    second = console.auditor.browser.get(f"{PAGE}?after=anne.pierre~ror").text
    assert "karim" in second
    assert "anne.pierre<" not in second
