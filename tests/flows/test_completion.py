"""The form of a first login: what its code does not do, and for whom it is not."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from idp.flows import visits
from idp.flows.alerts import raise_alert
from idp.methods.email_otp import MAX_TRIES
from tests.fakes import completing
from tests.fakes.completing import ADDRESS, NOBODYS
from tests.fakes.federated import PSC, shown, through
from tests.fakes.one_time_codes import wrong
from tests.fakes.portal import links
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, hidden_of, path_of
from tests.fakes.upstream import FakeUpstream


@pytest.fixture
def provider(start: Callable[..., Provider], psc: FakeUpstream) -> Provider:
    return completing.provider(start, psc)


@pytest.mark.parametrize("typed", ["", "anne", "anne@clinique", "a@b.example\nbcc:c@d.example", "a" * 5000])
def test_what_is_no_address_is_refused(provider: Provider, psc: FakeUpstream, typed: str) -> None:
    rp, path = completing.arrived(provider, psc)
    assert completing.is_refused(completing.complete(rp, path, email=typed), "adresse e-mail")
    assert provider.mails() == []


def test_a_form_without_its_token_is_refused(provider: Provider, psc: FakeUpstream) -> None:
    rp, path = completing.arrived(provider, psc)
    assert rp.browser.post(f"{path}/complete", data={"email": ADDRESS}).status_code == 403
    assert provider.mails() == []


def test_no_answer_and_no_letter_tells_that_an_address_is_known(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    answers, pages = [], []
    for address in (ADDRESS, NOBODYS):
        rp, path = completing.arrived(provider, psc)
        answers.append(path_of(completing.complete(rp, path, email=address)).removeprefix(path))
        pages.append(shown(rp.browser.get(f"{path}/complete")))
        pages.append(shown(completing.give(rp, path, wrong(provider.last_code()))))
    assert answers == ["/complete", "/complete"]
    known, typed_wrong, unknown, typed_wrong_too = (
        re.sub(r"anne[.@][\w.@]+example|/login/[\w-]+|value=\"[^\"]{20,}\"|<code>[\w-]*</code>", "", page)
        for page in pages
    )
    assert known.splitlines() == unknown.splitlines()
    assert typed_wrong.splitlines() == typed_wrong_too.splitlines()
    letters = [re.sub(r"\d{6}", "", mail.subject + mail.text) for mail in provider.mails()]
    assert [mail.to for mail in provider.mails()] == [ADDRESS, NOBODYS]
    assert letters[0] == letters[1]
    assert {event.subject for event in provider.events("login.failed")} == {None}


def test_an_address_and_its_code_alone_link_nothing(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    rp, path = completing.proven(provider, psc)
    assert links(provider) == []
    assert not provider.events("login.succeeded")
    assert not rp.browser.get_cookie("__Host-sesame-session")
    csrf = hidden_of(rp.browser.get(f"{path}/email_otp"))["csrf"]
    assert path_of(rp.browser.post(f"{path}/link", data={"csrf": csrf, "decision": "link"})) == path
    assert rp.browser.post(f"{path}/password", data={"csrf": csrf, "login": ADDRESS}).status_code == 403
    assert links(provider) == []


def test_a_wrong_code_is_refused_and_counted(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    rp, path = completing.arrived(provider, psc)
    completing.complete(rp, path, email=ADDRESS)
    code = provider.last_code()
    for _ in range(MAX_TRIES):
        assert completing.is_refused(completing.give(rp, path, wrong(code)), "n'est pas le bon")
    assert provider.events("login.failed")[0].detail == {"method": PSC, "reason": "code_wrong"}
    assert completing.is_refused(completing.give(rp, path, code), "Trop d'essais avec ce code")
    assert completing.is_refused(completing.give(rp, path, "12345"), "six chiffres")


def test_tries_are_counted_for_the_address_in_all_browsers(provider: Provider, psc: FakeUpstream) -> None:
    rp, path = completing.arrived(provider, psc)
    completing.complete(rp, path, email=ADDRESS)
    code = provider.last_code()
    for _ in range(MAX_TRIES):
        completing.give(rp, path, wrong(code))
    again, other = completing.arrived(provider, psc)
    completing.complete(again, other, email=ADDRESS)
    assert completing.is_refused(completing.give(again, other, provider.last_code()), "Trop d'essais infructueux")
    assert provider.events("login.throttled")
    assert not provider.events("login.address_proven")


def test_a_code_of_another_browser_is_refused(provider: Provider, psc: FakeUpstream) -> None:
    rp, path = completing.arrived(provider, psc)
    completing.complete(rp, path, email=ADDRESS)
    code = provider.last_code()
    thief = RelyingParty(provider, "ror")
    csrf = hidden_of(thief.browser.get(thief.open_login()))["csrf"]
    assert thief.browser.post(f"{path}/complete", data={"csrf": csrf, "code": code}).status_code == 403
    assert thief.browser.get(f"{path}/complete").status_code == 403
    assert not provider.events("login.address_proven")


def test_a_code_of_another_login_is_refused(provider: Provider, psc: FakeUpstream) -> None:
    rp, path = completing.arrived(provider, psc)
    completing.complete(rp, path, email=ADDRESS)
    code = provider.last_code()
    other = rp.open_login()
    through(rp, psc, other)
    completing.complete(rp, other, email=ADDRESS)
    if provider.last_code() != code:
        assert completing.is_refused(completing.give(rp, other, code), "n'est pas le bon")
    assert completing.is_refused(completing.give(rp, path, code), "n'est plus valable")  # a newer one was sent there


def test_a_code_is_good_once_and_not_for_another_address(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    rp, path = completing.arrived(provider, psc)
    completing.complete(rp, path, email=NOBODYS)
    code = provider.last_code()
    completing.give(rp, path, code)
    completing.complete(rp, path, email=ADDRESS)
    later = provider.last_code()
    if later != code:
        assert completing.is_refused(completing.give(rp, path, code), "n'est pas le bon")
    assert path_of(completing.give(rp, path, later)) == f"{path}/complete"
    csrf = hidden_of(rp.browser.get(path))["csrf"]
    assert path_of(rp.browser.post(f"{path}/complete", data={"csrf": csrf, "code": later})) == f"{path}/email_otp"
    assert len(provider.events("login.address_proven")) == 2


def test_a_code_that_is_ten_minutes_old_is_refused(provider: Provider, psc: FakeUpstream) -> None:
    rp, path = completing.arrived(provider, psc)
    completing.complete(rp, path, email=ADDRESS)
    code = provider.last_code()
    provider.clock.advance(minutes=10)
    assert completing.is_refused(completing.give(rp, path, code), "n'est plus valable")


def test_of_two_guesses_at_once_one_counts(
    provider: Provider, psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    rp, path = completing.arrived(provider, psc)
    completing.complete(rp, path, email=ADDRESS)
    code, save = provider.last_code(), visits.save

    def overtaken(services: Any, interaction: Any) -> Any:
        save(services, interaction)
        return save(services, interaction)

    monkeypatch.setattr(visits, "save", overtaken)
    assert completing.give(rp, path, code).status_code == 409
    assert not provider.events("login.address_proven")


def test_letters_are_limited_for_an_address_and_for_who_asks(provider: Provider, psc: FakeUpstream) -> None:
    rp, path = completing.arrived(provider, psc)
    for number in range(5):
        assert path_of(completing.complete(rp, path, email=f"anne{number}@clinique.example")) == f"{path}/complete"
    assert completing.is_refused(completing.complete(rp, path, email=ADDRESS), "Trop de codes")
    assert len(provider.mails()) == 5
    for _ in range(5):
        other, elsewhere = completing.arrived(provider, psc, "karim")
        completing.complete(other, elsewhere, email=ADDRESS)
    assert len(provider.mails()) == 10
    third, there = completing.arrived(provider, psc, "lea")
    assert completing.is_refused(completing.complete(third, there, email=ADDRESS), "Trop de codes")


def test_codes_of_the_form_end_none_of_a_login_by_code(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    owner = RelyingParty(provider, "ror")
    login = owner.open_login()
    owner.post(f"{login}/email_otp", page=login)
    owner.post(f"{login}/email_otp", page=f"{login}/email_otp", login="anne.pierre", password=PASSWORD)
    code = provider.last_code()
    rp, path = completing.arrived(provider, psc, "karim")
    completing.complete(rp, path, email=ADDRESS)
    for _ in range(MAX_TRIES):
        completing.give(rp, path, wrong(provider.last_code()))
    assert "code" in answer_of(owner.post(f"{login}/email_otp", page=f"{login}/email_otp", code=code))


def test_another_code_comes_after_a_minute(provider: Provider, psc: FakeUpstream) -> None:
    rp, path = completing.arrived(provider, psc)
    completing.complete(rp, path, email=ADDRESS)
    again = {"page": f"{path}/complete", "resend": "1"}
    assert completing.is_refused(rp.post(f"{path}/complete", **again), "vient d'être envoyé")
    first = provider.last_code()
    provider.clock.advance(minutes=1)
    assert path_of(rp.post(f"{path}/complete", **again)) == f"{path}/complete"
    assert len(provider.mails()) == 2
    if provider.last_code() != first:
        assert completing.is_refused(completing.give(rp, path, first), "n'est pas le bon")


def test_names_that_are_typed_are_not_the_upstreams(provider: Provider, psc: FakeUpstream) -> None:
    """Karim's card, Anne's mailbox and password, and her names typed in the form: nothing."""
    provider.add_account("anne.pierre")
    rp, path = completing.arrived(provider, psc, "karim")
    completing.complete(rp, path, email=ADDRESS, given_name="Anne", family_name="Pierre")
    completing.give(rp, path, provider.last_code())
    completing.give_password(rp, path)
    assert "Karim BENALI" in shown(rp.browser.get(path))
    assert completing.links_it(rp, path).status_code == 403
    assert links(provider) == []
    assert provider.events("alert.raised")[0].detail["kind"] == "link.names_differ"


def test_a_password_that_the_mailbox_set_is_not_a_second_factor(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre", anchor="mailbox")
    rp, path = completing.proven(provider, psc)
    assert "ne ferait qu'une seule preuve" in shown(rp.browser.get(f"{path}/complete"))  # no password is asked for
    assert path_of(completing.give_password(rp, path)) == path
    page = shown(rp.browser.get(path))
    assert "une seule preuve" in page
    assert "Vous vous authentifiez en tant que" in page
    assert "Vous êtes déjà connecté" not in page
    assert links(provider) == []
    assert not provider.events("login.succeeded")


def test_the_code_is_nothing_to_another_account(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    provider.add_account("karim.benali")
    rp, path = completing.proven(provider, psc)
    assert path_of(completing.give_password(rp, path, "karim.benali")) == f"{path}/email_otp"
    assert "Saisissez le code reçu par e-mail" in shown(rp.browser.get(f"{path}/email_otp"))
    assert not provider.events("login.succeeded")


def test_a_mailbox_that_may_be_anothers_is_no_factor(provider: Provider, psc: FakeUpstream) -> None:
    account = provider.add_account("anne.pierre")
    rp, path = completing.proven(provider, psc)
    with provider.services.db.write() as tx:
        raise_alert(provider.services, tx, "account.not_me", account_id=account.account_id, event="login.new_browser")
    assert "mailbox_closed" in completing.give_password(rp, path).text
    assert "Finaliser votre connexion" in shown(rp.browser.get(path))
    assert path_of(completing.links_it(rp, path)) == path
    assert links(provider) == []
    assert not provider.events("login.succeeded")


def test_an_address_that_was_changed_meanwhile_is_nothing(provider: Provider, psc: FakeUpstream) -> None:
    account = provider.add_account("anne.pierre")
    rp, path = completing.proven(provider, psc)
    with provider.services.db.write() as tx:
        tx.profiles.set_email(account.account_id, NOBODYS, "holder", provider.clock.now())
    assert path_of(completing.give_password(rp, path, "anne.pierre")) == f"{path}/email_otp"
    assert "Saisissez le code reçu par e-mail" in shown(rp.browser.get(f"{path}/email_otp"))
    assert not provider.events("login.succeeded")


def test_there_is_no_form_where_nothing_is_to_be_linked(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    assert path_of(rp.post(f"{path}/complete", page=path, email=ADDRESS)) == path
    assert path_of(rp.browser.get(f"{path}/complete")) == path
    assert provider.mails() == []
