"""An old ADELI number and the RPPS number that followed it: who may be given the one for the other, and when."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from demo.cards import KARIM
from demo.look_alike import ANNE as RPPS
from demo.pro_sante_connect.people import KARIMS_ADELI as ADELI
from idp.domain.account import Account, AccountStatus
from idp.domain.authn import IdentityRef
from idp.flows import links as flow
from idp.flows.operators import accounts, contacts
from idp.methods.base import Done
from tests.fakes.federated import PSC, leave, shown, through, with_upstreams
from tests.fakes.national import alerts, give, held, with_identity
from tests.fakes.notices import link_in
from tests.fakes.portal import MEANS, at_the_portal, links
from tests.fakes.professional import stored
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, hidden_of, path_of
from tests.fakes.upstream import FakeUpstream

BOTH = {"adeli": ADELI, "rpps": KARIM}
WHY = "found to be another's"


@pytest.fixture
def provider(start: Callable[..., Provider], psc: FakeUpstream) -> Provider:
    return with_upstreams(start(), psc)


def with_adeli(provider: Provider, login: str = "karim.benali", **data: str) -> Account:
    return with_identity(provider, login, "adeli", ADELI, **data)


def sign_in(provider: Provider, psc: FakeUpstream, person: str = "karim") -> Any:
    """In a browser of their own."""
    psc.pages.delete_cookie("psc_session")
    rp = RelyingParty(provider, "psc")
    return through(rp, psc, rp.open_login(), person)


# -- what is added, and who is told ---------------------------------------------------------------------


def test_an_account_with_the_old_number_is_found_by_the_new_one(provider: Provider, psc: FakeUpstream) -> None:
    account = with_adeli(provider)
    rp = RelyingParty(provider, "psc")
    claims = rp.redeem(answer_of(through(rp, psc, rp.open_login(), "karim"))["code"])["claims"]
    assert claims["sub"] == account.account_id
    assert held(provider) == BOTH
    assert provider.events("account.identity_related")[0].detail == {"method": PSC, "kind": "rpps"}
    assert "code" in answer_of(sign_in(provider, psc))
    assert len(provider.events("account.identity_related")) == 1


def test_an_account_with_the_new_number_is_given_the_old_one(provider: Provider, psc: FakeUpstream) -> None:
    """The holder's old card finds it from then on."""
    with_identity(provider, "karim.benali", "rpps", KARIM)
    assert "code" in answer_of(sign_in(provider, psc))
    assert held(provider) == BOTH
    assert "code" in answer_of(sign_in(provider, psc, "adeli"))


def test_the_holder_is_told_of_the_number_and_can_say_that_it_is_not_theirs(
    provider: Provider, psc: FakeUpstream
) -> None:
    account = with_adeli(provider)
    assert "code" in answer_of(sign_in(provider, psc, "adeli"))
    assert "code" in answer_of(sign_in(provider, psc))
    assert stored(provider, account)
    (mail,) = [mail for mail in provider.mails() if "identifiant national" in mail.text]
    assert mail.to == "karim.benali@chu.example"
    browser, page = provider.browser(), link_in(mail)
    assert "identifiant national" in browser.get(page).text
    browser.post(page, data={"csrf": csrf_of(browser.get("/password/forgot"))})
    assert held(provider) == {"adeli": ADELI}
    assert links(provider, "karim.benali") == []
    assert stored(provider, account) == {}


