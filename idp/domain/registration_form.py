"""The fields of a registration, and what is wrong with what was typed into them (P-040 to P-056, P-061)."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from idp.domain.account import LOGIN_NAME
from idp.domain.contact import sound_email, sound_phone
from idp.domain.national_id import has_luhn_key
from idp.domain.professions import DEPARTMENTS, OTHER, PROFESSIONS, SPECIALITIES
from idp.domain.texts import N_, Text

MAX_NAME, MAX_LINE, MAX_REASON = 100, 200, 1000
MAX_TYPED = 2000  # more of a field is not looked at
RIGHT_TO_LEFT: Final = frozenset({"R", "AL"})
CIVILITIES: Final = MappingProxyType({"MME": N_("Madame"), "M": N_("Monsieur")})
OTHER_LABEL: Text = N_("- Autre -")
IN_NAMES: Final = frozenset(" '’-.")
ADELI: Final = re.compile(r"[0-9A-Z]{9}")
BIRTH: Final = re.compile(r"([0-9]{1,2})[ /.\-]+([0-9]{1,2})")
DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
POSTAL_CODE, POSTAL_CODE_ABROAD = re.compile(r"[0-9]{5}"), re.compile(r"[0-9A-Za-z][0-9A-Za-z -]{1,10}[0-9A-Za-z]")

PROBLEMS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "missing": N_("Renseignez ce champ."),
        "unchosen": N_("Choisissez une réponse dans la liste."),
        "too_long": N_("Ce texte est trop long."),
        "unsound": N_("Ce texte contient un caractère qui n'est pas accepté."),
        "name": N_("Un nom s'écrit en lettres, avec des espaces, des tirets ou des apostrophes."),
        "email": N_("Cette adresse e-mail n'est pas complète ou contient une erreur. Exemple : prenom.nom@hopital.fr"),
        "email_differs": N_("Les deux adresses e-mail sont différentes."),
        "birth": N_("Indiquez un jour et un mois, sans l'année. Exemple : 14/07"),
        "rpps": N_("Un N° RPPS compte 11 chiffres."),
        "rpps_key": N_("Ce N° RPPS contient une erreur : vérifiez chaque chiffre."),
        "adeli": N_("Un N° ADELI compte 9 caractères."),
        "postal_code": N_("Un code postal compte 5 chiffres."),
        "phone": N_("Ce numéro n'est pas complet ou contient une erreur. Exemples : 06 12 34 56 78, +32 470 12 34 56"),
        "no_phone": N_("Renseignez un numéro de téléphone fixe ou mobile."),
        "login": N_(
            "Un identifiant s'écrit avec des lettres sans accent et des chiffres ; point, tiret et tiret bas sont "
            "acceptés à l'intérieur. 64 caractères au plus."
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Field:
    """check: the value as it is kept, of what was typed and is not empty; raises Unsound. choices: labels by value."""

    name: str
    label: Text
    check: Callable[[str], str]
    is_required: bool = True
    choices: Mapping[str, str] | None = None


class Unsound(ValueError):
    """What was typed is none. code: of PROBLEMS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def line(typed: str, most: int = MAX_LINE) -> str:
    """One line of text, its spaces tidied. Raises Unsound for what a page should not show as it is."""
    found = re.sub("[\u00a0\u202f]", " ", typed)  # as in the telephone numbers that the page shows
    if not found.isprintable() or any(c in "<>" or unicodedata.bidirectional(c) in RIGHT_TO_LEFT for c in found):
        raise Unsound("unsound")
    if len(found) > most:
        raise Unsound("too_long")
    return " ".join(unicodedata.normalize("NFC", found).split())


def paragraph(typed: str) -> str:
    """Some lines of text. Raises Unsound."""
    lines = [line(each, MAX_REASON) for each in typed.replace("\r\n", "\n").split("\n")]
    found = "\n".join(lines).strip()
    if len(found) > MAX_REASON:
        raise Unsound("too_long")
    return found


def person_name(typed: str) -> str:
    """Raises Unsound."""
    found = line(typed, MAX_NAME)
    if not any(c.isalpha() for c in found) or not all(c in IN_NAMES or _is_latin(c) for c in found):
        raise Unsound("name")
    return found


def birth(typed: str) -> str:
    """`4/7` → `04/07`. Raises Unsound."""
    found = BIRTH.fullmatch(typed) if typed.isascii() else None
    day, month = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= month <= 12 or not 1 <= day <= DAYS[month - 1]:
        raise Unsound("birth")
    return f"{day:02}/{month:02}"


def rpps(typed: str) -> str:
    """Raises Unsound."""
    digits = re.sub(r"[\s.-]", "", typed)
    if not re.fullmatch(r"[0-9]{11}", digits):
        raise Unsound("rpps")
    if not has_luhn_key(digits):
        raise Unsound("rpps_key")
    return digits


def adeli(typed: str) -> str:
    """Raises Unsound."""
    found = re.sub(r"[\s.-]", "", typed).upper()
    if not ADELI.fullmatch(found):
        raise Unsound("adeli")
    return found


def phone(typed: str) -> str:
    """In the international form. Raises Unsound."""
    found = sound_phone(typed)
    if found is None:
        raise Unsound("phone")
    return found


