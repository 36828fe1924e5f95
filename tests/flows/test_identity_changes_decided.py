"""Of those who decide of a change one does; and what else ends it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from idp.domain.identity_change import ChangeState, IdentityChange
from idp.domain.rights import ALL_SERVICES, Role
from idp.errors import InvalidOperation
from idp.flows.operators import identity_changes, roles
from idp.flows.operators.desk import Obstacle
from tests.fakes.console import give_role
from tests.fakes.holder import Holder
from tests.fakes.new_address import changed
from tests.fakes.provider import Provider
from tests.fakes.two_operators import (
    ANNE,
    CLAIRE,
    NADIA,
    NEW,
    OLD,
    RPPS,
    WHY,
    account,
    approve,
    approved,
    letters,
    nothing_is_open,
    now,
    propose,
    refuse,
    refused,
    wait,
    with_operators,
)


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    return with_operators(start, monkeypatch)


# -- one decides -------------------------------------------------------------------------------


def decide_at_once(provider: Provider, made: IdentityChange, *names: str) -> list[bool]:
    def decide(name: str) -> bool:
        try:
            approve(provider, made, by=name)
        except Obstacle:
            return False
        return True

    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(decide, names))


def test_of_two_operators_at_once_one_counts_and_one_letter_goes(provider: Provider) -> None:
    provider.add_account("eva.support")
    made = propose(provider)
    assert decide_at_once(provider, made, CLAIRE, "eva.support", CLAIRE, "eva.support").count(True) == 1
    assert len(letters(provider)) == 1
    assert len(provider.events("identity_change.approved")) == 1


def test_what_was_refused_is_not_approved(provider: Provider) -> None:
    made = propose(provider)
    refuse(provider, made)
    refused("changed", lambda: approve(provider, made))
    refused("changed", lambda: refuse(provider, made))
    assert now(provider, made).state is ChangeState.REFUSED
    nothing_is_open(provider)
    assert provider.events("identity_change.refused")[0].actor == f"operator:{CLAIRE}"


@pytest.mark.parametrize("name", [NADIA, CLAIRE])
def test_any_operator_takes_back_what_is_not_done(provider: Provider, name: str) -> None:
    made = approved(provider)
    refuse(provider, made, by=name)
    assert now(provider, made).state is ChangeState.CANCELLED
    wait(provider, hours=25)
    assert account(provider).verified_email == OLD


def test_an_unknown_change_is_none(provider: Provider) -> None:
    with provider.services.db.read() as tx, pytest.raises(InvalidOperation, match="no such change"):
        identity_changes.find(tx, "unknown")


# -- what else ends it -------------------------------------------------------------------------


def test_the_holders_own_change_of_address_is_the_newer_word(provider: Provider) -> None:
    email, card = approved(provider, value="third@clinique.example"), propose(provider, "rpps", RPPS)
    changed(Holder.proven(provider, "/compte/personal/email"))
    assert (now(provider, email).state, now(provider, email).note) == (ChangeState.CANCELLED, "by_holder")
    assert now(provider, card).state is ChangeState.PROPOSED
    assert account(provider).verified_email == NEW


def take_role(provider: Provider, login: str, role: str) -> None:
    with provider.services.db.write() as tx:
        roles.revoke(provider.desk, tx, login, Role(role), ALL_SERVICES)


@pytest.mark.parametrize("name", [NADIA, CLAIRE])
def test_with_the_role_goes_what_an_operator_had_a_part_in(provider: Provider, name: str) -> None:
    for role in ("support", "auditor"):
        give_role(provider, name, role)
    made = approved(provider)
    take_role(provider, name, "auditor")
    assert now(provider, made).state is ChangeState.APPROVED, "they may take part still"
    take_role(provider, name, "support")
    assert (now(provider, made).state, now(provider, made).note) == (ChangeState.CANCELLED, "operator_role")
    assert provider.events("identity_change.cancelled")[0].subject == made.account_id
    wait(provider, hours=25)
    assert account(provider).verified_email == OLD


def test_the_command_needs_no_role_and_loses_none(provider: Provider) -> None:
    give_role(provider, NADIA, "auditor")
    made = approved(provider)
    take_role(provider, NADIA, "auditor")
    assert now(provider, made).state is ChangeState.APPROVED


def test_a_proposal_that_nobody_decides_is_forgotten(provider: Provider) -> None:
    made = propose(provider)
    wait(provider, days=7, seconds=-1)
    assert now(provider, made) == made
    wait(provider, seconds=2)
    assert now(provider, made).state is ChangeState.EXPIRED
    refused("changed", lambda: approve(provider, made))
    assert provider.events("identity_change.expired")[0].actor == "provider"


def test_one_operator_is_enough_where_the_region_says_so_and_the_holder_is_asked_still(
    start: Callable[..., Provider],
) -> None:
    alone = start(two_operators=False)
    alone.add_account(ANNE)
    made = propose(alone)
    assert (made.state, made.approved_by) == (ChangeState.APPROVED, None)
    assert len(letters(alone)) == 1
    assert account(alone).verified_email == OLD
    assert alone.events("identity_change.approved")[0].detail["operators"] == "1"


def test_what_it_gives_stands_beside_the_trail_and_in_no_log(
    provider: Provider, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    made = approved(provider)
    provider.mails()
    wait(provider, hours=25)
    events = [each for each in provider.events() if each.name.startswith("identity_change.")]
    assert [each.name.partition(".")[2] for each in events] == ["applied", "approved", "proposed"]
    assert all(each.subject == made.account_id and each.detail["change"] == made.change_id for each in events)
    assert events[2].personal["value"] == NEW
    assert events[2].detail["reason"] == WHY
    printed = capsys.readouterr()
    for text in (str([each.detail for each in provider.events()]), caplog.text, printed.out, printed.err):
        assert NEW not in text
