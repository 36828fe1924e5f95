"""The trail in the console: filtered, by page, and of the services alone that an auditor was given."""

from collections.abc import Callable

import pytest

from idp.domain.audit import AuditEvent
from tests.fakes.console import Console
from tests.fakes.provider import Provider

PAGE = "/console/audit"


@pytest.fixture
def console(start: Callable[..., Provider]) -> Console:
    made = Console.start(start)
    for client_id in ("ror", "espace-pro"):
        made.provider.add_client(client_id)
    made.provider.clock.advance(days=1)
    for client_id in ("ror", "espace-pro"):
        made.provider.services.db.append(
            AuditEvent(
                "entitlement.granted", "operator:claire", "someone", client_id, detail={"to": f"for-{client_id}"}
            ),
            made.provider.clock.now(),
        )
    network, note = {"network": "203.0.113.0/24"}, {"note": "for-none"}
    closed = AuditEvent("alert.closed", "operator:claire", personal=network, detail=note)
    made.provider.services.db.append(closed, made.provider.clock.now())
    return made


def rows(text: str) -> set[str]:
    return {each for each in ("for-ror", "for-espace-pro", "for-none") if each in text}


@pytest.mark.parametrize("role", ["support", "approver", "policy_owner"])
def test_other_roles_read_nothing(console: Console, role: str) -> None:
    assert console.of("karim", (role, "*")).browser.get(PAGE).status_code == 403


def test_an_auditor_of_all_reads_all_and_nothing_personal(console: Console) -> None:
    text = console.auditor.browser.get(PAGE).text
    assert rows(text) == {"for-ror", "for-espace-pro", "for-none"}
    assert "203.0.113" not in text


def test_what_happened_is_said_in_the_readers_language(console: Console) -> None:
    refused = AuditEvent("console.denied", "operator:claire", outcome="refused")
    console.provider.services.db.append(refused, console.provider.clock.now())
    auditor = console.auditor.browser
    for language, words in (("fr", ("Alerte close", "Refusé")), ("en", ("Alert closed", "Refused"))):
        text = auditor.get(PAGE, headers={"Accept-Language": language}).text
        assert all(each in text for each in words), language
        assert "<code>alert.closed</code>" in text


@pytest.mark.parametrize("query", [{}, {"client": "espace-pro"}, {"name": "alert.closed"}, {"client": "*"}])
def test_an_auditor_of_one_service_reads_no_other(console: Console, query: dict[str, str]) -> None:
    auditor = console.of("karim", ("auditor", "ror"))
    text = auditor.browser.get(PAGE, query_string=query).text
    assert rows(text) <= {"for-ror"}
    assert ">espace-pro<" not in text
    assert rows(auditor.browser.get(PAGE).text) == {"for-ror"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"name": "alert.closed"}, {"for-none"}),
        ({"client": "ror"}, {"for-ror"}),
        ({"client": "unknown"}, set()),
        ({"actor": "operator:claire", "client": "espace-pro"}, {"for-espace-pro"}),
        ({"actor": "operator:nobody"}, set()),
        ({"subject": "someone"}, {"for-ror", "for-espace-pro"}),
        ({"since": "2000-01-01"}, {"for-ror", "for-espace-pro", "for-none"}),
        ({"until": "2000-01-01"}, set()),
        ({"since": "2999-12-31"}, set()),
        ({"since": "9999-99-99"}, {"for-ror", "for-espace-pro", "for-none"}),
    ],
)
def test_filters(console: Console, query: dict[str, str], found: set[str]) -> None:
    assert rows(console.auditor.browser.get(PAGE, query_string=query).text) == found


def test_a_day_ends_with_its_last_instant(console: Console) -> None:
    day = console.provider.clock.now().date().isoformat()
    assert rows(console.auditor.browser.get(PAGE, query_string={"since": day, "until": day}).text)


def test_whom_an_event_is_about_is_a_link_for_those_who_may_see_that(console: Console) -> None:
    """A registration is no account: its page is another."""
    about = AuditEvent("registration.seen", "operator:claire", "of-a-registration")
    console.provider.services.db.append(about, console.provider.clock.now())
    links = {'href="/console/registrations/of-a-registration"', 'href="/console/people/someone"'}
    assert not any(link in console.auditor.browser.get(PAGE).text for link in links)
    both = console.of("karim", ("auditor", "*"), ("support", "*"))
    assert all(link in both.browser.get(PAGE).text for link in links)


@pytest.mark.parametrize("typed", ["<script>alert(1)</script>", "\x00", "\u202eabc", "a" * 5000, "'"])
@pytest.mark.parametrize("name", ["name", "actor", "subject", "client", "since", "until", "after"])
def test_whatever_is_in_a_filter_is_a_page(console: Console, name: str, typed: str) -> None:
    response = console.auditor.browser.get(PAGE, query_string={name: typed})
    assert response.status_code == 200
    assert "<script>alert" not in response.text


def test_pages_follow_each_other_without_loss(console: Console) -> None:
    for number in range(230):
        event = AuditEvent("alert.raised", "provider", detail={"kind": f"number-{number:03}"})
        console.provider.services.db.append(event, console.provider.clock.now())
    seen: list[str] = []
    url = f"{PAGE}?name=alert.raised"
    while url:
        text = console.auditor.browser.get(url).text
        seen += [f"number-{n:03}" for n in range(230) if f"number-{n:03}<" in text]
        url = text.partition('id="next-page" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert sorted(seen) == [f"number-{n:03}" for n in range(230)]
