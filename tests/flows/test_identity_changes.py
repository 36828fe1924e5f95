"""Another address or a card by support: two operators, neither for themselves, and nothing before the holder's time."""

from collections.abc import Callable

import pytest

from idp.domain.account import AccountStatus
from idp.domain.identity_change import ChangeState
from idp.flows.operators import accounts
from idp.store.rpps_extract import Registered
from tests.fakes.console import give_role
from tests.fakes.national import alerts, give
from tests.fakes.provider import Provider
from tests.fakes.two_operators import (
    ANNE,
    CLAIRE,
    NADIA,
    OLD,
    OTHER_RPPS,
    RPPS,
    account,
    approve,
    approved,
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


# -- what is refused ---------------------------------------------------------------------------


def test_nobody_proposes_for_their_own_account(provider: Provider) -> None:
    for own in (ANNE, "Anne.Pierre", f"{ANNE}@elsewhere.example"):
        refused("own_account", lambda own=own: propose(provider, by=own))
    nothing_is_open(provider)
    denied = provider.events("identity_change.denied")
    assert [(each.detail["reason"], each.outcome) for each in denied] == [("own_account", "refused")] * 3
    assert denied[0].subject == account(provider).account_id


def test_nobody_approves_for_their_own_account(provider: Provider) -> None:
    made = propose(provider)
    refused("own_account", lambda: approve(provider, made, by=ANNE))
    assert now(provider, made) == made


@pytest.mark.parametrize("name", [NADIA, "NADIA.support", f"{NADIA}+2@chu.example"])
def test_the_same_operator_does_not_approve(provider: Provider, name: str) -> None:
    made = propose(provider)
    refused("same_operator", lambda: approve(provider, made, by=name))
    assert now(provider, made) == made
    assert provider.events("identity_change.denied")[0].detail["reason"] == "same_operator"


def test_nor_does_whoever_has_two_names(provider: Provider) -> None:
    """The operator's address is theirs, whatever stands before its @."""
    provider.add_account("eva.support", email="e.martin@chu.example")
    made = propose(provider, by="eva.support")
    refused("same_operator", lambda: approve(provider, made, by="e.martin@chu.example"))


@pytest.mark.parametrize(
    ("kind", "value"), [("rpps", RPPS), ("adeli", "2B7010446"), ("employee", "3330000019/9001"), ("email", "")]
)
def test_what_is_an_operators_own_is_given_to_nobody(provider: Provider, kind: str, value: str) -> None:
    """Their card, or their mailbox, would let them into the account."""
    made = propose(provider, kind, value or f"{CLAIRE}+x@elsewhere.example")
    if value:
        give(provider, account(provider, CLAIRE), kind, value)
    refused("own_identity", lambda: approve(provider, made))
    refuse(provider, made)
    refused("own_identity", lambda: propose(provider, kind, made.value, by=CLAIRE))
    assert {each.detail["reason"] for each in provider.events("identity_change.denied")} == {"own_identity"}
    assert not provider.events("identity_change.approved")


def test_nor_what_the_register_says_is_an_operators(provider: Provider) -> None:
    """Whose account holds no number: the most usual operator."""
    with provider.services.db.write() as tx:
        tx.rpps_extract.put([Registered(RPPS, "SUPPORT", "Nadia")], provider.clock.now())
    refused("own_identity", lambda: propose(provider, "rpps", RPPS))
    made = propose(provider, "rpps", RPPS, by=CLAIRE)
    refused("own_identity", lambda: approve(provider, made, by=NADIA))


def test_but_a_holder_may_have_an_operators_name(provider: Provider) -> None:
    with provider.services.db.write() as tx:
        tx.rpps_extract.put([Registered(RPPS, "PIERRE", "Anne")], provider.clock.now())
        tx.profiles.set_names(account(provider, NADIA).account_id, "Anne", "Pierre", provider.clock.now())
    assert propose(provider, "rpps", RPPS).state is ChangeState.PROPOSED


def test_nor_what_became_the_proposers_own_meanwhile(provider: Provider) -> None:
    made = propose(provider, "rpps", RPPS)
    give(provider, account(provider, NADIA), "rpps", RPPS)
    refused("own_identity", lambda: approve(provider, made))


def test_nor_what_became_an_operators_own_after_the_approval(provider: Provider) -> None:
    made = approved(provider, "rpps", RPPS)
    give(provider, account(provider, CLAIRE), "rpps", RPPS)
    wait(provider, hours=25)
    assert (now(provider, made).state, now(provider, made).note) == (ChangeState.CANCELLED, "own_identity")
    assert "rpps" not in account(provider).identities


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("email", "anne", "unsound_email"),
        ("email", "anne\x00@x.example", "unsound_email"),
        ("email", "<script>@x.example", "unsound_email"),
        ("email", "a" * 1_000_000 + "@x.example", "unsound_email"),
        ("email", "", "unsound_email"),
        ("email", "karim.benali@chu.example", "taken"),
        ("email", OLD.upper(), "unchanged"),
        ("rpps", RPPS[:-1] + "7", "unsound_identity"),
        ("rpps", "1" * 1_000_000, "unsound_identity"),
        ("rpps", f"{RPPS}\x00", "unsound_identity"),
        ("rpps", "<script>alert(1)</script>", "unsound_identity"),
        ("rpps", "", "unsound_identity"),
        ("rpps", OTHER_RPPS, "taken"),
        ("adeli", "12", "unsound_identity"),
        ("login_name", "anne2", "unsound_kind"),
        ("password", "x", "unsound_kind"),
    ],
    ids=lambda value: value[:20].encode().hex() if len(value) > 30 or not value.isprintable() else None,
)
def test_what_is_not_sound_or_not_free_is_not_proposed(provider: Provider, kind: str, value: str, code: str) -> None:
    refused(code, lambda: propose(provider, kind, value))
    nothing_is_open(provider)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\x00b", "a\u202eb"])
