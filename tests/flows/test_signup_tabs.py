"""Going back, a reload, a second tab, a draft that expired, a second press: nothing is lost, nor done twice."""

from collections.abc import Callable
from threading import Barrier, Thread

import pytest

from idp.domain.registration import DRAFT_LIFETIME, RegistrationStatus
from idp.store.registrations import Registrations
from tests.fakes.provider import Provider
from tests.fakes.relying_party import hidden_of, path_of
from tests.fakes.signup import (
    CODE,
    EMAIL,
    ENTRY,
    JOIN,
    JOINING,
    LOGIN,
    PERSON,
    PERSONAL,
    STRONG,
    WAITING,
    Wizard,
    said,
    started,
)


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return started(start)


@pytest.fixture
def wizard(provider: Provider) -> Wizard:
    return Wizard(provider)


def test_going_back_keeps_what_was_typed_as_it_is(wizard: Wizard) -> None:
    wizard.begin()
    typed = {"family_name": "Nouvelle", "birth": "14/0", "city": "Pau", "email": "claire@", "phone": "05"}
    assert path_of(wizard.post(PERSONAL, back="1", **typed)) == ENTRY
    page = said(wizard.get(PERSONAL))
    for value in typed.values():
        assert f'value="{value}"' in page


def test_going_back_from_each_step_loses_nothing(wizard: Wizard) -> None:
    wizard.to_login()
    assert path_of(wizard.post(LOGIN, back="1", login="c.nouvelle", password="", confirmation="")) == PERSONAL
    page = said(wizard.get(PERSONAL))
    assert 'value="Talence"' in page
    assert 'value="14/07"' in page
    assert f'value="{EMAIL}"' in page
    assert path_of(wizard.type()) == LOGIN  # the address is the same: no other code
    assert 'value="c.nouvelle"' in said(wizard.get(LOGIN))
    wizard.choose("c.nouvelle")
    assert path_of(wizard.post(JOINING, back="1", reason="capacitaire")) == LOGIN
    assert "déjà enregistré" in said(wizard.get(LOGIN))
    assert path_of(wizard.choose("c.nouvelle", "", "")) == JOINING
    assert ">capacitaire</textarea>" in said(wizard.get(JOINING))
    assert path_of(wizard.join()) == WAITING


def test_another_address_is_proven_anew(wizard: Wizard) -> None:
    wizard.to_login()
    assert path_of(wizard.type(email="autre@chu.example", email_again="autre@chu.example")) == CODE
    assert path_of(wizard.get(LOGIN)) == PERSONAL
    assert path_of(wizard.give_code()) == LOGIN


def test_a_form_that_was_refused_is_there_after_a_reload(wizard: Wizard) -> None:
    wizard.begin()
    wizard.type(birth="99/99", city="Pau")
    page = said(wizard.get(PERSONAL))
    assert 'value="Pau"' in page
    assert 'value="99/99"' in page
    assert path_of(wizard.get(LOGIN)) == PERSONAL


def test_an_older_tab_is_told_and_nothing_is_overwritten(wizard: Wizard) -> None:
    wizard.begin()
    old = hidden_of(wizard.get(PERSONAL))
    wizard.type(city="Talence")
    page = said(wizard.post(PERSONAL, hidden=old, **{**PERSON, "city": "Pau"}))
    assert "autre onglet" in page
    assert 'value="Pau"' in page  # what was typed there stays in sight
    assert wizard.registration().form["city"] == "Talence"


def test_the_last_step_is_not_handed_in_from_an_older_tab(wizard: Wizard) -> None:
    wizard.to_joining()
    old = hidden_of(wizard.get(JOINING))
    wizard.choose("other.login")
    page = said(wizard.post(JOINING, hidden=old, **JOIN))
    assert "autre onglet" in page
    assert wizard.registration().is_draft
    assert 'value="other.login"' in page


def test_a_second_press_goes_on(provider: Provider, wizard: Wizard) -> None:
    wizard.begin()
    old = hidden_of(wizard.get(PERSONAL))
    assert path_of(wizard.post(PERSONAL, hidden=old, **PERSON)) == CODE
    assert path_of(wizard.post(PERSONAL, hidden=old, **PERSON)) == CODE
    assert len(provider.mails()) == 1
    code = provider.last_code()
    assert path_of(wizard.give_code(code)) == path_of(wizard.post(CODE, page=LOGIN, code=code)) == LOGIN
    old = hidden_of(wizard.get(LOGIN))
    form = {"login": "claire.nouvelle", "password": STRONG, "confirmation": STRONG}
    assert path_of(wizard.post(LOGIN, hidden=old, **form)) == path_of(wizard.post(LOGIN, hidden=old, **form)) == JOINING
    old = hidden_of(wizard.get(JOINING))
    assert (
        path_of(wizard.post(JOINING, hidden=old, **JOIN))
        == path_of(wizard.post(JOINING, hidden=old, **JOIN))
        == WAITING
    )
    assert len(provider.events("signup.submitted")) == 1
    assert len([mail for mail in provider.mails() if "enregistrée" in mail.subject]) == 1