def email(typed: str) -> str:
    """Raises Unsound."""
    found = sound_email(line(typed, MAX_TYPED))
    if found is None:
        raise Unsound("email")
    return found


def login_name(typed: str) -> str:
    """An identifier (P-056, Q-03), in lower case. Raises Unsound."""
    found = typed.strip().lower()
    if not found.isascii() or not LOGIN_NAME.fullmatch(found):
        raise Unsound("login")
    return found


def _name(name: str, label: Text) -> Field:
    return Field(name, label, person_name)


def _of_list(name: str, label: Text, choices: Mapping[str, str], *, is_required: bool = True) -> Field:
    def check(typed: str) -> str:
        if typed not in choices:
            raise Unsound("unchosen")
        return typed

    return Field(name, label, check, is_required, choices)


def _phone(name: str, label: Text) -> Field:
    return Field(name, label, phone, is_required=False)


FIELDS: Final = (
    _of_list("civility", N_("Civilité"), CIVILITIES),
    _name("family_name", N_("Nom")),
    _name("given_name", N_("Prénom")),
    Field("practice_place", N_("Lieu d'exercice"), line),
    Field("birth", N_("Jour/Mois de naissance"), birth),
    _of_list("profession", N_("Profession"), {OTHER: OTHER_LABEL, **PROFESSIONS}),
    Field("profession_other", N_("Profession (autre)"), line, is_required=False),
    Field("rpps", N_("N° RPPS"), rpps, is_required=False),
    _of_list("rpps_speciality", N_("Spécialité RPPS"), SPECIALITIES, is_required=False),
    Field("adeli", N_("N° ADELI"), adeli, is_required=False),
    _of_list("adeli_speciality", N_("Spécialité ADELI"), SPECIALITIES, is_required=False),
    Field("address", N_("Adresse"), line),
    Field("postal_code", N_("Code postal"), line),
    Field("city", N_("Ville"), line),
    _of_list("department", N_("Département"), {**DEPARTMENTS, OTHER: OTHER_LABEL}),
    _phone("phone", N_("Téléphone")),
    _phone("mobile", N_("Mobile")),
    _phone("fax", N_("Fax")),
)
EMAIL: Final = Field("email", N_("Email"), email)
EMAIL_AGAIN: Final = Field("email_again", N_("Confirmation email"), email)
ORDER: Final = ("civility", "family_name", "given_name", "email", "email_again", *(f.name for f in FIELDS[3:]))


def read(typed: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The sound values by field, `email` among them, and the codes of what is wrong, in the page's order.

    Without `email_again` the address is not compared: it was, when it was kept.
    """
    kept: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for each in (*FIELDS, EMAIL):
        value = typed.get(each.name, "")[: MAX_TYPED + 1].strip(" ")
        try:
            if value:
                kept[each.name] = each.check(value)
            elif each.is_required:
                wrong[each.name] = "unchosen" if each.choices else "missing"
        except Unsound as unsound:
            wrong[each.name] = unsound.code
    _check_together(typed, kept, wrong)
    return kept, {name: wrong[name] for name in ORDER if name in wrong}


def _check_together(typed: Mapping[str, str], kept: dict[str, str], wrong: dict[str, str]) -> None:
    if kept.get("profession") != OTHER:
        kept.pop("profession_other", None)
        wrong.pop("profession_other", None)
    elif not kept.get("profession_other"):
        wrong.setdefault("profession_other", "missing")
    shape = POSTAL_CODE_ABROAD if kept.get("department") == OTHER else POSTAL_CODE
    if "postal_code" in kept and not (kept["postal_code"].isascii() and shape.fullmatch(kept["postal_code"])):
        wrong["postal_code"] = "postal_code"
        del kept["postal_code"]
    if not kept.get("phone") and not kept.get("mobile"):
        wrong.setdefault("mobile" if "mobile" in wrong else "phone", "no_phone")
    if "email_again" in typed and "email" in kept:
        again = sound_email(typed["email_again"][: MAX_TYPED + 1])
        if again != kept["email"]:
            wrong["email_again"] = "missing" if not typed["email_again"].strip() else "email_differs"


def department_of(postal_code: str) -> str:
    """A suggestion: at the borders of departments some post offices serve both sides."""
    if not POSTAL_CODE.fullmatch(postal_code):
        return ""
    overseas = postal_code[:3]
    if overseas in DEPARTMENTS:
        return overseas
    if postal_code.startswith("20"):
        return "2A" if postal_code < "20200" else "2B"
    return postal_code[:2] if postal_code[:2] in DEPARTMENTS else ""


def proposed_login(given_name: str, family_name: str) -> str:
    """`Anne-Lise`, `Peña d'Été` → `anne-lise.pena-d-ete` (P-055); empty if nothing is left of the names."""
    parts = [plain for name in (given_name, family_name) if (plain := _plain(name))]
    return ".".join(part[:31].strip("-") for part in parts)


def _plain(name: str) -> str:
    folded = name.casefold().replace("œ", "oe").replace("æ", "ae").replace("ø", "o").replace("ß", "ss")
    ascii_only = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    return "-".join(re.findall(r"[a-z0-9]+", ascii_only))


def _is_latin(character: str) -> bool:
    return character.isalpha() and unicodedata.name(character, "").startswith("LATIN ")
