"""Step 2/4: each field, what it needs, what it refuses, and what is hostile."""

import re
from collections.abc import Callable

import pytest

from idp.domain.registration_form import FIELDS
from tests.fakes.provider import Provider
from tests.fakes.relying_party import path_of
from tests.fakes.signup import CODE, EMAIL, LOGIN, PERSON, PERSONAL, Wizard, said, started


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return started(start)


@pytest.fixture
def wizard(provider: Provider) -> Wizard:
    return Wizard(provider)


def test_fields_are_those_of_the_inventory() -> None:
    """P-040 to P-054, in their order."""
    assert [str(each.label) for each in FIELDS] == [
        *("Civilité", "Nom", "Prénom", "Lieu d'exercice", "Jour/Mois de naissance", "Profession"),
        *("Profession (autre)", "N° RPPS", "Spécialité RPPS", "N° ADELI", "Spécialité ADELI", "Adresse"),
        *("Code postal", "Ville", "Département", "Téléphone", "Mobile", "Fax"),
    ]
    assert PERSON.keys() - {"email", "email_again"} <= {each.name for each in FIELDS}


MANDATORY = [each.name for each in FIELDS if each.is_required]


@pytest.mark.embedded  # refused before anything is written
@pytest.mark.parametrize("name", [*MANDATORY, "email", "email_again"])
def test_a_mandatory_field_is_needed(provider: Provider, wizard: Wizard, name: str) -> None:
    wizard.begin()
    response = wizard.type(**{name: "  "})
    page = said(response)
    assert f'href="#signup-{name}"' in page
    assert re.search(rf'id="signup-{name}"[^>]*aria-invalid="true"', page), name
    assert path_of(wizard.get(LOGIN)) == PERSONAL
    assert provider.mails() == []


@pytest.mark.embedded  # refused before anything is written
@pytest.mark.parametrize(
    ("name", "typed", "expected"),
    [
        ("birth", "31/02", "jour et un mois"),
        ("birth", "14/07/1980", "jour et un mois"),
        ("birth", "00/13", "jour et un mois"),
        ("rpps", "1010000001", "11 chiffres"),
        ("rpps", "10100000015", "vérifiez chaque chiffre"),
        ("adeli", "12", "9 caractères"),
        ("postal_code", "3340", "5 chiffres"),
        ("postal_code", "٣٣٤٠٠", "5 chiffres"),
        ("phone", "12", "pas complet"),
        ("mobile", "0012", "pas complet"),
        ("fax", "x", "pas complet"),
        ("email", "claire@", "n'est pas complète"),
        ("email_again", "autre@chu.example", "différentes"),
        ("profession", "999", "dans la liste"),
        ("rpps_speciality", "SM999", "dans la liste"),
        ("department", "33000", "dans la liste"),
        ("civility", "DR", "dans la liste"),
        ("given_name", "Cl4ire", "en lettres"),
        ("family_name", "-", "en lettres"),
    ],
)
def test_what_is_unsound_is_said_at_its_field(wizard: Wizard, name: str, typed: str, expected: str) -> None:
    wizard.begin()
    page = said(wizard.type(**{name: typed}))
    summary = page[page.index('id="error-summary"') : page.index("</ul>", page.index('id="error-summary"'))]
    assert f"#signup-{name}" in summary
    assert expected in summary


def test_one_of_two_telephones_is_needed(wizard: Wizard) -> None:
    wizard.begin()
    assert "fixe ou mobile" in said(wizard.type(phone="", mobile=""))
    assert path_of(wizard.type(phone="", mobile="06 12 34 56 78")) == CODE


def test_another_profession_is_named(wizard: Wizard) -> None:
    wizard.begin()
    assert "#signup-profession_other" in said(wizard.type(profession="autre"))
    assert path_of(wizard.type(profession="autre", profession_other="Coordonnatrice")) == CODE
    assert wizard.registration().form["profession_other"] == "Coordonnatrice"


def test_what_another_profession_was_called_is_dropped_with_it(wizard: Wizard) -> None:
    wizard.begin()
    assert path_of(wizard.type(profession="60", profession_other="Coordonnatrice")) == CODE
    assert "profession_other" not in wizard.registration().form


HOSTILE = {
    "script": "<script>alert(1)</script>",
    "nul": "a\x00b",
    "right-to-left": "Claire\u202edrocer",
    "hebrew": "שלום",
    "long": "a" * 5000,
    "lines": "a\r\nBcc: x@y.example",
    "lone surrogate": "a\ufffe",
}


@pytest.mark.parametrize("name", [*(each.name for each in FIELDS), "email", "email_again"])
def test_no_field_takes_what_is_hostile(provider: Provider, wizard: Wizard, name: str) -> None:
    wizard.begin()
    other = {"profession": "autre"} if name == "profession_other" else {}
    for kind, hostile in HOSTILE.items():
        response = wizard.type(**{**other, name: hostile})
        assert response.status_code in {200, 400}, kind
        assert "<script>alert" not in response.text
        kept = wizard.registration()
        assert hostile not in str(kept.form), kind
        assert kept.email in {None, EMAIL}
        assert path_of(wizard.get(LOGIN)) == PERSONAL
    assert provider.mails() == []


def test_no_identifier_and_no_reason_is_hostile(wizard: Wizard) -> None:
    wizard.to_login()
    for kind, hostile in HOSTILE.items():
        assert wizard.choose(login=hostile).status_code in {200, 400}, kind
        assert wizard.registration().login_name is None
    wizard.choose()
    for kind, hostile in HOSTILE.items():
        if kind != "lines":  # a reason may have some
            response = wizard.join(reason=hostile)
            assert response.status_code in {200, 400}, kind
            assert "<script>alert" not in response.text
            assert wizard.registration().is_draft, kind


def test_a_megabyte_is_refused(wizard: Wizard) -> None:
    wizard.begin()
    before = wizard.registration()
    assert wizard.type(address="a" * 1_000_000).status_code == 413
    assert wizard.registration() == before
