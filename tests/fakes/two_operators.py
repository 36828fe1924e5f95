"""Changes of an address or of a card, as two operators and the holder make them."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from idp.domain.account import Account
from idp.domain.identity_change import IdentityChange
from idp.flows.identity_changes import apply_due
from idp.flows.operators import identity_changes
from idp.flows.operators.desk import Desk, Obstacle
from tests.fakes import national_card
from tests.fakes.mailer import Mail
from tests.fakes.portal import METHODS
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import csrf_of

ANNE, NADIA, CLAIRE = "anne.pierre", "nadia.support", "claire.support"
OLD, NEW = "anne.pierre@chu.example", "anne@clinique.example"
RPPS, OTHER_RPPS = "10003456786", "10000000017"
WHY = "carte d'identité vue"
CARD = "national_card"


def with_operators(start: Callable[..., Provider], patch: pytest.MonkeyPatch, **settings: Any) -> Provider:
    """Anne, two operators, and Karim, whose address and number are taken."""
    national_card.install(patch)
    made = start(methods=METHODS, brand={"support_email": "support@region.example"}, **settings)
    made.add_client("rp")
    made.add_client("card", methods=(CARD,))
    for login in (ANNE, NADIA, CLAIRE):
        made.add_account(login)
    made.add_account("karim.benali", rpps=OTHER_RPPS)
    return made


def refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(Obstacle) as problem:
        act()
    assert problem.value.code == code


def desk_of(provider: Provider, name: str) -> Desk:
    return replace(provider.desk, operator=name)


def propose(
    provider: Provider, kind: str = "email", value: str = NEW, *, by: str = NADIA, login: str = ANNE, **options: Any
) -> IdentityChange:
    asked = {"kind": kind, "typed": value, "reason": WHY, "method": CARD, **options}
    return identity_changes.propose(provider.services, desk_of(provider, by), login, **asked)


def approve(provider: Provider, known: IdentityChange, *, by: str = CLAIRE, **options: Any) -> IdentityChange:
    return identity_changes.approve(provider.services, desk_of(provider, by), known, **options)


def refuse(provider: Provider, known: IdentityChange, *, by: str = CLAIRE) -> None:
    identity_changes.refuse(desk_of(provider, by), known, "pas elle")


def approved(provider: Provider, kind: str = "email", value: str = NEW, **options: Any) -> IdentityChange:
    return approve(provider, propose(provider, kind, value, **options))


def now(provider: Provider, known: IdentityChange) -> IdentityChange:
    """As it is stored."""
    with provider.services.db.read() as tx:
        found = tx.identity_changes.get(known.change_id)
    assert found
    return found


def account(provider: Provider, login: str = ANNE) -> Account:
    with provider.services.db.read() as tx:
        found = tx.accounts.find_by_login(login)
    assert found
    return found


def letters(provider: Provider) -> list[Mail]:
    """Those that ask the holder, oldest first."""
    return [mail for mail in provider.mails() if "/identity-change/" in mail.text]


def link_in(mail: Mail) -> str:
    found = re.search(rf"{ISSUER}(/identity-change/[\w-]+)", mail.text)
    assert found, mail.text
    return found.group(1)


def press(provider: Provider, path: str, answer: str = "confirm") -> TestResponse:
    """A button of the page of a link, in a browser that nobody has used."""
    browser = provider.browser()
    return browser.post(path, data={"csrf": csrf_of(browser.get(path)), "answer": answer})


def wait(provider: Provider, **passed: float) -> None:
    """Time passes, and the worker has its turn."""
    provider.clock.advance(**passed)
    assert apply_due(provider.services) is False


def asked(provider: Provider, kind: str = "email", value: str = NEW) -> str:
    """The link in the letter of a change that was approved."""
    approved(provider, kind, value)
    return link_in(letters(provider)[-1])


def links(provider: Provider) -> list[str]:
    """Methods that the account is linked to."""
    with provider.services.db.read() as tx:
        return [link.method for link in tx.means.links(account(provider).account_id)]


def nothing_is_open(provider: Provider) -> None:
    with provider.services.db.read() as tx:
        assert tx.identity_changes.waiting(9) == []
    assert provider.mails() == []