def test_a_new_link_by_two_factors_brings_the_old_number_too(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("karim.benali")
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    through(rp, psc, path, "karim")
    rp.give_otp(path, "karim.benali")
    assert held(provider) == {}
    rp.browser.post(f"{path}/link", data={**hidden_of(rp.browser.get(path)), "decision": "link"})
    assert held(provider) == BOTH


def test_who_has_the_old_number_can_add_the_upstream_in_the_portal(provider: Provider, psc: FakeUpstream) -> None:
    with_adeli(provider)
    person = at_the_portal(provider, "karim.benali")
    form = {"csrf": csrf_of(person.browser.get(MEANS)), "method": PSC}
    path = path_of(person.browser.post(f"{MEANS}/add", data=form))
    person.give_otp(path, "karim.benali")
    assert path_of(through(person, psc, path, "karim")) == path
    assert held(provider) == {"adeli": ADELI}
    person.browser.post(f"{path}/link", data={**hidden_of(person.browser.get(path)), "decision": "link"})
    assert (held(provider), links(provider, "karim.benali")) == (BOTH, [PSC])


def test_it_is_added_when_the_other_account_is_signed_out_for_it(provider: Provider, psc: FakeUpstream) -> None:
    """The proof counts in a later request than the one that made it."""
    with_adeli(provider)
    provider.add_account("luc.durand")
    rp = RelyingParty(provider, "ror")
    answer_of(rp.give_otp(rp.open_login(), "luc.durand"))
    path = rp.open_login(prompt="login")
    assert path_of(through(rp, psc, path, "karim")) == path
    assert held(provider) == {"adeli": ADELI}
    rp.browser.post(f"{path}/account", data={**hidden_of(rp.browser.get(path)), "choice": "switch"})
    assert "code" in answer_of(rp.browser.get(path))
    assert held(provider) == BOTH


# -- what is not ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "refused", "alert"),
    [
        ({"given_name": "Luc"}, "Le nom transmis par Pro Santé Connect", "link.names_differ"),
        ({"rpps": RPPS}, "ne peut pas être relié", "link.other_identity"),
    ],
)
def test_an_old_number_that_may_be_anothers_goes_to_support(
    provider: Provider, psc: FakeUpstream, data: dict[str, str], refused: str, alert: str
) -> None:
    with_adeli(provider, **data)
    before = held(provider)
    assert refused in shown(sign_in(provider, psc))
    assert alerts(provider) == [alert]
    assert (links(provider, "karim.benali"), held(provider)) == ([], before)


def test_numbers_of_two_accounts_are_refused_and_support_is_told_once(provider: Provider, psc: FakeUpstream) -> None:
    with_adeli(provider, "somebody.else")
    with_identity(provider, "karim.benali", "rpps", KARIM)
    for _ in range(2):
        refused = shown(sign_in(provider, psc))
        assert "ne peut pas être relié à ce compte. Contactez l'assistance." in refused
        assert "somebody" not in refused
    assert alerts(provider) == ["link.other_identity"]
    assert not provider.events("login.succeeded")
    assert (held(provider), held(provider, "somebody.else")) == ({"rpps": KARIM}, {"adeli": ADELI})


def test_an_account_that_is_closed_is_given_nothing(provider: Provider, psc: FakeUpstream) -> None:
    with_adeli(provider)
    accounts.set_status(provider.desk, "karim.benali", AccountStatus.CLOSED, "left")
    assert "n'est pas actif" in shown(sign_in(provider, psc))
    assert held(provider) == {"adeli": ADELI}


@pytest.mark.parametrize("proven", ["rpps", "employee"])
def test_an_employee_is_nobodys_other_number(
    provider: Provider, psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch, proven: str
) -> None:
    """Only ADELI and RPPS numbers follow one another: an employee's says where somebody works."""
    account = provider.add_account("karim.benali")
    employee, rpps = IdentityRef("employee", "3330000001/4711"), IdentityRef("rpps", KARIM)
    known, new = (employee, rpps) if proven == "rpps" else (rpps, employee)
    give(provider, account, known.kind, known.value)
    callback = psc.method.callback

    def told(*args: Any) -> Any:
        done = callback(*args)
        assert isinstance(done, Done)
        return replace(done, proof=replace(done.proof, identity=new), related=(known,))

    monkeypatch.setattr(psc.method, "callback", told)
    rp = RelyingParty(provider, "psc")
    path = rp.open_login()
    assert path_of(through(rp, psc, path, "karim")) == path
    assert "pas encore reliée" in shown(rp.browser.get(path))
    assert held(provider) == {known.kind: known.value}


