"""The people of the simulator: fictitious, with every shape of claims that a client must be able to read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from demo.cards import CAMILLE, KARIM
from demo.look_alike import ANNE, rpps
from demo.pro_sante_connect.practice import PROFESSIONS, SECTORS, hospital, practice, surgery

LEA = rpps("1000345680")
NADIA = rpps("9970000001")
KARIMS_ADELI = "336012345"
EDIT = "ANS20210107161422"
CHU, CLINIC = ("CHU IMAGINAIRE", "330000001", "33000"), ("CLINIQUE FICTIVE", "640000002", "64000")


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the page offers. claims: of userinfo (scope_all), without `sub` and `authMode`."""

    name: str
    role: str
    note: str
    claims: Mapping[str, Any] = field(repr=False)

    @property
    def national_id(self) -> str:
        return str(self.claims.get("SubjectNameID", ""))


def claims(national_id: str, given_name: str, family_name: str, **others: Any) -> dict[str, Any]:
    """What userinfo says of everybody. There is no e-mail address: Pro Santé Connect sends none."""
    return {
        "SubjectNameID": national_id,
        "preferred_username": national_id,
        "given_name": given_name,
        "family_name": family_name,
        "email_verified": False,
        "UITVersion": "1.0",
        "PSI_Locale": "1.2.250.1.213.1.3.1.1",
        "Palier_Authentification": "APPPRIP3^1.2.250.1.213.1.5.1.1.1",
        "Acces_Regulation_Medicale": "FAUX",
        "Mode_Acces_Raison": "",
        **others,
    }


def other_id(identifier: str, origin: str) -> dict[str, Any]:
    return {"identifiant": identifier, "origine": origin, "qualite": 1}


def practises(civility: str, *practices: dict[str, Any]) -> dict[str, Any]:
    """The claims that follow from `SubjectRefPro`; the structure is that of the first activity."""
    first = practices[0]["activities"][0]
    professions = dict.fromkeys(each["codeProfession"] for each in practices)
    return {
        "SubjectRole": [f"{code}^{PROFESSIONS}" for code in professions],
        "SubjectOrganization": first["raisonSocialeSite"],
        "SubjectOrganizationID": first["identifiantTechniqueDeLaStructure"],
        "Secteur_Activite": f"{first['codeSecteurDactivite']}^{SECTORS}",
        "SubjectRefPro": {"codeCivilite": civility, "exercices": list(practices)},
    }


PEOPLE: dict[str, Person] = {
    "anne": Person(
        "Anne Pierre",
        f"Médecin, RPPS {ANNE}",
        "Son compte porte ce numéro, et Pro Santé Connect y mène directement.",
        claims(
            f"8{ANNE}", "Anne", "PIERRE", otherIds=[other_id(f"8{ANNE}", "RPPS")],
            **practises("MME", practice("10", ("Anne", "PIERRE"), hospital(*CHU), skill="SM54")),
        ),
    ),
    "karim": Person(
        "Karim Benali",
        f"Infirmier, RPPS {KARIM} et ancien ADELI {KARIMS_ADELI}",
        "Son compte n'a pas encore de numéro, et il est à relier une fois.",
        claims(
            f"8{KARIM}", "Karim", "BENALI",
            otherIds=[other_id(f"8{KARIM}", "RPPS"), other_id(f"0{KARIMS_ADELI}", "ADELI")],
            **practises("M", practice("60", ("Karim", "BENALI"), hospital(*CLINIC))),
        ),
    ),
    "lea": Person(
        "Léa Martin",
        f"Médecin et pharmacienne, RPPS {LEA}",
        "Deux exercices, trois activités, à l'hôpital, en cabinet et en officine.",
        claims(
            f"8{LEA}", "Léa", "MARTIN", otherIds=[other_id(f"8{LEA}", "RPPS")],
            **practises(
                "MME",
                practice("10", ("Léa", "MARTIN"), hospital(*CHU),
                         surgery("CABINET INVENTE", "99900000100017", "33200", telephone="0500000000"), skill="SM26"),
                practice("21", ("Léa", "MARTIN"),
                         surgery("OFFICINE DE FICTION", "99900000200015", "33400", codeSectionPharmacien="A")),
            ),
        ),
    ),
    "camille": Person(
        "Camille Moreau",
        f"Sage-femme, RPPS {CAMILLE}",
        "N'a pas de compte ici.",
        claims(
            f"8{CAMILLE}", "Camille", "MOREAU", otherIds=[other_id(f"8{CAMILLE}", "RPPS")],
            **practises("MME", practice("50", ("Camille", "MOREAU"), surgery("MAISON", "99900000300013", "87000"))),
        ),
    ),
    "adeli": Person(
        "Karim Benali, avant le RPPS",
        f"Infirmier, ADELI {KARIMS_ADELI}",
        "La même personne, quand son numéro ADELI était encore le principal.",
        claims(
            f"0{KARIMS_ADELI}", "Karim", "BENALI", otherIds=[other_id(f"0{KARIMS_ADELI}", "ADELI")],
            **practises("M", practice("60", ("Karim", "BENALI"), hospital(*CLINIC))),
        ),
    ),
    "edit": Person(
        "Identité EDIT",
        f"Identifiant {EDIT}, sans motif",
        "Identité de test du bac à sable, à n'accepter que si un réglage le permet.",
        claims(EDIT, "Test", "EDIT", otherIds=[other_id(EDIT, "EDIT")], SubjectRole=[], SubjectOrganization=""),
    ),
    "sparse": Person(
        "Nadia Sobre",
        f"RPPS {NADIA}, presque rien d'autre",
        "Ni nom, ni exercice, ni autre identifiant.",
        {"SubjectNameID": f"8{NADIA}", "given_name": "", "otherIds": [], "SubjectRefPro": {"exercices": []}},
    ),
    "nobody": Person(
        "Sans identifiant",
        "Aucun identifiant national",
        "À refuser, car rien ne dit de qui il s'agit.",
        {"given_name": "Paul", "family_name": "PERSONNE", "SubjectNameID": ""},
    ),
}  # fmt: skip
