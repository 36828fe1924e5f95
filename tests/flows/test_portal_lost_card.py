"""A card that is lost is removed without it; a means is confirmed by a stronger one."""

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from idp.domain.authn import Assurance
from idp.methods.registry import Registry
from tests.fakes import national_card
from tests.fakes.national_card import ANNE
from tests.fakes.portal import asked, at_the_portal, links, present
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, hidden_of, path_of

EXPORT = "/compte/account/export"


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    national_card.install(monkeypatch)
    made = start(methods=("email_otp", "password", "national_card"))
    made.add_client("card", methods=("national_card",))
    return made


# -- a lost card ----------------------------------------------------------------------------------


def with_card(provider: Provider, **data: str) -> str:
    """An account with a linked card; the link's id."""
    account = provider.add_account("anne.pierre", rpps=ANNE["rpps"], **data)
    with provider.services.db.write() as tx:
        return tx.means.add_link(account.account_id, "national_card", provider.clock.now())


def test_a_lost_card_is_removed_with_what_remains(provider: Provider) -> None:
    page = f"/compte/means/{with_card(provider)}/remove"
    visitor = at_the_portal(provider)
    path = asked(visitor, page)
    assert f"{path}/email_otp" in visitor.browser.get(path).text
    assert path_of(visitor.give_otp(path, password=None)) == page
    form = {**hidden_of(visitor.browser.get(page)), "understood": "1"}
    assert path_of(visitor.browser.post(page, data=form)) == "/compte/means/removed"
    assert links(provider) == []


def test_that_proof_opens_nothing_else_that_is_sensitive(provider: Provider) -> None:
    page = f"/compte/means/{with_card(provider)}/remove"
    visitor = at_the_portal(provider)
    visitor.give_otp(asked(visitor, page), password=None)
    asked(visitor, EXPORT)


def test_nor_does_it_move_the_mailbox_before_the_card_is_forgotten(provider: Provider) -> None:
    page = f"/compte/means/{with_card(provider)}/remove"
    visitor = at_the_portal(provider)
    visitor.give_otp(asked(visitor, page), password=None)
    visitor.browser.post(page, data={**hidden_of(visitor.browser.get(page)), "understood": "1"})
    email = "/compte/personal/email"
    assert at_the_portal(provider).browser.get(email).status_code == 403
    provider.clock.advance(days=7, seconds=1)
    asked(at_the_portal(provider), email)


def test_a_mailbox_alone_does_not_move_itself(provider: Provider) -> None:
    provider.add_account("anne.pierre", anchor="mailbox")
    assert at_the_portal(provider).browser.get("/compte/personal/email").status_code == 403


def test_a_password_removes_no_card_whose_method_is_switched_off(provider: Provider) -> None:
    page = f"/compte/means/{with_card(provider, email='')}/remove"
    methods = {name: provider.services.registry[name] for name in ("email_otp", "password")}
    off = provider.with_services(registry=Registry(list(methods.values())))
    assert at_the_portal(off).browser.get(page).status_code == 403
    assert links(provider) == ["national_card"]


def test_a_password_alone_removes_no_card(provider: Provider) -> None:
    page = f"/compte/means/{with_card(provider, email='')}/remove"
    visitor = at_the_portal(provider)
    path = asked(visitor, page)
    shown = visitor.browser.get(path).text
    assert f"{path}/national_card" in shown
    assert f"{path}/password" not in shown


# -- confirming -----------------------------------------------------------------------------------


def password_of(provider: Provider) -> tuple[str, str, Assurance]:
    """Its id, its anchor, what it was enrolled with."""
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        (found,) = [c for c in tx.means.credentials(account.account_id) if c.kind == "password"]
    return found.credential_id, found.anchor, found.enrolled


def confirm(visitor: RelyingParty, means_id: str) -> TestResponse:
    form = {"csrf": csrf_of(visitor.browser.get("/compte/means"))}
    return visitor.browser.post(f"/compte/means/{means_id}/confirm", data=form)


def test_a_card_frees_a_password_of_the_mailbox_that_set_it(provider: Provider) -> None:
    account = provider.add_account("anne.pierre", anchor="mailbox", rpps=ANNE["rpps"])
    with provider.services.db.write() as tx:
        tx.means.add_link(account.account_id, "national_card", provider.clock.now())
    visitor = at_the_portal(provider)
    credential_id, anchor, enrolled = password_of(provider)
    assert (anchor, enrolled) == ("mailbox", Assurance.LOW)
    path = path_of(confirm(visitor, credential_id))
    assert path.startswith("/login/")
    present(visitor, path)
    assert path_of(confirm(visitor, credential_id)) == "/compte/means"
    assert password_of(provider)[1:] == ("knowledge", Assurance.HIGH)
    assert len(provider.events("means.confirmed")) == 1
    assert confirm(visitor, credential_id).status_code == 404  # there is nothing left to confirm


def test_a_means_cannot_vouch_for_itself(provider: Provider) -> None:
    provider.add_account("anne.pierre", anchor="mailbox")
    visitor = at_the_portal(provider)
    credential_id = password_of(provider)[0]
    visitor.give_otp(path_of(confirm(visitor, credential_id)), password=None)
    assert confirm(visitor, credential_id).status_code == 404
    assert password_of(provider)[1] == "mailbox"


def test_nobody_confirms_for_another(provider: Provider) -> None:
    provider.add_account("anne.pierre", anchor="mailbox")
    luc = provider.add_account("luc.durand", rpps=ANNE["rpps"])
    with provider.services.db.write() as tx:
        tx.means.add_link(luc.account_id, "national_card", provider.clock.now())
    visitor = at_the_portal(provider, "luc.durand")
    credential_id = password_of(provider)[0]
    present(visitor, path_of(confirm(visitor, credential_id)))
    assert confirm(visitor, credential_id).status_code == 404
    assert password_of(provider)[1] == "mailbox"
