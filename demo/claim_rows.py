"""Claims as a person reads them: a French label and a plain value for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from demo.service import ROLES

ID_TOKEN_LABELS = {
    "acr": "Niveau d'authentification",
    "amr": "Moyens utilisés",
    "auth_time": "Moment de l'authentification",
    "sub": "Identifiant du sujet",
}
USERINFO_LABELS = {
    "name": "Nom complet",
    "given_name": "Prénom",
    "family_name": "Nom",
    "preferred_username": "Identifiant de connexion",
    "email": "Adresse e-mail",
    "email_verified": "Adresse vérifiée",
    "rpps": "Numéro RPPS",
    "adeli": "Numéro ADELI",
    "SubjectNameID": "Identifiant national",
    "SubjectRole": "Rôle",
    "SubjectRefPro": "Exercice professionnel",
    "SubjectOrganization": "Structure",
    "SubjectOrganizationID": "Identifiant de la structure",
    "Secteur_Activite": "Secteur d'activité",
    "otherIds": "Autres identifiants",
    "identite_ps_origine": "Qui l'a dit, et quand",
    "middle_name": "Autre prénom",
    "nickname": "Nom d'usage courant",
    "gender": "Genre",
    "birthdate": "Date de naissance",
    "phone_number": "Téléphone",
    "phone_number_verified": "Téléphone vérifié",
    "address": "Adresse postale",
    "profile": "Page de présentation",
    "picture": "Photo",
    "website": "Site web",
    "zoneinfo": "Fuseau horaire",
    "locale": "Langue",
    "updated_at": "Mise à jour",
}
INSTANTS = {"auth_time", "updated_at"}


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One line of the table: `name` is the protocol's word, `label` the person's."""

    name: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class GivenRole:
    """What a person may do in the service. perimeters: FINESS numbers of establishments; none: no one in particular."""

    code: str
    label: str
    perimeters: tuple[str, ...]


def id_token_rows(claims: Mapping[str, Any]) -> list[ClaimRow]:
    """The claims that say how the person was authenticated; an absent one is shown as absent."""
    return [ClaimRow(name, label, _readable(name, claims.get(name))) for name, label in ID_TOKEN_LABELS.items()]


def userinfo_rows(claims: Mapping[str, Any]) -> list[ClaimRow]:
    """What userinfo answered, known claims first, and the others under their own name."""
    known = [name for name in USERINFO_LABELS if name in claims]
    others = sorted(claims.keys() - USERINFO_LABELS.keys() - {"sub", ROLES})
    return [ClaimRow(name, USERINFO_LABELS.get(name, name), _readable(name, claims[name])) for name in known + others]


def given_roles(claims: Mapping[str, Any], labels: Mapping[str, str]) -> list[GivenRole]:
    """One for each role, in the order received; what is none of the service's own is nothing to it."""
    found: dict[str, list[str]] = {}
    received = claims.get(ROLES)
    for each in received if isinstance(received, list) else []:
        if isinstance(each, dict) and (code := str(each.get("code"))) in labels:
            found.setdefault(code, []).extend([str(each["perimeter"])] if each.get("perimeter") else [])
    return [GivenRole(code, labels[code], tuple(perimeters)) for code, perimeters in found.items()]


def _readable(name: str, value: Any) -> str:
    match value:
        case None:
            return "non communiqué"
        case bool():
            return "oui" if value else "non"
        case int() | float() if name in INSTANTS:
            return _moment(value)
        case list() if all(isinstance(item, str) for item in value):
            return " ".join(value)
        case list():
            return "\n".join(_readable(name, item) for item in value)
        case dict():
            return ", ".join(f"{key} : {_readable(key, item)}" for key, item in value.items())
        case _:
            return str(value)


def _moment(seconds: float) -> str:
    """In the machine's own time zone: in the demo it is the reader's."""
    try:
        return datetime.fromtimestamp(seconds, tz=UTC).astimezone().strftime("%d/%m/%Y à %H:%M:%S (%Z)")
    except (OverflowError, ValueError, OSError):  # a number that is no date of this era
        return str(seconds)
