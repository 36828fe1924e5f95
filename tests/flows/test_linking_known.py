"""A national identity that an account holds already: linked by itself, told once, or refused; and one unlinked."""

from collections.abc import Callable
from typing import Any

import pytest

from idp.domain.account import AccountStatus
from idp.flows import links as flow
from idp.flows.operators import accounts
from tests.fakes import national_card
from tests.fakes.linking import RPPS, answer, arrive, begun, holder, unlink
from tests.fakes.national_card import ANNE
from tests.fakes.portal import links, present
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of

METHODS = ("email_otp", "password", "national_card")


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    national_card.install(monkeypatch)
    made = start(methods=METHODS)
    made.add_client("ror", methods=("national_card", "email_otp"))
    made.add_client("card", methods=("national_card",))
    return made


# -- the identity is the account's already ------------------------------------------------------


def test_an_identity_of_support_links_by_itself_when_the_names_agree(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=ANNE["rpps"])
    rp = RelyingParty(provider, "card")
    code = answer_of(present(rp, rp.open_login()))["code"]
    assert rp.redeem(code)["claims"]["amr"] == ["sc", "pin", "mfa", "hwk"]
    assert links(provider) == ["national_card"]
    assert len(provider.events("means.linked")) == 1
    assert "not-me" in provider.mails()[-1].text


def test_and_it_is_told_once_only(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=ANNE["rpps"])
    for _ in range(2):
        rp = RelyingParty(provider, "card")
        assert "code" in answer_of(present(rp, rp.open_login()))
    assert len(provider.events("means.linked")) == 1


@pytest.mark.parametrize("changes", [{"family_name": "DURAND"}, {"given_name": "LUC"}, {"given_name": ""}])
def test_names_that_differ_go_to_support(provider: Provider, changes: dict[str, str]) -> None:
    provider.add_account("anne.pierre", rpps=ANNE["rpps"])
    rp = RelyingParty(provider, "card")
    refused = present(rp, rp.open_login(), **changes)
    assert "pas celui de votre compte" in refused.text
    assert links(provider) == []
    assert provider.events("alert.raised")[0].detail["kind"] == "link.names_differ"
    assert not provider.events("login.succeeded")


def test_an_identity_that_a_card_proved_before_needs_no_names(provider: Provider) -> None:
    account = provider.add_account("anne.pierre")
    with provider.services.db.write() as tx:
        tx.means.add_identity(account.account_id, RPPS, "cps_card", provider.clock.now())
    rp = RelyingParty(provider, "card")
    assert "code" in answer_of(present(rp, rp.open_login(), family_name="DURAND"))


def test_an_account_that_is_not_active_is_refused(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=ANNE["rpps"])
    accounts.set_status(provider.desk, "anne.pierre", AccountStatus.SUSPENDED, "test")
    rp = RelyingParty(provider, "card")
    assert "n&#39;est pas actif" in present(rp, rp.open_login()).text
    assert links(provider) == []


# -- a link that was removed --------------------------------------------------------------------


def test_a_link_that_was_removed_signs_nobody_in(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=ANNE["rpps"])
    rp = RelyingParty(provider, "card")
    present(rp, rp.open_login())
    unlink(provider)
    again, path = begun(provider)
    assert "Prouvez d&#39;abord" in again.browser.get(path).text
    assert holder(provider) == "anne.pierre"
    again.give_otp(path)
    answer(again, path)
    assert "code" in arrive(again, path)
    assert links(provider) == ["national_card"]


def test_what_another_account_holds_is_refused_without_saying_whose(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=ANNE["rpps"])
    provider.add_account("anne.pierre2", given_name="Anne", family_name="Pierre")
    rp = RelyingParty(provider, "card")
    present(rp, rp.open_login())
    unlink(provider)
    thief, path = begun(provider)
    thief.give_otp(path, "anne.pierre2")
    refused = answer(thief, path)
    assert refused.status_code == 403
    assert "Contactez l&#39;assistance" in refused.text
    assert links(provider, "anne.pierre2") == []
    assert provider.events("alert.raised")[0].detail["kind"] == "link.identity_taken"


def test_a_link_that_goes_while_its_proof_is_made_opens_nothing(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.add_account("anne.pierre", rpps=ANNE["rpps"])
    rp = RelyingParty(provider, "card")
    present(rp, rp.open_login())
    resolve = flow.resolve

    def overtaken(*args: Any) -> Any:
        found = resolve(*args)
        unlink(provider)
        return found

    monkeypatch.setattr(flow, "resolve", overtaken)
    again = RelyingParty(provider, "card")
    path = again.open_login()
    assert present(again, path).status_code == 410
    assert len(provider.events("login.succeeded")) == 1
