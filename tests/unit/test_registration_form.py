"""The fields of a registration, one by one."""

import pytest

from idp.domain.professions import DEPARTMENTS, PROFESSIONS, SPECIALITIES
from idp.domain.registration_form import (
    Unsound,
    adeli,
    birth,
    department_of,
    line,
    login_name,
    paragraph,
    person_name,
    proposed_login,
    read,
    rpps,
)
from tests.fakes.signup import PERSON


@pytest.mark.parametrize("typed", ["a<b", "a\u202eb", "a\x00b", "a\nb", "a\u200bb", "שלום", "a" * 201, "a\ud800"])
def test_what_is_no_line_is_refused(typed: str) -> None:
    with pytest.raises(Unsound):
        line(typed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("12  rue de  l'Ére", "12 rue de l'Ére"),
        ("12\u00a0rue\u202fdes Lilas\u00a0", "12 rue des Lilas"),  # as pages and letters have them
        ("\u00a0\u202f", ""),
        ("Le\u0301a", "L\u00e9a"),
        (f"{'a' * 199}\u00a0", "a" * 199),
    ],
)
def test_a_line_is_tidied(typed: str, kept: str) -> None:
    assert line(typed) == kept


@pytest.mark.parametrize("unseen", "\u200b\u200c\u200d\u2060\ufeff\u00ad\u2028\u2009\u3000")
def test_what_cannot_be_seen_is_no_part_of_a_line(unseen: str) -> None:
    """Nor is a space that is none of the two of French typography: somebody would look for « Jean Pierre » in vain."""
    for typed in (f"Jean{unseen}Pierre", f"{unseen}12 rue", f"12 rue{unseen}"):
        with pytest.raises(Unsound, match="unsound"):
            line(typed)


def test_a_name_that_was_copied_has_plain_spaces() -> None:
    assert person_name("Le\u00a0Goff") == person_name("Le\u202fGoff ") == "Le Goff"
    with pytest.raises(Unsound):
        person_name("Le\u200bGoff")


@pytest.mark.parametrize("typed", ["a<b", "a\x00b", "a\u202eb", "a" * 1001])
def test_what_is_no_paragraph_is_refused(typed: str) -> None:
    with pytest.raises(Unsound):
        paragraph(typed)


def test_a_paragraph_keeps_its_lines() -> None:
    assert paragraph("  un\r\ndeux \n") == "un\ndeux"


@pytest.mark.parametrize("typed", ["", "-", "R2D2", "Иван", "Anne!", "<b>", "Anne_Lise"])
def test_what_is_no_name_is_refused(typed: str) -> None:
    with pytest.raises(Unsound):
        person_name(typed)


@pytest.mark.parametrize("typed", ["Anne-Lise", "d'Été", "Peña", "N’Diaye", "Œil", "St. Jean", "ŁUKASZ"])
def test_a_name_is_a_name(typed: str) -> None:
    assert person_name(typed) == typed


@pytest.mark.parametrize("typed", ["1407", "32/01", "30/02", "0/1", "14/13", "14/07/80", "١٤/٠٧"])
def test_what_is_no_birthday_is_refused(typed: str) -> None:
    with pytest.raises(Unsound):
        birth(typed)


@pytest.mark.parametrize(
    ("typed", "kept"), [("4/7", "04/07"), ("29/02", "29/02"), ("14-07", "14/07"), ("1 . 2", "01/02")]
)
def test_a_birthday_has_a_day_and_a_month(typed: str, kept: str) -> None:
    assert birth(typed) == kept


@pytest.mark.parametrize(("typed", "code"), [("1", "rpps"), ("1010000001A", "rpps"), ("10100000015", "rpps_key")])
def test_the_key_of_an_rpps_number_is_checked(typed: str, code: str) -> None:
    with pytest.raises(Unsound) as refused:
        rpps(typed)
    assert refused.value.code == code
    for space in (" ", "\u00a0", "\u202f"):  # the last two: as French documents print numbers
        assert rpps(f"101{space}000{space}000{space}16") == "10100000016"


@pytest.mark.parametrize("typed", ["33601234", "3360123456", "33601234é"])
def test_an_adeli_number_has_nine_characters(typed: str) -> None:
    with pytest.raises(Unsound):
        adeli(typed)
    assert adeli("33 601234 5") == "336012345"


@pytest.mark.parametrize("typed", ["", ".a", "a.", "é", "a b", "a@b", "a" * 65, "ａ", "a\x00"])
def test_what_is_no_identifier_is_refused(typed: str) -> None:
    with pytest.raises(Unsound):
        login_name(typed)


@pytest.mark.parametrize(
    ("given", "family", "proposed"),
    [
        ("Anne", "Pierre", "anne.pierre"),
        ("Anne-Lise", "Peña d'Été", "anne-lise.pena-d-ete"),
        ("Œdipe", "Straße", "oedipe.strasse"),
        ("", "Pierre", "pierre"),
        ("李", "王", ""),
        ("A" * 90, "B" * 90, f"{'a' * 31}.{'b' * 31}"),
    ],
)
def test_an_identifier_is_proposed(given: str, family: str, proposed: str) -> None:
    assert proposed_login(given, family) == proposed
    if proposed:
        assert login_name(proposed) == proposed


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("33400", "33"),
        ("20000", "2A"),
        ("20200", "2B"),
        ("97110", "971"),
        ("98713", "987"),
        ("99000", ""),
        ("3340", ""),
    ],
)
def test_a_postal_code_suggests_its_department(typed: str, expected: str) -> None:
    assert department_of(typed) == expected


def test_a_sound_form_is_sound() -> None:
    kept, wrong = read(PERSON)
    assert wrong == {}
    assert kept["phone"] == "+33556795679"


def test_problems_stand_in_the_order_of_the_page() -> None:
    _, wrong = read({})
    assert list(wrong)[:4] == ["civility", "family_name", "given_name", "email"]
    assert wrong["phone"] == "no_phone"
    assert {"mobile", "fax", "rpps", "adeli", "profession_other"}.isdisjoint(wrong)


def test_a_postal_code_of_abroad_goes_with_no_department() -> None:
    assert read({**PERSON, "postal_code": "B-1000"})[1] == {"postal_code": "postal_code"}
    assert read({**PERSON, "postal_code": "B-1000", "department": "autre"})[1] == {}


def test_the_lists_have_their_codes() -> None:
    assert (PROFESSIONS["10"], SPECIALITIES["SM59"], DEPARTMENTS["2A"]) == (
        "Médecin",
        "Médecine d'urgence",
        "Corse-du-Sud",
    )
    assert len(DEPARTMENTS) == 107
    assert {"16", "17", "19", "23", "24", "33", "40", "47", "64", "79", "86", "87"} <= DEPARTMENTS.keys()
