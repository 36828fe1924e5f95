"""« Inscription »: the four steps, what they refuse, and that nobody learns who has an account."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from idp.domain.registration import RegistrationStatus
from idp.domain.throttle import Limit
from idp.flows.signup import draft, identifier
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, path_of
from tests.fakes.signup import (
    CODE,
    EMAIL,
    ENTRY,
    JOIN,
    JOINING,
    LOGIN,
    PERSONAL,
    RPPS,
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


PAGES = (ENTRY, PERSONAL, CODE, LOGIN, JOINING, WAITING)


@pytest.mark.parametrize("page", PAGES)
def test_nobody_registers_where_it_is_not_enabled(start: Callable[..., Provider], page: str) -> None:
    assert start().browser().get(page).status_code == 404


@pytest.mark.parametrize("page", PAGES[1:])
def test_without_a_draft_one_begins(wizard: Wizard, page: str) -> None:
    assert path_of(wizard.get(page)) == ENTRY


@pytest.mark.parametrize(
    "page", [ENTRY, PERSONAL, CODE, LOGIN, JOINING, "/inscription/nouvelle", "/inscription/quitter"]
)
def test_a_form_of_elsewhere_is_refused(wizard: Wizard, page: str) -> None:
    wizard.begin()
    before = wizard.registration()
    assert wizard.post(page, hidden={"csrf": "forged"}, choice="none").status_code == 403
    assert wizard.registration() == before


def test_nobody_gets_beyond_the_step_that_is_not_complete(wizard: Wizard) -> None:
    wizard.begin()
    assert path_of(wizard.get(LOGIN)) == path_of(wizard.get(JOINING)) == PERSONAL
    wizard.type()
    assert path_of(wizard.get(LOGIN)) == PERSONAL  # the address is not proven
    assert path_of(wizard.post(JOINING, page=PERSONAL, reason="now", terms="accept")) == PERSONAL
    wizard.give_code()
    assert path_of(wizard.get(JOINING)) == LOGIN


def test_the_whole_journey_without_a_card(provider: Provider, wizard: Wizard) -> None:
    assert path_of(wizard.begin("espace-pro")) == PERSONAL
    assert "Étape 2/4 : Données personnelles" in said(wizard.get(PERSONAL))
    assert path_of(wizard.type(rpps=f"{RPPS[:5]} {RPPS[5:]}", rpps_speciality="SM59", mobile="0612345678")) == CODE
    assert path_of(wizard.give_code()) == LOGIN
    page = said(wizard.get(LOGIN))
    assert "claire.nouvelle" in page
    assert "un chiffre y sera ajouté" in page
    assert path_of(wizard.choose()) == JOINING
    page = said(wizard.get(JOINING))
    assert "Formulaire d'adhésion à Service portail" in page
    assert "Adhésion à Service espace-pro" in page
    assert path_of(wizard.join()) == WAITING
    page = said(wizard.get(WAITING))
    assert "en attente" in page
    assert "c•••@chu.example" in page
    found = wizard.registration()
    assert found.status is RegistrationStatus.SUBMITTED
    assert (found.email, found.login_name, found.client_id) == (EMAIL, "claire.nouvelle", "espace-pro")
    assert found.form["rpps"] == RPPS
    assert found.form["phone"] == "+33556795679"
    assert found.form["reason"].startswith("besoin de")
    assert "birth" not in found.form
    assert found.terms_version == "1"
    assert found.password_digest
    assert found.password_digest.startswith("$argon2id$")
    assert found.birth
    opened = provider.services.data_keys.open(found.birth, purpose=f"registration:{found.registration_id}")
    assert opened == b"14/07"
    last = provider.mails()[-1]
    assert (last.to, "enregistrée" in last.subject) == (EMAIL, True)
    names = [event.name for event in provider.events() if event.name.startswith("signup.")]
    assert names == ["signup.submitted", "signup.email_proven", "signup.code_sent", "signup.begun"]
    with provider.services.db.read() as tx:
        assert tx.accounts.find_by_login("claire.nouvelle") is None


def test_the_entry_is_on_the_login_page(provider: Provider) -> None:
    provider.add_client("rp")
    page = said(provider.browser().get(RelyingParty(provider).open_login()))
    assert 'href="/inscription?service=rp"' not in page  # another browser's
    rp = RelyingParty(provider)
    page = said(rp.browser.get(rp.open_login()))
    assert 'href="/inscription?service=rp"' in page
    assert "Créez votre compte dès maintenant" in page


@pytest.mark.parametrize("service", ["nobody", "x" * 5000, "../../", "portail"])
def test_a_service_that_is_none_is_left_out(wizard: Wizard, service: str) -> None:
    assert path_of(wizard.begin(service)) == PERSONAL
    assert wizard.registration().client_id is None


@pytest.mark.embedded  # refused before anything is written
@pytest.mark.parametrize(
    ("login", "password", "again", "field"),
    [
        ("", STRONG, STRONG, "login"),
        ("claïre", STRONG, STRONG, "login"),
        (".claire", STRONG, STRONG, "login"),
        ("claire nouvelle", STRONG, STRONG, "login"),
        ("claire@nouvelle", STRONG, STRONG, "login"),
        ("claire", "court", "court", "password"),
        ("claire", "ClaireNouvelle1!", "ClaireNouvelle1!", "password"),
        ("claire", STRONG, "autre", "confirmation"),
        ("claire", "", "", "password"),
    ],
)
def test_identifier_and_password_are_held_to_their_rules(
    wizard: Wizard, login: str, password: str, again: str, field: str
) -> None:
    wizard.to_login()
    page = said(wizard.choose(login, password, again))
    anchors = {"login": "signup-login", "password": "new-password", "confirmation": "new-password-confirmation"}
    assert f'href="#{anchors[field]}"' in page
    assert wizard.registration().password_digest is None
    assert password not in page or not password


@pytest.mark.parametrize("typed", ["claire.nouvelle", "CLAIRE.Nouvelle", "c-n_1"])
def test_an_identifier_is_kept_in_lower_case(wizard: Wizard, typed: str) -> None:
    wizard.to_login()
    assert path_of(wizard.choose(typed)) == JOINING
    assert wizard.registration().login_name == typed.lower()


def test_a_taken_identifier_is_answered_like_a_free_one(wizard: Wizard, provider: Provider) -> None:
    wizard.to_login(given_name="Anne", family_name="Pierre")
    assert 'id="signup-proposed">anne.pierre<' in said(wizard.get(LOGIN))
    assert path_of(wizard.choose("anne.pierre")) == JOINING


def test_an_rpps_that_an_account_has_is_answered_like_any(wizard: Wizard, provider: Provider) -> None:
    provider.add_account("karim.benali", rpps=RPPS)
    wizard.begin()
    assert path_of(wizard.type(rpps=RPPS)) == CODE


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"terms": ""}, "Dites si vous acceptez"),
        ({"terms": "refuse"}, "Sans votre accord"),
        ({"terms_version": "0"}, "viennent de changer"),
        ({"reason": " "}, "Renseignez ce champ"),
        ({"reason": "a" * 1001}, "trop long"),
    ],
)
def test_the_last_step_wants_a_reason_and_the_terms(wizard: Wizard, changes: dict[str, str], expected: str) -> None:
    wizard.to_joining()
    assert expected in said(wizard.join(**changes))
    assert wizard.registration().is_draft


def test_a_browser_that_begins_too_many_waits_and_its_network_does_not(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draft, "DRAFTS", Limit(most=2, window=timedelta(hours=1)))
    wizard = Wizard(provider)
    failures: list[int] = []
    monkeypatch.setattr(type(provider.services.network), "note_failure", lambda _: failures.append(1))
    for _ in range(2):
        assert path_of(wizard.begin()) == PERSONAL
        wizard.post("/inscription/quitter", page=ENTRY)
    response = wizard.begin()
    assert (response.status_code, "Réessayez dans 60 min" in said(response)) == (429, True)
    assert wizard.maybe() is None
    assert path_of(Wizard(provider).begin()) == PERSONAL
    assert len(failures) == 4  # so that whoever throws the cookies away is slowed


def test_passwords_of_a_draft_are_not_hashed_without_end(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identifier, "PASSWORDS", Limit(most=2, window=timedelta(hours=1)))
    wizard = Wizard(provider)
    wizard.to_joining()
    assert path_of(wizard.choose(password=f"{STRONG} encore")) == JOINING
    before = wizard.registration()
    slowed: list[int] = []
    monkeypatch.setattr(type(provider.services.network), "slow_down", lambda _: slowed.append(1))
    monkeypatch.setattr(type(provider.services.hasher), "hash", lambda *_: pytest.fail("it was hashed"))
    assert "Réessayez dans 60 min" in said(wizard.choose())
    assert (len(slowed), wizard.registration()) == (1, before)
    assert path_of(wizard.choose(password="")) == JOINING  # the one that is kept costs nothing


def test_a_mailbox_that_waits_for_the_desk_is_told_so(provider: Provider) -> None:
    Wizard(provider).submitted()
    again = Wizard(provider)
    provider.clock.advance(minutes=2)
    again.to_joining()
    page = said(again.join())
    assert "déjà en cours pour cette adresse" in page
    assert JOIN["reason"] in page
    assert again.registration().is_draft
    assert len(provider.events("signup.submitted")) == 1


def test_a_password_is_of_whoever_proves_the_address(wizard: Wizard) -> None:
    """In the same browser: somebody else's draft, gone on with."""
    wizard.to_joining()
    assert path_of(wizard.type(email="autre@chu.example", email_again="autre@chu.example")) == CODE
    assert path_of(wizard.give_code()) == LOGIN
    assert "déjà enregistré" not in said(wizard.get(LOGIN))
    assert path_of(wizard.get(JOINING)) == LOGIN
