"""What a health professional practises, under the claim names of Pro Santé Connect, and who said so.

It comes from elsewhere and is given to services: what is not of the known shape is left out, and what would only be a
part of a list is left out whole, for a part would pass for all of it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

EXERCISE: Final = (
    "codeProfession", "codeCategorieProfessionnelle", "codeCiviliteDexercice", "nomDexercice", "prenomDexercice",
    "codeTypeSavoirFaire", "codeSavoirFaire",
)  # fmt: skip
ACTIVITY: Final = (
    "codeModeExercice", "codeSecteurDactivite", "codeSectionPharmacien", "codeRole", "codeGenreActivite",
    "numeroSiretSite", "numeroSirenSite", "numeroFinessSite", "numeroFinessetablissementJuridique",
    "identifiantTechniqueDeLaStructure", "raisonSocialeSite", "enseigneCommercialeSite", "complementDestinataire",
    "complementPointGeographique", "numeroVoie", "indiceRepetitionVoie", "codeTypeDeVoie", "libelleVoie",
    "mentionDistribution", "bureauCedex", "codePostal", "codeCommune", "codePays", "codeDepartement", "telephone",
    "telephone2", "telecopie", "adresseEMail", "ancienIdentifiantDeLaStructure", "autoriteDenregistrement",
)  # fmt: skip
STRUCTURE: Final = ("SubjectOrganization", "SubjectOrganizationID", "Secteur_Activite")  # of the current activity
GROUPS: Final = (("SubjectRole",), ("SubjectRefPro",), STRUCTURE)  # what belongs together has one origin
NAMES: Final = tuple(name for group in GROUPS for name in group)
MAX_TEXT: Final = 200  # characters
MAX_ROLES: Final = 20
MAX_EXERCISES: Final = 20
MAX_ACTIVITIES: Final = 40  # of one exercise
MAX_BYTES: Final = 32_768  # of SubjectRefPro as JSON


@dataclass(frozen=True, slots=True)
class Practice:
    """claims: of NAMES, those that say something. Whatever is given, only what is sound of it is kept."""

    claims: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "claims", _cleaned(self.claims))


@dataclass(frozen=True, slots=True)
class Asserted:
    """What one origin (the id of a login method, or "support") said last, and when."""

    origin: str
    practice: Practice
    at: datetime


def newest(said: Iterable[Asserted]) -> dict[str, Asserted]:
    """By claim, which origin it is taken from: of each group, from the last that said anything of it."""
    latest = sorted(said, key=lambda each: each.at, reverse=True)
    found: dict[str, Asserted] = {}
    for group in GROUPS:
        source = next((each for each in latest if not each.practice.claims.keys().isdisjoint(group)), None)
        if source:
            found |= {name: source for name in group if name in source.practice.claims}
    return found


def _cleaned(said: Mapping[str, Any]) -> dict[str, Any]:
    known = {
        "SubjectRole": _roles(said.get("SubjectRole")),
        "SubjectRefPro": _exercises(said.get("SubjectRefPro")),
        **_texts(said, STRUCTURE),
    }
    return {name: value for name, value in known.items() if value}


def _roles(said: object) -> list[str]:
    listed = [said] if isinstance(said, str) else said
    if not isinstance(listed, list) or len(listed) > MAX_ROLES:
        return []
    roles = [role for each in listed if (role := _text(each)) is not None]
    return [role for role in roles if role] if len(roles) == len(listed) else []


def _exercises(said: object) -> dict[str, Any]:
    if not isinstance(said, Mapping):
        return {}
    listed = [_exercise(each) for each in _objects(said.get("exercices"), MAX_EXERCISES) or ()]
    kept = [each for each in listed if each]
    if not kept or len(kept) < len(listed):
        return {}
    found = {**_texts(said, ("codeCivilite",)), "exercices": kept}
    return found if len(json.dumps(found, ensure_ascii=False).encode()) <= MAX_BYTES else {}


def _exercise(said: Mapping[str, Any]) -> dict[str, Any] | None:
    """None where its activities are no sound list. It may name none."""
    listed = _objects(said["activities"] if said.get("activities") is not None else [], MAX_ACTIVITIES)
    if listed is None:
        return None
    return {**_texts(said, EXERCISE), "activities": [_texts(each, ACTIVITY) for each in listed]}


def _objects(listed: object, most: int) -> list[Mapping[str, Any]] | None:
    """None for what is no list of so many objects at most."""
    if not isinstance(listed, list) or len(listed) > most or not all(isinstance(each, Mapping) for each in listed):
        return None
    return listed


def _texts(said: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """An empty one stays: Pro Santé Connect has it for what is unknown."""
    return {name: text for name in names if (text := _text(said.get(name))) is not None}


def _text(value: object) -> str | None:
    """One line, as it is but for its spaces; None for what has no place in a database or on a page."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return None
    line = value if value.isprintable() else " ".join(value.split())
    return line if line.isprintable() else None
