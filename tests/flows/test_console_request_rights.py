"""Who sees requests for access, and who decides: others are told that there is no such request."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.fakes.access import ROLES, ask, request_of, with_service
from tests.fakes.access_desk import LIST, page_of
from tests.fakes.console import Console, give_role
from tests.fakes.portal import at_the_portal
from tests.fakes.provider import Provider
from tests.fakes.relying_party import csrf_of


@pytest.fixture
def console(start: Callable[..., Provider]) -> Console:
    """Espace Pro with two levels and roles, and Anne's request for it."""
    made = Console.start(start)
    made.provider.add_account("anne.pierre")
    with_service(made.provider, region_approves=True, service_approves=True, roles=ROLES)
    ask(at_the_portal(made.provider))
    return made


def test_a_request_of_another_service_is_not_there(console: Console) -> None:
    provider = console.provider
    provider.add_client("ror", needs_entitlement=True)
    stranger, page = console.approver("ror"), page_of(provider)
    unknown = f"{LIST}/{uuid4()}"
    token = csrf_of(stranger.browser.get(LIST))
    assert "Anne Pierre" not in stranger.browser.get(LIST).text
    for path in (page, unknown):
        assert stranger.browser.get(path).status_code == 404
        for action in ("claim", "release", "ask", "refuse", "approve"):
            data = {"csrf": token, "version": "1", "text": "x"}
            assert stranger.browser.post(f"{path}/{action}", data=data).status_code == 404
    assert stranger.browser.get(f"{LIST}?service=espace-pro").status_code == 404
    assert request_of(provider).version == 1


@pytest.mark.parametrize("role", ["policy_owner", "auditor"])
def test_other_roles_do_not_see_requests(console: Console, role: str) -> None:
    other = console.of("other", (role, "*"))
    token = csrf_of(other.browser.get("/console"))
    assert other.browser.get(LIST).status_code == 403
    assert other.browser.get(page_of(console.provider)).status_code == 403
    for action in ("claim", "approve"):
        data = {"csrf": token, "version": "1"}
        assert other.browser.post(f"{page_of(console.provider)}/{action}", data=data).status_code == 403
    assert request_of(console.provider).version == 1


def test_a_role_that_was_taken_away_decides_nothing(console: Console) -> None:
    provider, support = console.provider, console.support
    token = csrf_of(support.browser.get(page_of(provider)))
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("nadia.support")
        assert account
        tx.operator_roles.revoke_all(account.account_id)
    give_role(provider, "nadia.support", "auditor")
    answered = support.browser.post(f"{page_of(provider)}/approve", data={"csrf": token, "version": "1"})
    assert answered.status_code == 403
    assert request_of(provider).version == 1


def test_a_form_without_its_token_decides_nothing(console: Console) -> None:
    for action in ("claim", "release", "ask", "refuse", "approve"):
        path = f"{page_of(console.provider)}/{action}"
        assert console.support.browser.post(path, data={"version": "1", "text": "x"}).status_code == 403
    assert request_of(console.provider).version == 1