def test_a_reason_is_needed(provider: Provider, reason: str) -> None:
    refused("reason", lambda: propose(provider, reason=reason))
    nothing_is_open(provider)


def test_a_card_is_linked_to_nobody_who_holds_another_number(provider: Provider) -> None:
    refused("other_identity", lambda: propose(provider, "rpps", RPPS, login="karim.benali"))
    refused("method_off", lambda: propose(provider, "rpps", RPPS, method="password"))
    with provider.services.db.write() as tx:
        tx.means.add_link(account(provider).account_id, "national_card", provider.clock.now())
    refused("linked", lambda: propose(provider, "rpps", RPPS))


def test_the_account_of_an_operator_is_left_to_the_command_line(provider: Provider) -> None:
    made = propose(provider)
    give_role(provider, ANNE, "auditor", "ror")
    refused("is_operator", lambda: propose(provider, "rpps", RPPS, spares_operators=True))
    refused("is_operator", lambda: approve(provider, made, spares_operators=True))
    assert approve(provider, made).state is ChangeState.APPROVED


def test_one_of_a_kind_at_a_time(provider: Provider) -> None:
    made = propose(provider)
    refused("open", lambda: propose(provider, value="other@clinique.example", by=CLAIRE))
    propose(provider, "rpps", RPPS)
    approve(provider, made)
    refused("open", lambda: propose(provider, value="other@clinique.example", by=CLAIRE))


@pytest.mark.parametrize("status", [AccountStatus.SUSPENDED, AccountStatus.CLOSED])
@pytest.mark.parametrize("is_approved", [False, True])
def test_an_account_that_is_not_active_any_more_is_given_nothing(
    provider: Provider, status: AccountStatus, is_approved: bool
) -> None:
    made = approved(provider) if is_approved else propose(provider)
    accounts.set_status(provider.desk, ANNE, status, "parti")
    assert (now(provider, made).state, now(provider, made).note) == (ChangeState.CANCELLED, status.value)
    refused("inactive", lambda: propose(provider))
    accounts.set_status(provider.desk, ANNE, AccountStatus.ACTIVE, "revenu")
    wait(provider, hours=25)
    assert account(provider).verified_email == OLD


@pytest.mark.parametrize("name", [NADIA, CLAIRE])
def test_nothing_is_done_of_what_an_operator_who_was_suspended_asked(provider: Provider, name: str) -> None:
    made = approved(provider)
    accounts.set_status(provider.desk, name, AccountStatus.SUSPENDED, "enquête")
    wait(provider, hours=25)
    assert (now(provider, made).state, now(provider, made).note) == (ChangeState.CANCELLED, "operator_inactive")
    assert account(provider).verified_email == OLD
    assert alerts(provider) == ["identity_change.stopped"]


def test_nor_is_it_approved(provider: Provider) -> None:
    made = propose(provider)
    accounts.set_status(provider.desk, NADIA, AccountStatus.SUSPENDED, "enquête")
    refused("operator_inactive", lambda: approve(provider, made))
