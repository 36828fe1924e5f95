"""What was decided later is not undone by a change that was begun before."""

from collections.abc import Callable

import pytest

from idp.domain.identity_change import ChangeState
from idp.domain.rights import ALL_SERVICES, Role
from idp.errors import InvalidOperation
from idp.flows.operators import contacts, roles
from tests.fakes import national_card
from tests.fakes.console import give_role
from tests.fakes.national import alerts, give
from tests.fakes.portal import METHODS
from tests.fakes.provider import Provider
from tests.fakes.two_operators import (
    ANNE,
    CLAIRE,
    NADIA,
    OLD,
    RPPS,
    account,
    approved,
    letters,
    link_in,
    now,
    propose,
    wait,
)

RIGHT = "anne.pierre@region.example"


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    national_card.install(monkeypatch)
    made = start(methods=METHODS, brand={"support_email": "support@region.example"})
    for login in (ANNE, NADIA, CLAIRE):
        made.add_account(login)
    return made


@pytest.mark.parametrize("is_approved", [False, True])
def test_an_address_that_was_set_alone_is_not_replaced_by_an_older_one(provider: Provider, is_approved: bool) -> None:
    """Two operators mistyped it, or a thief reads the mailbox and would confirm."""
    made, card = approved(provider) if is_approved else propose(provider), propose(provider, "rpps", RPPS)
    contacts.set_email(provider.services, provider.desk, ANNE, RIGHT, "vue au guichet")
    assert (now(provider, made).state, now(provider, made).note) == (ChangeState.CANCELLED, "superseded")
    assert now(provider, card).state is ChangeState.PROPOSED
    if is_approved:
        assert "annulé" in provider.browser().get(link_in(letters(provider)[0])).text
    wait(provider, hours=25)
    assert account(provider).verified_email == RIGHT
    assert alerts(provider) == ["identity_change.alone"]


def test_an_address_that_is_refused_cancels_nothing(provider: Provider) -> None:
    made = propose(provider)
    provider.add_account("karim.benali")
    with pytest.raises(InvalidOperation):
        contacts.set_email(provider.services, provider.desk, ANNE, "karim.benali@chu.example", "vue au guichet")
    assert now(provider, made) == made


def test_a_number_that_was_found_to_be_anothers_is_not_linked_again(provider: Provider) -> None:
    give(provider, account(provider), "rpps", RPPS)
    made, email = approved(provider, "rpps", RPPS), propose(provider)
    contacts.drop_identity(provider.desk, ANNE, "rpps", "celui d'une homonyme")
    assert (now(provider, made).state, now(provider, made).note) == (ChangeState.CANCELLED, "identity_dropped")
    assert now(provider, email).state is ChangeState.PROPOSED
    wait(provider, hours=25)
    assert "rpps" not in account(provider).identities


@pytest.mark.parametrize("is_approved", [False, True])
def test_nothing_is_done_of_somebody_who_became_an_operator(provider: Provider, is_approved: bool) -> None:
    """Two operators of support would let themselves into what they may not do."""
    made = approved(provider, spares_operators=True) if is_approved else propose(provider, spares_operators=True)
    with provider.services.db.write() as tx:
        roles.grant(provider.desk, tx, ANNE, Role.POLICY_OWNER, ALL_SERVICES)
    assert (now(provider, made).state, now(provider, made).note) == (ChangeState.CANCELLED, "operator")
    wait(provider, hours=25)
    assert account(provider).verified_email == OLD


def test_another_role_cancels_nothing_that_the_command_line_proposed(provider: Provider) -> None:
    give_role(provider, ANNE, "auditor", "ror")
    made = approved(provider)
    with provider.services.db.write() as tx:
        roles.grant(provider.desk, tx, ANNE, Role.AUDITOR, ALL_SERVICES)
    assert now(provider, made) == made
