"""What is kept of what others say of a professional's practice: what is hostile first."""

import json
from datetime import timedelta
from typing import Any

import pytest

from demo.pro_sante_connect.people import PEOPLE
from idp.domain.practice import (
    ACTIVITY,
    MAX_ACTIVITIES,
    MAX_BYTES,
    MAX_EXERCISES,
    MAX_ROLES,
    MAX_TEXT,
    NAMES,
    Asserted,
    Practice,
    newest,
)
from idp.domain.professions import profession
from tests.fakes.clock import START

HOUR = timedelta(hours=1)
NO_TEXT: list[Any] = [
    None,
    True,
    5,
    1.5,
    [],
    ["x"],
    {},
    {"x": "y"},
    "\x00",
    "a\x00b",
    "\ud800",
    "\u202e",
    "x" * (MAX_TEXT + 1),
]
NO_LIST: list[Any] = [None, True, 5, "x", {}, {"0": {}}, [None], [[]], ["x"], [5]]


def exercise(**members: Any) -> dict[str, Any]:
    return {"codeProfession": "10", "activities": [{"codePostal": "33000"}], **members}


def kept(**said: Any) -> dict[str, Any]:
    return dict(Practice(said).claims)


# -- refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", NO_TEXT)
@pytest.mark.parametrize("name", ["SubjectOrganization", "SubjectOrganizationID", "Secteur_Activite"])
def test_what_is_no_line_of_text_is_left_out(name: str, value: object) -> None:
    assert kept(**{name: value}) == {}


@pytest.mark.parametrize("value", NO_TEXT)
def test_so_it_is_in_an_exercise_and_in_an_activity(value: object) -> None:
    said = exercise(codeSavoirFaire=value, activities=[{"codePostal": value, "codePays": "FR"}])
    assert kept(SubjectRefPro={"codeCivilite": value, "exercices": [said]}) == {
        "SubjectRefPro": {"exercices": [{"codeProfession": "10", "activities": [{"codePays": "FR"}]}]}
    }


@pytest.mark.parametrize("value", [*NO_LIST, [None, 5, "\x00"], {"exercices": None}, {"exercices": 5}])
def test_what_is_no_list_of_roles_or_exercises_says_nothing(value: object) -> None:
    assert kept(SubjectRefPro=value) == {}
    assert kept(SubjectRefPro={"exercices": value}) == {}
    if not (isinstance(value, str) or value == ["x"]):
        assert kept(SubjectRole=value) == {}


@pytest.mark.parametrize("value", NO_LIST[1:])
def test_what_is_no_list_of_activities_says_nothing_of_any_exercise(value: object) -> None:
    assert kept(SubjectRefPro={"exercices": [exercise(), exercise(activities=value)]}) == {}


@pytest.mark.parametrize("members", [{"activities": None}, {"activities": []}, {}])
def test_an_exercise_may_name_no_activities(members: dict[str, Any]) -> None:
    found = kept(SubjectRefPro={"exercices": [{"codeProfession": "10", **members}]})
    assert found["SubjectRefPro"]["exercices"] == [{"codeProfession": "10", "activities": []}]


@pytest.mark.parametrize("value", NO_TEXT)
def test_of_a_list_with_one_unsound_member_none_is_kept(value: object) -> None:
    """The others would pass for all of them."""
    assert kept(SubjectRole=["10^1", value]) == {}
    if not isinstance(value, dict):
        assert kept(SubjectRefPro={"exercices": [exercise(), value]}) == {}
        activities = [{"codePostal": "33000"}, value]
        assert kept(SubjectRefPro={"exercices": [exercise(activities=activities)]}) == {}


def test_an_empty_role_is_none() -> None:
    assert kept(SubjectRole=["10^1", ""]) == {"SubjectRole": ["10^1"]}


