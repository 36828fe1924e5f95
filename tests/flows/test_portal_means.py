"""« Gérer mes dispositifs d'authentification forte »: the list, names, adding."""

import re
from collections.abc import Callable

import pytest

from idp.domain.authn import Assurance, IdentityRef
from idp.methods.registry import Registry
from tests.fakes import national_card
from tests.fakes.national_card import ANNE
from tests.fakes.portal import MEANS, by_card, by_password, copy_of, enter, link_of, live, present, with_card
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, path_of

UNKNOWN = "018f0000-0000-7000-8000-000000000000"
RPPS = IdentityRef("rpps", ANNE["rpps"])


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    return with_card(start, monkeypatch)


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    """At the list of means, the card presented at this instant."""
    return enter(provider, by_card)


def other_link(provider: Provider) -> str:
    """A link of another account."""
    karim = provider.add_account("karim.benali")
    with provider.services.db.write() as tx:
        return tx.means.add_link(karim.account_id, "national_card", provider.clock.now())


def password_id(provider: Provider) -> str:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        password = tx.accounts.password(account.account_id) if account else None
    assert password
    return password.credential_id


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("whose", ["another's", "nobody's", "the password", "no id"])
@pytest.mark.parametrize("what", ["name", "remove", "look"])
def test_what_is_not_ones_own_is_not_found(provider: Provider, rp: RelyingParty, whose: str, what: str) -> None:
    ids = {"another's": other_link(provider), "nobody's": UNKNOWN, "the password": password_id(provider)}
    path = f"{MEANS}/{ids.get(whose, 'nonsense')}"
    if what == "look":
        response = rp.browser.get(f"{path}/remove")
    else:
        response = rp.post(f"{path}/{what}", page=MEANS, name="Mine", understood="yes")
    assert response.status_code == 404
    assert live(provider, "karim.benali" if whose == "another's" else "anne.pierre") == [("national_card", None)]
    assert password_id(provider)
    assert not provider.events("means.removed")


@pytest.mark.parametrize("what", ["name", "remove", "add"])
@pytest.mark.parametrize("token", [None, "forged"])
def test_a_form_of_elsewhere_is_refused(provider: Provider, rp: RelyingParty, what: str, token: str | None) -> None:
    path = f"{MEANS}/add" if what == "add" else f"{MEANS}/{link_of(provider)}/{what}"
    form = {"name": "Mine", "method": "national_card", "understood": "yes", **({"csrf": token} if token else {})}
    assert rp.browser.post(path, data=form).status_code == 403
    assert live(provider) == [("national_card", None)]


def test_looking_changes_nothing(provider: Provider, rp: RelyingParty) -> None:
    path = f"{MEANS}/{link_of(provider)}"
    assert rp.browser.get(f"{path}/remove?understood=yes").status_code == 200
    assert rp.browser.get(f"{path}/name?name=Mine").status_code == 405
    assert rp.browser.get(f"{MEANS}/add?method=national_card").status_code in {404, 405}
    assert live(provider) == [("national_card", None)]
    assert rp.browser.get(MEANS).status_code == 200


@pytest.mark.parametrize("path", ["", "/{}/remove"])
def test_a_stranger_is_asked_to_sign_in_and_comes_back(provider: Provider, rp: RelyingParty, path: str) -> None:
    page = MEANS + path.format(link_of(provider))
    assert enter(provider, by_card, page=page).browser.get(page).status_code == 200


# -- names -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "a\u202eb", "a\x07b", "\u200b"])
def test_a_name_that_is_none_is_refused(provider: Provider, rp: RelyingParty, name: str) -> None:
    refused = rp.post(f"{MEANS}/{link_of(provider)}/name", page=MEANS, name=name)
    assert refused.status_code == 200
    assert 'aria-invalid="true"' in refused.text
    assert "de 1 à 64 caractères" in refused.text
    assert live(provider) == [("national_card", None)]


@pytest.mark.parametrize("name", ["x" * 64, "Carte <b>du bureau</b>", "Été n° 2"])
def test_a_means_is_given_a_name(provider: Provider, rp: RelyingParty, name: str) -> None:
    assert path_of(rp.post(f"{MEANS}/{link_of(provider)}/name", page=MEANS, name=f"  {name} ")) == MEANS
    assert live(provider) == [("national_card", name)]
    shown = rp.browser.get(MEANS).text
    assert "Le nom est enregistré." in shown
    assert "<b>" not in shown


