"""Professions by their codes (ANS, TRE_G15-ProfessionSante), in the words of that list, which are French."""

from types import MappingProxyType
from typing import Final

TRE_G15: Final = "1.2.250.1.71.1.2.7"
PROFESSIONS: Final = MappingProxyType(
    {
        "10": "Médecin",
        "21": "Pharmacien",
        "26": "Audioprothésiste",
        "28": "Opticien-Lunetier",
        "31": "Assistant dentaire",
        "32": "Physicien médical",
        "35": "Aide-soignant",
        "36": "Ambulancier",
        "37": "Auxiliaire de puériculture",
        "38": "Préparateur en pharmacie hospitalière",
        "39": "Préparateur en pharmacie d'officine",
        "40": "Chirurgien-Dentiste",
        "50": "Sage-Femme",
        "60": "Infirmier",
        "69": "Infirmier psychiatrique",
        "70": "Masseur-Kinésithérapeute",
        "80": "Pédicure-Podologue",
        "81": "Orthoprothésiste",
        "82": "Podo-Orthésiste",
        "83": "Orthopédiste-Orthésiste",
        "84": "Oculariste",
        "85": "Epithésiste",
        "86": "Technicien de laboratoire médical",
        "91": "Orthophoniste",
        "92": "Orthoptiste",
        "94": "Ergothérapeute",
        "95": "Diététicien",
        "96": "Psychomotricien",
        "98": "Manipulateur ERM",
    }
)


def profession(role: str) -> str:
    """What a `code^list` says; the code itself if it is not known here."""
    code = role.partition("^")[0]
    return PROFESSIONS.get(code, code)