def test_unknown_members_are_dropped_at_every_depth() -> None:
    activity = {"codePostal": "33000", "secret": "x", "__proto__": {"x": "y"}}
    said = {"exercices": [exercise(admin="yes", activities=[activity])], "next": {}}
    assert kept(SubjectRefPro=said, SubjectNameID="8", otherIds=[{}], sub="root", email="a@b.fr") == {
        "SubjectRefPro": {"exercices": [{"codeProfession": "10", "activities": [{"codePostal": "33000"}]}]}
    }


def test_more_than_anybody_has_is_left_out_whole() -> None:
    """A part would pass for all of it."""
    roles, exercises = ["10^1"] * MAX_ROLES, [exercise()] * MAX_EXERCISES
    activities = [{"codePostal": "33000"}] * MAX_ACTIVITIES
    assert kept(SubjectRole=roles) == {"SubjectRole": roles}
    assert len(kept(SubjectRefPro={"exercices": exercises})["SubjectRefPro"]["exercices"]) == MAX_EXERCISES
    assert kept(SubjectRefPro={"exercices": [exercise(activities=activities)]})
    assert kept(SubjectRole=[*roles, "10^1"]) == {}
    assert kept(SubjectRefPro={"exercices": [*exercises, exercise()]}) == {}
    too_many = exercise(activities=[*activities, {}])
    assert kept(SubjectRefPro={"exercices": [exercise(), too_many]}) == {}


def test_the_whole_is_bounded() -> None:
    activity = dict.fromkeys(ACTIVITY, "é" * MAX_TEXT)
    assert kept(SubjectRefPro={"exercices": [exercise(activities=[activity] * 2)]})
    assert kept(SubjectRefPro={"exercices": [exercise(activities=[activity] * MAX_ACTIVITIES)]}) == {}
    longest = dict.fromkeys(NAMES, "é" * MAX_TEXT) | {"SubjectRole": ["é" * MAX_TEXT] * MAX_ROLES}
    assert len(json.dumps(kept(**longest), ensure_ascii=False).encode()) < MAX_BYTES


# -- kept --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["anne", "karim", "lea", "camille"])
def test_what_pro_sante_connect_says_is_kept_as_it_is(name: str) -> None:
    said = PEOPLE[name].claims
    assert kept(**said) == {name: said[name] for name in NAMES if said.get(name)}
    assert Practice(kept(**said)) == Practice(said)


def test_spaces_of_other_kinds_become_plain() -> None:
    assert kept(SubjectOrganization="CH\u00a0DE\tBORDEAUX\n") == {"SubjectOrganization": "CH DE BORDEAUX"}


def test_one_role_that_is_not_in_a_list() -> None:
    assert kept(SubjectRole="10^1.2") == {"SubjectRole": ["10^1.2"]}


# -- which origin ------------------------------------------------------------------------------------


def test_of_each_group_the_last_that_said_anything_of_it() -> None:
    psc = Asserted("psc", Practice(PEOPLE["lea"].claims), START)
    card = Asserted("cps_card", Practice({"SubjectRole": ["10^1.2"]}), START + HOUR)
    silent = Asserted("other", Practice({}), START + 2 * HOUR)
    found = newest([silent, psc, card])
    assert {name: source.origin for name, source in found.items()} == {
        "SubjectRole": "cps_card",
        **dict.fromkeys(("SubjectRefPro", "SubjectOrganization", "SubjectOrganizationID", "Secteur_Activite"), "psc"),
    }
    later = Asserted("psc", psc.practice, START + 2 * HOUR)
    assert newest([later, card])["SubjectRole"].origin == "psc"


def test_what_belongs_together_is_one_origins() -> None:
    first = Asserted("a", Practice({"SubjectOrganization": "A", "Secteur_Activite": "SA01"}), START)
    second = Asserted("b", Practice({"SubjectOrganization": "B"}), START + HOUR)
    assert newest([first, second]) == {"SubjectOrganization": second}


def test_a_profession_in_words() -> None:
    assert profession("10^1.2.250.1.213.1.1.5.5") == profession("10") == "Médecin"
    assert profession("4711^1.2") == "4711"