def test_of_two_that_submit_at_once_one_does(
    provider: Provider, wizard: Wizard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second is in between the first's look at the draft and its answer: it leads where the other led."""
    wizard.to_joining()
    form, found = {**hidden_of(wizard.get(JOINING)), **JOIN}, wizard.registration()
    with provider.services.db.write() as tx:
        assert tx.registrations.submit(found, provider.clock.now())
        assert tx.registrations.submit(found, provider.clock.now()) is None
    monkeypatch.setattr(Registrations, "of_browser", lambda *_: found)
    assert path_of(wizard.browser.post(JOINING, data=form)) == WAITING
    assert provider.events("signup.submitted") == []


def test_what_changed_in_the_same_instant_is_not_handed_in(
    provider: Provider, wizard: Wizard, monkeypatch: pytest.MonkeyPatch
) -> None:
    wizard.to_joining()
    form, found = {**hidden_of(wizard.get(JOINING)), **JOIN}, wizard.registration()
    wizard.choose("other.login")
    monkeypatch.setattr(Registrations, "of_browser", lambda *_: found)
    assert wizard.browser.post(JOINING, data=form).status_code == 409
    monkeypatch.undo()
    assert (wizard.registration().is_draft, wizard.registration().login_name) == (True, "other.login")
    assert provider.events("signup.submitted") == []


def test_of_two_browsers_of_one_person_at_once_one_hands_in(provider: Provider) -> None:
    """Both have proven the mailbox: what each of them is told is no news to a stranger."""
    wizards, barrier, got = [Wizard(provider), Wizard(provider)], Barrier(2), list[str]()
    for each in wizards:
        each.to_joining()
        provider.clock.advance(minutes=2)
    forms = [{**hidden_of(each.get(JOINING)), **JOIN} for each in wizards]

    def pressed(number: int) -> None:
        barrier.wait(10)
        response = wizards[number].browser.post(JOINING, data=forms[number])
        got.append(path_of(response) if response.status_code == 303 else said(response))

    threads = [Thread(target=pressed, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(got) == 2
    assert WAITING in got
    assert any("déjà en cours pour cette adresse" in each for each in got)
    assert len(provider.events("signup.submitted")) == 1


@pytest.mark.parametrize("page", [PERSONAL, CODE, LOGIN, JOINING])
def test_a_draft_expires_after_a_day_without_a_word(provider: Provider, wizard: Wizard, page: str) -> None:
    wizard.to_joining()
    provider.clock.advance(seconds=DRAFT_LIFETIME.total_seconds() - 1)
    assert wizard.get(JOINING).status_code == 200
    provider.clock.advance(seconds=1)
    response = wizard.get(page)
    assert (response.status_code, "a expiré" in said(response)) == (410, True)
    assert path_of(wizard.get(page)) == ENTRY  # the cookie is gone
    assert path_of(wizard.begin()) == PERSONAL
    assert "Talence" not in said(wizard.get(PERSONAL))


def test_a_form_of_a_draft_that_expired_is_not_kept(provider: Provider, wizard: Wizard) -> None:
    wizard.begin()
    hidden = hidden_of(wizard.get(PERSONAL))
    provider.clock.advance(seconds=DRAFT_LIFETIME.total_seconds())
    assert wizard.post(PERSONAL, hidden=hidden, **PERSON).status_code == 410
    assert provider.mails() == []


def test_no_write_keeps_a_draft_for_another_day(provider: Provider, wizard: Wizard) -> None:
    wizard.begin()
    provider.clock.advance(hours=20)
    wizard.type()
    provider.clock.advance(hours=3)
    wizard.type(city="Pau")
    provider.clock.advance(hours=1)
    assert wizard.get(PERSONAL).status_code == 410


def test_the_entry_leads_back_to_what_was_begun(wizard: Wizard) -> None:
    wizard.to_code()
    page = said(wizard.get(ENTRY))
    assert "commencée dans ce navigateur" in page
    assert page.index("C••• N•••") < page.index('id="signup-none"')  # whose it is
    assert path_of(wizard.post(ENTRY, choice="keep")) == PERSONAL
    assert 'value="Talence"' in said(wizard.get(PERSONAL))


@pytest.mark.parametrize("page", ["/inscription/nouvelle", "/inscription/quitter"])
def test_somebody_else_at_this_computer_begins_anew(provider: Provider, wizard: Wizard, page: str) -> None:
    wizard.to_code()
    draft_id = wizard.registration().registration_id
    assert path_of(wizard.post(page, page=ENTRY)) == ENTRY
    with provider.services.db.read() as tx:
        assert tx.registrations.get(draft_id) is None
    assert "commencée dans ce navigateur" not in said(wizard.get(ENTRY))


def test_what_was_submitted_is_shown_no_more_and_stays(provider: Provider, wizard: Wizard) -> None:
    draft_id = wizard.submitted().registration_id
    for page in (ENTRY, PERSONAL, LOGIN, JOINING):
        assert path_of(wizard.get(page)) == WAITING
    assert path_of(wizard.post("/inscription/nouvelle", page=WAITING)) == ENTRY
    assert wizard.get(ENTRY).status_code == 200
    with provider.services.db.read() as tx:
        found = tx.registrations.get(draft_id)
    assert found
    assert found.status is RegistrationStatus.SUBMITTED


def test_the_cookie_ends_with_the_browser_and_is_no_scripts(wizard: Wizard) -> None:
    cookie = wizard.begin().headers.getlist("Set-Cookie")
    mine = next(each for each in cookie if "sesame-signup" in each)
    assert "HttpOnly" in mine
    assert "Secure" in mine
    assert "Max-Age" not in mine