# -- the list, and adding ----------------------------------------------------------------


def test_the_list_says_what_there_is(provider: Provider, rp: RelyingParty) -> None:
    provider.clock.advance(minutes=1)
    shown = rp.browser.get(MEANS).text
    assert "Identifiant - Mot de passe" in shown
    assert "a•••@chu.example" in shown
    assert "anne.pierre@chu.example" not in shown
    assert "Carte d&#39;essai" in shown
    assert "Ajouté le 2 novembre 2026" in shown
    assert "dernière utilisation le 2 novembre 2026 à 09:00" in shown
    assert "Sûreté la plus élevée" in shown
    assert 'value="national_card"' not in shown  # it is linked already
    assert "une seule preuve" not in shown


def test_a_password_of_the_mailbox_says_so(provider: Provider) -> None:
    account = provider.add_account("karim.benali", anchor="mailbox")
    assert account.verified_email
    rp = RelyingParty(provider, "portail")
    login = path_of(rp.browser.get(path_of(rp.browser.get(MEANS))))
    rp.browser.get(path_of(rp.give_password(login, "karim.benali")))
    shown = rp.browser.get(MEANS).text
    assert "une seule preuve" in shown
    assert re.search(r'value="national_card" disabled aria-describedby="add-why"', shown)
    assert rp.post(f"{MEANS}/add", page=MEANS, method="national_card").status_code == 403


def test_a_method_that_is_off_is_still_taken_away(provider: Provider, rp: RelyingParty) -> None:
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        tx.means.add_link(account.account_id, "gone", provider.clock.now())
    assert "plus proposé" in rp.browser.get(MEANS).text


def test_the_pages_are_in_english_too(provider: Provider, rp: RelyingParty) -> None:
    shown = rp.browser.get(f"{MEANS}?lang=en").text
    assert "What you sign in with" in shown
    assert "Added on 2 November 2026" in shown
    assert "This is your last" not in rp.browser.get(f"{MEANS}/{link_of(provider)}/remove").text


def test_a_password_alone_adds_nothing(provider: Provider) -> None:
    provider.add_account("karim.benali", email="")
    rp = RelyingParty(provider, "portail")
    login = path_of(rp.browser.get(path_of(rp.browser.get(MEANS))))
    rp.browser.get(path_of(rp.give_password(login, "karim.benali")))
    shown = rp.browser.get(MEANS).text
    assert "Aucune adresse e-mail vérifiée." in shown
    refused = rp.post(f"{MEANS}/add", page=MEANS, method="national_card")
    assert refused.status_code == 403
    assert "ne suffit pas" in refused.text


@pytest.mark.parametrize("method", ["", "email_otp", "password", "unknown", "national_card"])
def test_only_what_can_be_linked_is_added(provider: Provider, rp: RelyingParty, method: str) -> None:
    """The card is linked already."""
    assert rp.post(f"{MEANS}/add", page=MEANS, method=method).status_code == 404


def test_adding_asks_for_two_factors_and_then_for_the_means(provider: Provider) -> None:
    rp = enter(provider, by_password)
    login = path_of(rp.post(f"{MEANS}/add", page=MEANS, method="national_card"))
    assert "Prouvez d&#39;abord" in rp.browser.get(login).text
    assert path_of(rp.give_otp(login)) == login
    assert "Présentez ce que vous voulez relier" in rp.browser.get(login).text
    assert live(provider) == []


class Federation(national_card.NationalCard):
    id = "federation"
    assurance = Assurance.SUBSTANTIAL


def test_adding_asks_an_account_that_has_more_for_more(provider: Provider, rp: RelyingParty) -> None:
    """Its card proves more than the two factors that the journey of linking asks for."""
    registry = Registry([*provider.services.registry.values(), Federation()])
    rp.browser = copy_of(rp, provider.with_services(registry=registry))
    provider.clock.advance(minutes=5, seconds=1)
    asked = path_of(rp.post(f"{MEANS}/add", page=MEANS, method="federation"))
    assert "Confirmez que c&#39;est vous" in rp.browser.get(asked).text
    assert path_of(present(rp, asked)) == MEANS
    linking = path_of(rp.post(f"{MEANS}/add", page=MEANS, method="federation"))
    assert "Prouvez d&#39;abord" in rp.browser.get(linking).text
