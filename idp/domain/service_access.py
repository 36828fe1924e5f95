"""What a service asks of those who want access to it, who decides, and which roles there are to give."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from idp.domain.access_request import Level, clean
from idp.domain.account import Account
from idp.domain.contact import shown_phone, sound_phone
from idp.errors import InvalidOperation

NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
FINESS = re.compile(r"[0-9][0-9AB][0-9]{7}")
KINDS = ("text", "textarea", "select", "tel")
SOURCES = ("given_name", "family_name", "email", "phone_number")  # what of an account fills a field
OTHER = "- Autre -"
MAX_TEXT = {"text": 200, "textarea": 1000, "select": 200, "tel": 40}
MAX_FIELDS, MAX_CHOICES, MAX_ROLES, MAX_LABEL, MAX_GIVEN = 30, 400, 50, 200, 100
Problems = dict[str, str]  # name of a field → code of a sentence


@dataclass(frozen=True, slots=True)
class Field:
    """One question. source: of SOURCES, what fills it; is_locked: shown, and never taken from what was typed.

    other_of: the select whose choice OTHER makes this field be asked, and needed if is_required.
    """

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    is_required: bool = False
    choices: tuple[str, ...] = ()
    source: str | None = None
    is_locked: bool = False
    other_of: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceRole:
    """What may be given with the access. takes_perimeter: for establishments, by their FINESS numbers."""

    code: str
    label: str
    takes_perimeter: bool = False


@dataclass(frozen=True, slots=True)
class GivenRole:
    """A role in one establishment, or wherever it counts if perimeter is None."""

    code: str
    perimeter: str | None = None

    def __str__(self) -> str:
        """`PSL`, or `PORTEUR_OFFRE@330781196` where the role is for an establishment."""
        return f"{self.code}@{self.perimeter}" if self.perimeter else self.code


@dataclass(frozen=True, slots=True)
class ServiceAccess:
    """The form of a service and its levels of approval."""

    client_id: str
    region_approves: bool = True
    service_approves: bool = False
    fields: tuple[Field, ...] = ()
    roles: tuple[ServiceRole, ...] = ()
    terms_version: str | None = None
    terms_uri: str | None = None
    updated_at: datetime | None = None
    updated_by: str = ""

    @property
    def levels(self) -> tuple[Level, ...]:
        """In the order in which they decide."""
        asked = ((Level.REGION, self.region_approves), (Level.SERVICE, self.service_approves))
        return tuple(level for level, is_asked in asked if is_asked)

    def after(self, level: Level) -> Level | None:
        """The level that decides next; None for the last."""
        later = [each for each in self.levels if each is Level.SERVICE and level is Level.REGION]
        return later[0] if later else None

    def fields_json(self) -> list[dict[str, Any]]:
        return [{**asdict(each), "choices": list(each.choices)} for each in self.fields]

    def roles_json(self) -> list[dict[str, Any]]:
        return [asdict(each) for each in self.roles]

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "ServiceAccess":
        values = {name: row[name] for name in cls.__slots__}
        fields = tuple(Field(**{**each, "choices": tuple(each["choices"])}) for each in row["fields"])
        return cls(**{**values, "fields": fields, "roles": tuple(ServiceRole(**each) for each in row["roles"])})


def prefilled(form: ServiceAccess, account: Account) -> dict[str, str]:
    """What the account says of itself, by the names of the fields that take it."""
    known = {
        "given_name": account.given_name,
        "family_name": account.family_name,
        "email": account.verified_email or "",
        "phone_number": str(account.profile.get("phone_number", "")),
    }
    return {each.name: known[each.source] for each in form.fields if each.source}


def check(form: ServiceAccess, account: Account, typed: Mapping[str, str]) -> tuple[dict[str, str], Problems]:
    """The answers as they are kept, and what is wrong with what was typed."""
    own, answers, problems = prefilled(form, account), {}, Problems()
    for each in form.fields:
        if each.other_of and typed.get(each.other_of) != OTHER:
            continue
        if each.is_locked and each.source:
            answers[each.name] = own[each.name]
            continue
        problem, value = _answer(each, typed.get(each.name, ""))
        if problem:
            problems[each.name] = problem
        elif value:
            answers[each.name] = value
    return answers, problems


def declared(form: ServiceAccess, answers: Mapping[str, str]) -> list[tuple[str, str]]:
    """What somebody typed, in the words of the questions of today; what the account says of itself is left out."""
    asked = {each.name: each for each in form.fields}
    own = {each.name for each in form.fields if each.is_locked}
    return [
        (asked[name].label, shown_phone(value) if asked[name].kind == "tel" else value)
        if name in asked
        else (name, value)
        for name, value in answers.items()
        if name not in own
    ]


def _answer(asked: Field, typed: str) -> tuple[str | None, str]:
    """A problem, or the value."""
    value = clean(typed, MAX_TEXT[asked.kind])
    if value is None or (asked.kind != "textarea" and "\n" in value):
        return "unsound", ""
    if not value:
        return ("missing" if asked.is_required else None), ""
    if asked.kind == "select" and value not in asked.choices:
        return "not_a_choice", ""
    if asked.kind == "tel":
        number = sound_phone(value)
        return (None, number) if number else ("phone_unsound", "")
    return None, value


def given_roles(form: ServiceAccess, codes: Iterable[str], perimeters: Mapping[str, str]) -> tuple[GivenRole, ...]:
    """The roles that were chosen; perimeters: by code, FINESS numbers with anything between them.

    Raises InvalidOperation: none of those that there are, or a number that is none.
    """
    known, given = {role.code: role for role in form.roles}, []
    for code in dict.fromkeys(codes):
        if code not in known:
            raise InvalidOperation("role_unknown")
        numbers = perimeters.get(code, "").upper().replace(",", " ").replace(";", " ").split()
        if not all(FINESS.fullmatch(number) for number in numbers) or (numbers and not known[code].takes_perimeter):
            raise InvalidOperation("perimeter_unsound")
        given += [GivenRole(code, number) for number in dict.fromkeys(numbers)] or [GivenRole(code)]
    if form.roles and not given:
        raise InvalidOperation("role_missing")
    if len(given) > MAX_GIVEN:
        raise InvalidOperation("too_many_roles")
    return tuple(given)


def sound(form: ServiceAccess) -> None:
    """Raises InvalidOperation, which says what a definition has wrong."""
    names = [each.name for each in form.fields]
    selects = {each.name for each in form.fields if each.kind == "select" and OTHER in each.choices}
    _require(form.levels, "one level at least decides: region_approves or service_approves")
    _require(len(form.fields) <= MAX_FIELDS and len(form.roles) <= MAX_ROLES, "too many fields or roles")
    _require(len(set(names)) == len(names), "two fields have one name")
    for each in form.fields:
        _require(NAME.fullmatch(each.name), f"{each.name!r}: a name has a-z, 0-9 and _, 32 at most")
        _require(each.name not in {"csrf", "reason", "terms"}, f"{each.name}: the form has a field of this name")
        _require(_is_line(each.label), f"{each.name}: a label has 1 to {MAX_LABEL} characters that can be printed")
        _require(not each.hint or _is_line(each.hint), f"{each.name}: a hint has at most {MAX_LABEL} characters")
        _require(each.kind in KINDS, f"{each.name}: kind is one of {', '.join(KINDS)}")
        _require(bool(each.choices) == (each.kind == "select"), f"{each.name}: choices are those of a select")
        _require(len(each.choices) <= MAX_CHOICES and all(map(_is_line, each.choices)), f"{each.name}: choices")
        _require(each.source is None or each.source in SOURCES, f"{each.name}: from is one of {', '.join(SOURCES)}")
        _require(each.source or not each.is_locked, f"{each.name}: only what comes from the account is locked")
        _require(each.other_of is None or each.other_of in selects, f"{each.name}: no select with {OTHER!r} to follow")
    codes = [role.code for role in form.roles]
    _require(len(set(codes)) == len(codes), "two roles have one code")
    for role in form.roles:
        _require(CODE.fullmatch(role.code) and _is_line(role.label), f"{role.code!r}: not the code and label of a role")
    _require(form.terms_version is None or _is_line(form.terms_version[:65]), "terms_version: 1 to 64 characters")
    is_web = form.terms_uri is None or form.terms_uri.startswith(("https://", "http://127.0.0.1", "http://localhost"))
    _require(is_web, "terms_uri: an https address")
    _require(form.terms_uri is None or form.terms_version, "terms_uri: terms have a version")


def _is_line(text: str) -> bool:
    return 0 < len(text) <= MAX_LABEL and text.isprintable()


def _require(fact: object, otherwise: str) -> None:
    if not fact:
        raise InvalidOperation(otherwise)
