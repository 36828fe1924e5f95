"""`SubjectRefPro`: what a professional practises, and where. Every leaf is there, and empty when nothing is known."""

from typing import Any

PROFESSIONS = "1.2.250.1.213.1.1.5.5"  # the list that `SubjectRole` names
SECTORS = "1.2.250.1.71.4.2.4"  # TRE_R02
ACTIVITY_LEAVES = (
    "codeModeExercice", "codeSecteurDactivite", "codeSectionPharmacien", "codeRole", "codeGenreActivite",
    "numeroSiretSite", "numeroSirenSite", "numeroFinessSite", "numeroFinessetablissementJuridique",
    "identifiantTechniqueDeLaStructure", "raisonSocialeSite", "enseigneCommercialeSite", "complementDestinataire",
    "complementPointGeographique", "numeroVoie", "indiceRepetitionVoie", "codeTypeDeVoie", "libelleVoie",
    "mentionDistribution", "bureauCedex", "codePostal", "codeCommune", "codePays", "codeDepartement", "telephone",
    "telephone2", "telecopie", "adresseEMail", "ancienIdentifiantDeLaStructure", "autoriteDenregistrement",
)  # fmt: skip


def hospital(name: str, finess: str, postcode: str, **leaves: str) -> dict[str, str]:
    """A salaried activity, in a public hospital."""
    return _activity(
        codeModeExercice="S", codeSecteurDactivite="SA01", codeGenreActivite="GENR01", numeroFinessSite=finess,
        identifiantTechniqueDeLaStructure=f"F{finess}", raisonSocialeSite=name, codePostal=postcode,
        codeDepartement=postcode[:2], autoriteDenregistrement="ARS/ARS/ARS", **leaves,
    )  # fmt: skip


def surgery(name: str, siret: str, postcode: str, **leaves: str) -> dict[str, str]:
    """An activity on one's own account, in a surgery."""
    return _activity(
        codeModeExercice="L", codeSecteurDactivite="SA07", codeGenreActivite="GENR01", numeroSiretSite=siret,
        numeroSirenSite=siret[:9], identifiantTechniqueDeLaStructure=f"C{siret}", raisonSocialeSite=name,
        codePostal=postcode, codeDepartement=postcode[:2], autoriteDenregistrement="CNOM/CNOM/CNOM", **leaves,
    )  # fmt: skip


def practice(profession: str, names: tuple[str, str], *activities: dict[str, str], skill: str = "") -> dict[str, Any]:
    """One of `exercices`. profession: code of TRE_G15. names: given name, family name. skill: `SM54` and the like."""
    given_name, family_name = names
    return {
        "codeProfession": profession, "codeCategorieProfessionnelle": "C", "codeCiviliteDexercice": "",
        "nomDexercice": family_name, "prenomDexercice": given_name, "codeTypeSavoirFaire": "S" if skill else "",
        "codeSavoirFaire": skill, "activities": list(activities),
    }  # fmt: skip


def _activity(**known: str) -> dict[str, str]:
    return {**dict.fromkeys(ACTIVITY_LEAVES, ""), **known}