def test_of_two_numbers_none_is_added(provider: Provider, psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    with_adeli(provider)
    callback = psc.method.callback

    def told(*args: Any) -> Any:
        done = callback(*args)
        assert isinstance(done, Done)
        return replace(done, related=(IdentityRef("rpps", KARIM), IdentityRef("rpps", RPPS)))

    monkeypatch.setattr(psc.method, "callback", told)
    assert "code" in answer_of(sign_in(provider, psc, "adeli"))
    assert held(provider) == {"adeli": ADELI}


def test_a_number_that_support_took_away_does_not_come_back(provider: Provider, psc: FakeUpstream) -> None:
    account = with_adeli(provider)
    give(provider, account, "rpps", KARIM)
    contacts.drop_identity(provider.desk, "karim.benali", "rpps", WHY)
    assert "ne peut pas être relié" in shown(sign_in(provider, psc))
    assert held(provider) == {"adeli": ADELI}
    assert alerts(provider) == ["link.other_identity"]


def test_nor_does_an_old_one(provider: Provider, psc: FakeUpstream) -> None:
    account = with_adeli(provider)
    give(provider, account, "rpps", KARIM)
    contacts.drop_identity(provider.desk, "karim.benali", "adeli", WHY)
    assert "code" in answer_of(sign_in(provider, psc))
    assert held(provider) == {"rpps": KARIM}


def test_a_login_that_is_refused_has_changed_nothing(provider: Provider, psc: FakeUpstream) -> None:
    with_adeli(provider)
    provider.clock.advance(seconds=1)
    provider.set_policy("psc", (f"{PSC}:requires_prior_login=yes", "email_otp"))
    rp = RelyingParty(provider, "strong")
    path = rp.open_login()
    assert path_of(through(rp, psc, path, "karim", "MOBILE")) == path  # not enough there
    assert "connectez-vous une première fois" in shown(sign_in(provider, psc))
    assert held(provider) == {"adeli": ADELI}
    assert links(provider, "karim.benali") == []
    assert not provider.events("account.identity_related")


# -- between reading and writing ------------------------------------------------------------------------


def drop_adeli(provider: Provider) -> None:
    contacts.drop_identity(provider.desk, "karim.benali", "adeli", WHY)


def close(provider: Provider) -> None:
    accounts.set_status(provider.desk, "karim.benali", AccountStatus.CLOSED, "left")


def rename(provider: Provider) -> None:
    contacts.set_names(provider.desk, "karim.benali", "Luc", "Durand", WHY)


def give_another(provider: Provider) -> None:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("karim.benali")
    assert account
    give(provider, account, "rpps", RPPS)


def give_to_another(provider: Provider) -> None:
    with_identity(provider, "somebody.else", "rpps", KARIM)


@pytest.mark.parametrize("change", [drop_adeli, close, rename, give_another, give_to_another])
def test_what_changed_since_it_was_read_is_seen(
    provider: Provider, psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch, change: Callable[[Provider], None]
) -> None:
    with_adeli(provider)
    rp = RelyingParty(provider, "psc")
    resolve, after = flow.resolve, {}
    query = psc.sign_in(leave(rp, rp.open_login()), "karim")

    def overtaken(*args: Any) -> Any:
        found = resolve(*args)
        change(provider)
        after.update(held(provider))
        return found

    monkeypatch.setattr(flow, "resolve", overtaken)
    assert rp.browser.get(f"/login/callback/{PSC}", query_string=query).status_code == 410
    assert held(provider) == after
    assert links(provider, "karim.benali") == []
    assert not provider.events("account.identity_related")
    assert not provider.events("login.succeeded")
