"""What an account can prove itself with: what a sensitive action asks for."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from idp.domain.account import Account
from idp.domain.authn import Assurance, IdentityRef
from idp.flows import own_means
from idp.flows.own_means import OwnMeans
from tests.fakes import national_card
from tests.fakes.enrolling import given_totp
from tests.fakes.federated import PSC, with_upstreams
from tests.fakes.provider import Provider
from tests.fakes.upstream import FakeUpstream

NOW = datetime(2026, 7, 1, tzinfo=UTC)
RPPS = IdentityRef("rpps", "10101234567")


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    national_card.install(monkeypatch)
    return start(methods=("email_otp", "password", "national_card"))


def means(provider: Provider, account: Account) -> OwnMeans:
    with provider.services.db.read() as tx:
        found = tx.accounts.get(account.account_id)
        assert found
        return own_means.of_account(provider.services, tx, found)


def listed(found: OwnMeans) -> list[tuple[str, str | None]]:
    return [(entry.id, entry.after) for entry in found.policy("portail", NOW).methods]


def test_the_best_that_is_usable(provider: Provider) -> None:
    found = means(provider, provider.add_account("anne.pierre"))
    assert found.level == Assurance.MEDIUM
    assert listed(found) == [("email_otp", "password")]


def test_a_password_alone_only_where_there_is_nothing_else(provider: Provider) -> None:
    found = means(provider, provider.add_account("anne.pierre", email=""))
    assert found.level == Assurance.LOW
    assert listed(found) == [("password", None)]


def test_one_mailbox_is_one_factor(provider: Provider) -> None:
    found = means(provider, provider.add_account("anne.pierre", anchor="mailbox"))
    assert found.level == Assurance.LOW
    assert listed(found) == [("email_otp", "password")]


def test_a_national_identity_counts_once_it_is_linked(provider: Provider) -> None:
    account = provider.add_account("anne.pierre", rpps=RPPS.value)
    assert means(provider, account).level == Assurance.MEDIUM
    with provider.services.db.write() as tx:
        tx.means.add_link(account.account_id, "national_card", provider.clock.now())
    found = means(provider, account)
    assert found.level == Assurance.HIGH
    assert listed(found) == [("national_card", None)]


def test_a_code_alone_where_there_is_no_password(provider: Provider) -> None:
    found = means(provider, provider.add_account("anne.pierre", password=None))
    assert found.level == Assurance.LOW
    assert listed(found) == [("email_otp", None)]


def test_what_never_goes_without_a_password_is_no_means_where_there_is_none(start: Callable[..., Provider]) -> None:
    made = start(methods=("email_otp", "password", "totp"))
    account = made.add_account("anne.pierre", password=None)
    given_totp(made)
    assert listed(means(made, account)) == [("email_otp", None)]


def test_an_account_that_has_nothing_is_let_through_by_nothing(provider: Provider) -> None:
    found = means(provider, provider.add_account("anne.pierre", password=None, email=""))
    assert listed(found) == []
    assert not found.are_fresh((), NOW)


def test_a_removed_upstream_counts_for_what_it_surely_was(start: Callable[..., Provider]) -> None:
    """A telephone there is no card: one upstream is as good as the other."""
    made = with_upstreams(start(), FakeUpstream(), FakeUpstream("second"))
    account = made.add_account("anne.pierre", rpps=RPPS.value)
    now = made.clock.now()
    with made.services.db.write() as tx:
        removed, _ = (tx.means.add_link(account.account_id, method, now) for method in (PSC, "second"))
        assert tx.means.remove(account.account_id, removed, now)
    found = means(made, account)
    assert found.level == Assurance.SUBSTANTIAL
    with made.services.db.read() as tx:
        assert own_means.is_enough(made.services, tx, account, found)
