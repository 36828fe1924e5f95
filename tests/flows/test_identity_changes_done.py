"""What was approved is done when its holder confirms, or after 24 hours: once, whole, and with everybody told."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from idp.domain.account import AccountStatus
from idp.domain.authn import IdentityRef
from idp.domain.identity_change import ChangeState
from idp.flows import identity_changes
from idp.flows.operators import accounts, cards, contacts
from idp.flows.worker import tasks
from tests.fakes.national import alerts, give
from tests.fakes.portal import present
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, path_of
from tests.fakes.two_operators import (
    ANNE,
    CLAIRE,
    NADIA,
    NEW,
    OLD,
    RPPS,
    account,
    approved,
    asked,
    links,
    now,
    press,
    propose,
    wait,
    with_operators,
)

GONE = "Ce lien n'est plus valable"


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    return with_operators(start, monkeypatch)


# -- the time that the holder has --------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "address"), [(-1, OLD), (1, NEW)])
def test_it_is_done_after_24_hours_to_the_second(provider: Provider, seconds: int, address: str) -> None:
    approved(provider)
    wait(provider, hours=24, seconds=seconds)
    assert account(provider).verified_email == address


def test_nothing_is_done_of_what_one_operator_wants(provider: Provider) -> None:
    made = propose(provider)
    wait(provider, hours=25)
    assert identity_changes.apply(provider.services, made, "anonymous") is False
    assert now(provider, made) == made
    assert account(provider).verified_email == OLD


def test_a_worker_that_starts_later_does_it(provider: Provider) -> None:
    approved(provider)
    provider.clock.advance(days=3)
    (task,) = [each for each in tasks(provider.services, Event()) if each.name == "changes of identity"]
    assert task.alone
    assert task.run() is False
    assert account(provider).verified_email == NEW


def test_of_several_workers_one_does_it(provider: Provider) -> None:
    made = approved(provider)
    provider.clock.advance(hours=25)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(identity_changes.apply_due, [provider.services] * 4)) == [False] * 4
    assert now(provider, made).state is ChangeState.DONE
    assert len(provider.events("identity_change.applied")) == len(provider.events("account.email_changed")) == 1
    assert len([mail for mail in provider.mails() if "vient d'être changée" in mail.text]) == 1


# -- what is done ------------------------------------------------------------------------------


def test_another_address_ends_sessions_and_the_old_one_is_told(provider: Provider) -> None:
    rp = RelyingParty(provider)
    tokens = rp.tokens()
    made = approved(provider)
    assert rp.silent().get("code")  # nothing has ended yet
    wait(provider, hours=25)
    assert rp.silent()["error"] == "login_required"
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    told = provider.mails()[-1]
    assert (told.to, NEW in told.text, "/not-me/" in told.text) == (OLD, False, False)
    (event,) = provider.events("account.email_changed")
    assert (event.actor, event.personal["former"]) == (f"operator:{NADIA}", OLD)
    assert (event.detail["change"], event.detail["approved_by"]) == (made.change_id, CLAIRE)
    assert provider.events("identity_change.applied")[0].actor == "provider"


def test_a_card_that_was_linked_signs_in_and_the_holder_is_told(provider: Provider) -> None:
    approved(provider, "rpps", RPPS)
    assert links(provider) == []
    wait(provider, hours=25)
    assert links(provider) == ["national_card"]
    with provider.services.db.read() as tx:
        assert tx.means.origin(IdentityRef("rpps", RPPS)) == "support"
    told = provider.mails()[-1]
    assert (told.to, "/not-me/" in told.text) == (OLD, True)
    rp = RelyingParty(provider, "card")
    assert "code" in answer_of(present(rp, rp.open_login(), rpps=RPPS))


def test_what_is_undone_of_a_card_by_the_notice_stays_undone(provider: Provider) -> None:
    approved(provider, "rpps", RPPS)
    wait(provider, hours=25)
    path = provider.mails()[-1].text.partition("/not-me/")[2].split()[0]
    provider.browser().post(f"/not-me/{path}")
    assert links(provider) == []
    assert "rpps" not in account(provider).identities
    rp = RelyingParty(provider, "card")
    assert path_of(present(rp, rp.open_login(), rpps=RPPS)).startswith("/login/")


# -- what cannot be done any more --------------------------------------------------------------


@pytest.mark.parametrize("kind", ["email", "rpps"])
@pytest.mark.parametrize("by_holder", [True, False])
def test_what_was_taken_meanwhile_is_cancelled_whole(provider: Provider, kind: str, by_holder: bool) -> None:
    path = asked(provider, kind, NEW if kind == "email" else RPPS)
    if kind == "rpps":
        give(provider, provider.add_account("zoe.lefevre"), "rpps", RPPS)
    else:
        provider.add_account("zoe.lefevre", email=NEW)
    if by_holder:
        press(provider, path)
    else:
        wait(provider, hours=25)
    assert (account(provider).verified_email, links(provider)) == (OLD, [])
    (event,) = provider.events("identity_change.cancelled")
    assert (event.detail["reason"], event.actor) == ("taken", "provider")
    assert alerts(provider) == ["identity_change.stopped"]
    assert not provider.events("identity_change.applied")
    assert "annulé" in provider.browser().get(path).text


def test_nothing_is_half_done_of_what_is_taken_in_that_moment(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the write, which the database refuses."""
    made = approved(provider)
    provider.add_account("zoe.lefevre", email=NEW)
    monkeypatch.setattr(identity_changes, "require_possible", lambda *_: None)
    wait(provider, hours=25)
    assert (now(provider, made).state, now(provider, made).note) == (ChangeState.CANCELLED, "taken")
    assert account(provider).verified_email == OLD
    assert not provider.events("account.email_changed")


def test_an_account_that_is_not_active_is_given_nothing_even_if_nobody_cancelled(provider: Provider) -> None:
    made = approved(provider)
    with provider.services.db.write() as tx:
        tx.accounts.set_status(made.account_id, AccountStatus.SUSPENDED, provider.clock.now())
    wait(provider, hours=25)
    assert (now(provider, made).state, now(provider, made).note) == (ChangeState.CANCELLED, "inactive")
    accounts.set_status(provider.desk, ANNE, AccountStatus.ACTIVE, "revenu")
    assert account(provider).verified_email == OLD


@pytest.mark.parametrize("kind", ["email", "rpps"])
def test_what_one_operator_does_alone_ends_what_was_begun_of_the_kind(provider: Provider, kind: str) -> None:
    """Else the older word would undo the newer one a day later."""
    email, card = approved(provider), approved(provider, "rpps", RPPS)
    if kind == "email":
        contacts.set_email(provider.services, provider.desk, ANNE, "third@clinique.example", "seen")
    else:
        other = IdentityRef("adeli", "2B7010446")
        cards.link(provider.services, provider.desk, ANNE, other, "seen", method_id="national_card")
    ended, stays = (email, card) if kind == "email" else (card, email)
    assert (now(provider, ended).state, now(provider, ended).note) == (ChangeState.CANCELLED, "superseded")
    assert now(provider, stays).state is ChangeState.APPROVED
