"""What operators type about another address or a card: said where it is wrong, and nothing is lost."""

from collections.abc import Callable

import pytest

from idp.domain.account import AccountStatus
from idp.flows.operators import accounts
from tests.fakes import national_card
from tests.fakes.console import Console, send
from tests.fakes.console_changes import decide, other, page_of, proposed
from tests.fakes.portal import METHODS
from tests.fakes.provider import Provider
from tests.fakes.relying_party import csrf_of, path_of
from tests.fakes.two_operators import ANNE, NEW, OLD, RPPS, WHY, now


@pytest.fixture
def console(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Console:
    national_card.install(monkeypatch)
    made = Console.start(start, methods=METHODS)
    made.provider.add_account(ANNE)
    return made


@pytest.mark.parametrize(
    ("form", "value"),
    [
        *(
            ("change-email", value)
            for value in ("", "anne", "a\x00@x.example", "<script>alert(1)</script>", OLD, "é" * 9000)
        ),
        *(("link-identity", value) for value in ("", "12", RPPS[:-1] + "7", "1" * 60_000, "<script>alert(1)</script>")),
    ],
    ids=lambda value: value[:12].encode().hex(),
)
def test_a_mistake_is_said_at_its_field_and_nothing_typed_is_lost(console: Console, form: str, value: str) -> None:
    path = f"{page_of(console)}/{form}"
    answer = send(console.support, path, path, value=value, reason=WHY, kind="rpps", method="national_card")
    if value == "a\x00@x.example":
        assert answer.status_code in {400, 422}
    else:
        assert answer.status_code == 422
        assert 'href="#value"' in answer.text
        assert "carte d&#39;identité vue" in answer.text
    assert "<script>alert" not in answer.text
    assert not console.provider.events("identity_change.proposed")


@pytest.mark.parametrize("kind", ["", "email", "login_name", "x" * 5000])
def test_a_card_has_a_kind_of_its_own(console: Console, kind: str) -> None:
    path = f"{page_of(console)}/link-identity"
    answer = send(console.support, path, path, value=NEW, reason=WHY, kind=kind)
    assert answer.status_code in {303, 422}
    assert not console.provider.events("identity_change.proposed")


@pytest.mark.parametrize("method", ["", "password", "x\r\ny"])
def test_it_is_linked_to_what_proves_it(console: Console, method: str) -> None:
    path = f"{page_of(console)}/link-identity"
    answer = send(console.support, path, path, value=RPPS, reason=WHY, kind="rpps", method=method)
    assert answer.status_code in {303, 400}
    assert not console.provider.events("identity_change.proposed")


def test_one_megabyte_is_too_much(console: Console) -> None:
    path = f"{page_of(console)}/change-email"
    csrf = csrf_of(console.support.browser.get(path))
    answer = console.support.browser.post(path, data={"csrf": csrf, "value": "a" * 1_000_000, "reason": WHY})
    assert answer.status_code == 413


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "x\u202ey"])
def test_a_reason_is_needed_to_propose_and_to_refuse(console: Console, reason: str) -> None:
    path = f"{page_of(console)}/change-email"
    answer = send(console.support, path, path, value=NEW, reason=reason)
    assert (answer.status_code, 'href="#reason"' in answer.text, NEW in answer.text) == (422, True, True)
    made = proposed(console)
    assert 'id="error-summary"' in decide(console, other(console), made, "refuse", reason=reason)
    assert now(console.provider, made) == made


def test_an_account_that_is_not_active_is_left_alone(console: Console) -> None:
    page = page_of(console)
    accounts.set_status(console.provider.desk, ANNE, AccountStatus.SUSPENDED, "x")
    assert "change-email" not in console.support.browser.get(page).text
    assert path_of(send(console.support, f"{page}/change-email", f"{page}/change-email", value=NEW, reason=WHY)) == page
    assert "pas actif" in console.support.browser.get(page).text
