"""Step 1 « Oui »: what a card or Pro Santé Connect proves fills the form, and is locked; nobody is signed in by it."""

import json
from collections.abc import Callable

import pytest

from idp.domain.registration import Registration
from tests.fakes import national_card
from tests.fakes.portal import METHODS
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, hidden_of, path_of
from tests.fakes.signup import CODE, ENTRY, JOINING, LOGIN, PERSON, PERSONAL, WAITING, Wizard, said, started

TAKEN = "/inscription/compte-existant"
ANNE = {**national_card.ANNE, "rpps": "10101234564"}  # with its key


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    national_card.install(monkeypatch)
    return started(start, methods=METHODS)


@pytest.fixture
def wizard(provider: Provider) -> Wizard:
    return Wizard(provider)


def begun(wizard: Wizard, method: str = "national_card") -> str:
    """« Oui »; the page that asks for the card."""
    page = path_of(wizard.post(ENTRY, choice=method))
    assert page.startswith("/login/")
    return page


def shown(wizard: Wizard, page: str, **changes: str) -> str:
    return path_of(wizard.post(page, **{**ANNE, **changes}))


def proven(wizard: Wizard) -> Registration:
    assert shown(wizard, begun(wizard)) == PERSONAL
    return wizard.registration()


def test_a_method_that_proves_no_national_identity_is_not_offered(wizard: Wizard) -> None:
    page = wizard.get(ENTRY)
    assert 'value="password"' not in page.text
    assert wizard.post(ENTRY, choice="password").status_code == 200
    assert wizard.maybe() is None


