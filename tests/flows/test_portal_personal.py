"""« Modifier mes données personnelles »: what is shown, what may be changed, and the picture."""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.fakes.holder import Holder
from tests.fakes.pictures import png, send, url_of
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, path_of

PAGE, PICTURE, SHOWN = "/compte/personal", "/compte/personal/picture", "/compte/picture"
PROFILE = {
    "function": "Infirmière",
    "structure": "CHU",
    "address": {"formatted": "1 place des Soins\n33000 Bordeaux"},
    "phone_number": "+33556000000",
}


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start(brand={"support_email": "support@region.example"})
    made.add_account("anne.pierre", civility="Mme", rpps="10003456789", profile=PROFILE)
    made.add_account("karim.benali")
    return made


@pytest.fixture
def anne(provider: Provider) -> Holder:
    return Holder.signed_in(provider)


def account(provider: Provider, login: str = "anne.pierre") -> Any:
    with provider.services.db.read() as tx:
        return tx.accounts.find_by_login(login)


def is_refused(response: TestResponse, sentence: str) -> bool:
    return response.status_code == 200 and 'id="error-summary"' in response.text and sentence in response.text


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/email", f"{PAGE}/email/code", f"{PAGE}/phone"])
def test_who_is_not_signed_in_is_asked(provider: Provider, path: str) -> None:
    assert path_of(provider.browser().get(path)).startswith("/authorize?")


@pytest.mark.parametrize("path", [PAGE, PICTURE, f"{PICTURE}/remove", f"{PAGE}/email", f"{PAGE}/phone"])
def test_a_form_without_its_token_is_refused(provider: Provider, anne: Holder, path: str) -> None:
    send(anne, png())
    before = account(provider)
    for fields in ({}, {"csrf": "x"}):
        assert anne.browser.post(path, data={"civility": "M.", **fields}).status_code == 403
    assert account(provider) == before
    assert url_of(anne)


@pytest.mark.parametrize("path", [PICTURE, f"{PICTURE}/remove"])
def test_a_link_changes_nothing(anne: Holder, path: str) -> None:
    assert anne.browser.get(path).status_code == 405


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"civility": "Dr"}, "civilité de la liste"),
        ({"civility": "Mme" * 1000}, "civilité de la liste"),
        ({"civility": "Mme", "function": "x" * 201}, "200 caractères"),
        ({"civility": "Mme", "structure": "a\nb"}, "200 caractères"),
        ({"civility": "Mme", "structure": "a\0b"}, "200 caractères"),
    ],
)
def test_what_cannot_be_kept_is_said_beside_its_field(
    provider: Provider, anne: Holder, fields: dict[str, str], sentence: str
) -> None:
    before = account(provider)
    response = anne.post(PAGE, **fields)
    assert is_refused(response, sentence)
    assert 'aria-invalid="true"' in response.text
    assert account(provider) == before


def test_names_login_and_numbers_are_not_the_holders_to_change(provider: Provider, anne: Holder) -> None:
    before = account(provider)
    forged = {
        "family_name": "X",
        "given_name": "X",
        "login_name": "x",
        "rpps": "1",
        "email": "x@y.example",
        "nickname": "x",
    }
    anne.post(PAGE, civility="Mme", **forged)
    assert account(provider) == before


def test_a_field_that_the_profile_does_not_have_is_not_added(provider: Provider) -> None:
    karim = Holder.signed_in(provider, "karim.benali")
    karim.post(PAGE, civility="", function="Directeur")
    assert account(provider, "karim.benali").profile == {}


# -- the page ----------------------------------------------------------------------------


def test_what_is_held_is_shown(anne: Holder) -> None:
    html = anne.browser.get(PAGE).text
    for text in (
        "anne.pierre@chu.example",
        "+33\u00a05\u00a056\u00a000\u00a000\u00a000",
        "10003456789",
        "Infirmière",
        "33000 Bordeaux",
    ):
        assert text in html
    assert "ne sera pas modifiable" in html
    assert "support@region.example" in html
    assert '<option value="Mme" selected>' in html


def test_an_account_with_nothing_has_its_page_too(provider: Provider) -> None:
    provider.add_account("lea.martin", email="")
    html = Holder.signed_in(provider, "lea.martin").browser.get(PAGE).text
    assert "Aucune adresse e-mail" in html
    assert "Aucun numéro de téléphone" in html
    assert '<option value="" selected>' in html


def test_the_page_is_in_english_too(anne: Holder) -> None:
    assert "Change my personal data" in anne.browser.get(f"{PAGE}?lang=en").text


def test_civility_and_texts_are_kept(provider: Provider, anne: Holder) -> None:
    assert path_of(anne.post(PAGE, civility="", function=" Cadre de santé ", structure="CHU")) == PAGE
    assert "Vos données sont enregistrées" in anne.browser.get(PAGE).text
    found = account(provider)
    assert (found.civility, found.profile) == (None, {**PROFILE, "function": "Cadre de santé"})
    (event,) = provider.events("account.profile_changed")
    assert event.detail == {"changed": "civility function"}


def test_what_did_not_change_leaves_no_event(provider: Provider, anne: Holder) -> None:
    anne.post(PAGE, civility="Mme", function="Infirmière", structure="CHU")
    assert provider.events("account.profile_changed") == []


def test_a_civility_that_is_not_on_offer_stays(provider: Provider) -> None:
    provider.add_account("paul.henry", civility="Pr")
    paul = Holder.signed_in(provider, "paul.henry")
    paul.post(PAGE, civility="Pr")
    assert account(provider, "paul.henry").civility == "Pr"


def test_services_are_told_of_the_profile_what_they_were(provider: Provider, anne: Holder) -> None:
    """Function and structure are no claims."""
    provider.add_client("rp")
    anne.post(PAGE, civility="M.", function="Cadre", structure="CHU")
    rp = RelyingParty(provider)
    claims = rp.userinfo(rp.tokens(scope="openid profile")["access_token"]).json or {}
    assert {"function", "structure"}.isdisjoint(claims)
    assert claims["name"] == "Anne Pierre"
