"""The first page of the console says how many wait in the queues that an operator sees, and in no others."""

from collections.abc import Callable

import pytest

from tests.fakes.access import ask, with_service
from tests.fakes.console import HOME, Console
from tests.fakes.portal import at_the_portal
from tests.fakes.provider import Provider
from tests.fakes.registering import submit


@pytest.fixture
def console(start: Callable[..., Provider]) -> Console:
    """Two registrations wait, and Anne's request for espace-pro."""
    made = Console.start(start)
    made.provider.add_account("anne.pierre")
    with_service(made.provider)
    made.provider.add_client("ror", needs_entitlement=True)
    ask(at_the_portal(made.provider))
    submit(made.provider)
    submit(made.provider)
    return made


def test_support_sees_how_many_registrations_and_requests_wait(console: Console) -> None:
    text = console.support.browser.get(HOME).text
    assert text.count("2 en attente") == 1
    assert text.count("1 en attente") == 1


@pytest.mark.parametrize(("service", "shown"), [("espace-pro", 1), ("ror", 0)])
def test_an_approver_sees_those_of_the_own_service_alone(console: Console, service: str, shown: int) -> None:
    text = console.approver(service).browser.get(HOME).text
    assert text.count("1 en attente") == shown
    assert text.count("en attente") == shown
