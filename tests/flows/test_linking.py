"""A national identity and the account that it signs in: by itself, after two factors, or not at all."""

from collections.abc import Callable
from typing import Any

import pytest

from idp.domain.authn import IdentityRef
from idp.flows import linking
from idp.flows.operators import accounts
from idp.store.accounts import Accounts
from tests.fakes import national_card
from tests.fakes.linking import RPPS, answer, arrive, begun, holder, shown, unasked
from tests.fakes.national_card import ANNE
from tests.fakes.portal import links, present
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, hidden_of, path_of

METHODS = ("email_otp", "password", "national_card")


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    national_card.install(monkeypatch)
    made = start(methods=METHODS)
    made.add_client("ror", methods=("national_card", "email_otp"))
    made.add_client("card", methods=("national_card",))
    return made


# -- nobody holds it yet ------------------------------------------------------------------------


def test_two_factors_of_the_account_and_a_yes_link_it(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    rp, path = begun(provider)
    assert "Prouvez d&#39;abord que ce compte est le vôtre." in rp.browser.get(path).text
    assert path_of(rp.give_otp(path)) == path
    page = rp.browser.get(path).text
    assert "ANNE PIERRE" in page
    assert ANNE["rpps"] in page
    assert "Anne Pierre" in page
    assert links(provider) == []
    assert path_of(answer(rp, path)) == path
    code = arrive(rp, path)["code"]
    assert "hwk" in rp.redeem(code)["claims"]["amr"]
    assert links(provider) == ["national_card"]
    assert holder(provider) == "anne.pierre"
    again = RelyingParty(provider, "card")
    assert "code" in answer_of(present(again, again.open_login()))


def test_a_password_alone_never_links(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    rp, path = begun(provider)
    form = {**hidden_of(rp.browser.get(path)), "login": "anne.pierre", "password": PASSWORD}
    assert rp.browser.post(f"{path}/password", data=form).status_code == 403
    assert path_of(unasked(rp, path)) == path
    assert links(provider) == []


def test_a_password_that_the_mailbox_set_and_a_code_are_one_factor(provider: Provider) -> None:
    provider.add_account("anne.pierre", anchor="mailbox")
    rp, path = begun(provider)
    rp.give_otp(path)
    assert path_of(unasked(rp, path)) == path
    assert links(provider) == []


def test_proofs_of_the_session_made_before_do_not_count(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    rp = RelyingParty(provider, "ror")
    rp.give_otp(rp.open_login())
    other = RelyingParty(provider, "card", rp.browser)
    path = other.open_login()
    present(other, path)
    assert path_of(unasked(other, path)) == path
    assert links(provider) == []
    assert "email_otp" in other.browser.get(path).text


def test_no_is_an_answer(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    rp, path = begun(provider, "ror")
    rp.give_otp(path)
    answer(rp, path, "no")
    assert "code" in arrive(rp, path)  # by the code of the e-mail, which this service accepts too
    assert links(provider) == []
    assert holder(provider) is None


def test_a_yes_to_what_was_not_shown_is_none(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    rp, path = begun(provider)
    rp.give_otp(path)
    answer(rp, path, shown=shown(rp, path)[::-1])
    assert links(provider) == []


def test_a_yes_needs_the_token_of_its_form(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    rp, path = begun(provider)
    rp.give_otp(path)
    form = {**hidden_of(rp.browser.get(path)), "decision": "link", "csrf": "made-up"}
    assert rp.browser.post(f"{path}/link", data=form).status_code == 403
    assert rp.browser.get(f"{path}/link").status_code in {303, 404, 405}
    assert links(provider) == []


def test_names_that_differ_link_nothing(provider: Provider) -> None:
    provider.add_account("luc.durand")
    rp, path = begun(provider)
    rp.give_otp(path, "luc.durand")
    refused = answer(rp, path)
    assert refused.status_code == 403
    assert "Rien n&#39;a été relié" in refused.text
    assert links(provider, "luc.durand") == []
    assert holder(provider) is None
    assert provider.events("alert.raised")[0].detail["kind"] == "link.names_differ"
    assert rp.browser.get(path).status_code == 410


def test_an_account_with_another_national_identity_refuses(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps="10109999999")
    rp, path = begun(provider)
    rp.give_otp(path)
    refused = answer(rp, path)
    assert refused.status_code == 403
    assert "10109999999" not in refused.text
    assert links(provider) == []
    assert provider.events("alert.raised")[0].detail["kind"] == "link.other_identity"


def test_a_yes_twice_links_once(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    rp, path = begun(provider)
    rp.give_otp(path)
    form = {**hidden_of(rp.browser.get(path)), "decision": "link"}
    first, second = (rp.browser.post(f"{path}/link", data=form) for _ in range(2))
    assert {first.status_code, second.status_code} == {303}
    assert len(provider.events("means.linked")) == 1


def test_a_card_that_was_swapped_after_the_page_was_shown_is_not_linked(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    rp, path = begun(provider)
    rp.give_otp(path)
    seen = hidden_of(rp.browser.get(path))
    rp.browser.post(f"{path}/account", data={**seen, "choice": "cancel"})
    present(rp, path, rpps="10100000009")
    rp.give_otp(path)
    rp.browser.post(f"{path}/link", data={**seen, "decision": "link"})
    assert links(provider) == []


def test_another_national_identity_is_not_added_beside_the_one_that_is_held(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=ANNE["rpps"])
    rp = RelyingParty(provider, "card")
    present(rp, rp.open_login())
    thief = RelyingParty(provider, "card")
    path = thief.open_login()
    present(thief, path, kind="adeli", rpps="331234567")
    thief.give_otp(path)
    assert answer(thief, path).status_code == 403
    assert provider.events("alert.raised")[0].detail["kind"] == "link.other_identity"
    with provider.services.db.read() as tx:
        assert tx.accounts.find(IdentityRef("adeli", "331234567")) is None


def test_a_session_that_ended_before_the_yes_links_nothing(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    provider.add_account("anne.pierre")
    rp, path = begun(provider)
    rp.give_otp(path)
    confirm = linking.confirm

    def overtaken(*args: Any) -> Any:
        accounts.end_sessions(provider.desk, "anne.pierre", "test")
        return confirm(*args)

    monkeypatch.setattr(linking, "confirm", overtaken)
    assert answer(rp, path).status_code == 410
    assert links(provider) == []


def test_of_two_accounts_that_link_one_card_at_once_one_is_refused(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.add_account("anne.pierre2", given_name="Anne", family_name="Pierre", rpps=ANNE["rpps"])
    provider.add_account("anne.pierre")
    rp = RelyingParty(provider, "card")
    path = rp.open_login()
    find = Accounts.find
    monkeypatch.setattr(Accounts, "find", lambda self, ref: None if ref == RPPS else find(self, ref))
    present(rp, path)
    rp.give_otp(path)
    assert answer(rp, path).status_code == 403
    assert links(provider) == []
    assert provider.events("alert.raised")[0].detail["kind"] == "link.identity_taken"