def test_the_settings_say_which_are_offered(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> None:
    national_card.install(monkeypatch)
    wizard = Wizard(started(start, methods=METHODS, registration={"enabled": True, "card_methods": ["other"]}))
    assert 'value="national_card"' not in wizard.get(ENTRY).text
    assert wizard.post(ENTRY, choice="national_card").status_code == 200


def test_what_was_proven_fills_the_form_and_is_locked(provider: Provider, wizard: Wizard) -> None:
    found = proven(wizard)
    assert found.form["family_name"] == ANNE["family_name"]
    assert found.form["rpps"] == ANNE["rpps"]
    assert found.locked >= {"family_name", "given_name", "rpps"}
    assert found.proven
    assert (found.proven["method"], found.proven["kind"], found.proven["value"]) == (
        "national_card",
        "rpps",
        ANNE["rpps"],
    )
    page = said(wizard.get(PERSONAL))
    assert page.count("Vérifié :") == len(found.locked)
    assert 'name="family_name"' not in page
    (event,) = provider.events("signup.identity_proven")
    assert (event.subject, event.detail["registration"]) == (None, found.registration_id)


def test_nobody_types_over_what_was_proven(wizard: Wizard) -> None:
    before = proven(wizard)
    forged = {"family_name": "Autre", "given_name": "Autre", "rpps": "10100000016"}
    assert path_of(wizard.type(**forged)) == CODE
    after = wizard.registration()
    for name in forged:
        assert after.form[name] == before.form[name]
    assert after.proven == before.proven


def test_nobody_is_signed_in_by_it(provider: Provider, wizard: Wizard) -> None:
    proven(wizard)
    assert wizard.browser.get_cookie("__Host-sesame-session") is None
    assert provider.events("login.succeeded") == []
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        assert tx.means.links(account.account_id) == []


def test_who_is_signed_in_here_does_not_matter(provider: Provider) -> None:
    """Another person's session in the same browser is neither used nor changed."""
    provider.add_client("rp")
    rp = RelyingParty(provider)
    rp.login()
    session = rp.browser.get_cookie("__Host-sesame-session")
    wizard = Wizard(provider)
    wizard.browser = rp.browser
    assert shown(wizard, begun(wizard)) == PERSONAL
    assert wizard.browser.get_cookie("__Host-sesame-session") == session


def test_a_card_that_opens_an_account_is_told_to_its_holder(provider: Provider, wizard: Wizard) -> None:
    provider.add_account("karim.benali", rpps=ANNE["rpps"])
    page = begun(wizard)
    assert shown(wizard, page) == TAKEN
    assert "déjà un compte" in said(wizard.get(TAKEN))
    found = wizard.registration()
    assert found.proven is None
    assert "family_name" not in found.form
    (event,) = provider.events("signup.identity_refused")
    assert event.outcome == "refused"
    assert wizard.get(page).status_code == 410  # the Interaction is over


def test_a_card_ends_what_the_draft_had_of_somebody_else(provider: Provider, wizard: Wizard) -> None:
    """A draft that was left, or put, in this browser: the holder of the card gets no mailbox or password of it."""
    wizard.to_joining()
    wizard.type(mobile="06 12 34 56 78", fax="05 12 34 56 78")
    planted = wizard.browser.get_cookie("__Host-sesame-signup")
    found = proven(wizard)
    assert planted
    assert (found.email, found.email_proven_at, found.birth) == (None, None, None)
    assert (found.login_name, found.password_digest) == (None, None)
    assert not {"phone", "mobile", "fax", "email"} & found.form.keys()
    assert path_of(wizard.get(JOINING)) == PERSONAL
    thief = Wizard(provider)
    thief.browser.set_cookie("__Host-sesame-signup", planted.value, secure=True)
    assert thief.maybe() is None
    assert thief.get(PERSONAL).status_code == 410


def test_a_card_proves_nothing_for_a_draft_that_is_not_of_this_browser(provider: Provider, wizard: Wizard) -> None:
    page = begun(wizard)
    form = {**hidden_of(wizard.get(page)), **ANNE}
    before, other = wizard.registration(), Wizard(provider)
    other.begin()
    cookie = other.browser.get_cookie("__Host-sesame-signup")
    assert cookie
    wizard.browser.set_cookie("__Host-sesame-signup", cookie.value, secure=True)
    assert wizard.browser.post(page, data=form).status_code == 403
    wizard.browser.delete_cookie("__Host-sesame-signup")
    assert wizard.browser.post(page, data=form).status_code == 403
    with provider.services.db.read() as tx:
        assert tx.registrations.get(before.registration_id) == before
    assert other.registration().proven is None


def test_a_card_that_waits_for_the_desk_is_told_so(provider: Provider) -> None:
    for email in ("a@chu.example", "b@chu.example"):
        wizard = Wizard(provider)
        proven(wizard)
        wizard.type(email=email, email_again=email)
        wizard.give_code()
        wizard.choose("anne.p")
        joined = wizard.join()
    assert "déjà en cours" in said(joined)
    assert wizard.registration().is_draft


def test_the_interaction_is_used_once(wizard: Wizard) -> None:
    page = begun(wizard)
    form = {**hidden_of(wizard.get(page)), **ANNE}
    assert path_of(wizard.browser.post(page, data=form)) == PERSONAL
    version = wizard.registration().version
    assert wizard.browser.post(page, data=form).status_code == 410
    assert wizard.registration().version == version


def test_another_browser_cannot_prove_for_this_draft(provider: Provider, wizard: Wizard) -> None:
    page = begun(wizard)
    other = Wizard(provider)
    other.get(ENTRY)
    assert other.get(page).status_code == 403
    assert wizard.registration().proven is None


def test_a_draft_that_expired_meanwhile_gets_nothing(provider: Provider, wizard: Wizard) -> None:
    page = begun(wizard)
    form = {**hidden_of(wizard.get(page)), **ANNE}
    with provider.services.db.write() as tx:
        assert tx.registrations.discard(wizard.registration().registration_id)
    assert wizard.browser.post(page, data=form).status_code == 410


def test_giving_up_leads_back_to_the_first_step(wizard: Wizard) -> None:
    page = begun(wizard)
    handle = page.split("/")[2]
    assert path_of(wizard.post(f"/login/{handle}/cancel", page=page)) == ENTRY
    assert wizard.registration().proven is None


def test_the_list_of_methods_has_those_alone(wizard: Wizard) -> None:
    page = begun(wizard)
    text = said(wizard.get("/".join(page.split("/")[:3])))
    assert "method-national_card" in text
    assert "method-password" not in text
    assert "Créez votre compte" not in text


def test_no_card_after_all_unlocks_what_was_read(wizard: Wizard) -> None:
    proven(wizard)
    assert path_of(wizard.post(ENTRY, choice="none")) == PERSONAL
    found = wizard.registration()
    assert (found.proven, found.locked) == (None, frozenset())
    assert 'name="family_name"' in wizard.get(PERSONAL).text


def test_the_whole_journey_with_a_card(wizard: Wizard) -> None:
    proven(wizard)
    assert path_of(wizard.type()) == CODE
    assert path_of(wizard.give_code()) == LOGIN
    assert path_of(wizard.choose("anne.p")) == JOINING
    assert path_of(wizard.join()) == WAITING
    found = wizard.registration()
    assert found.proven
    assert found.proven["value"] == ANNE["rpps"]
    assert found.form["practice_place"] == PERSON["practice_place"]
    assert json.dumps(dict(found.proven))
