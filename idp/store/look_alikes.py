"""Who may be the person of a registration: the same number, the same address, or nearly the same name."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, String, and_, cast, func, or_, select, union
from sqlalchemy.engine import RowMapping

from idp.domain.account import name_key
from idp.domain.names import are_near, near_to, plain
from idp.domain.registration import Registration, RegistrationStatus
from idp.store.name_words import begins
from idp.store.schema import account, identity, registration

MOST = 20
NOBODY = {("\U0010ffff", "")}  # no name begins so
NUMBERS = ("rpps", "adeli")
WHY = (*NUMBERS, "email", "name")
LIVE = (RegistrationStatus.SUBMITTED.value, RegistrationStatus.APPROVED.value, RegistrationStatus.REFUSED.value)
# First letters as people write them: neither database compares them without accents everywhere.
VARIANTS = {each[0]: each for each in ("aàâäáã", "cç", "eéèêë", "iîïí", "nñ", "oôöóœ", "uùûüú", "yÿ")}


@dataclass(frozen=True, slots=True)
class LookAlike:
    """kind: "account" or "registration"; why: of WHY, the first that holds. status: as it is stored, in lower case."""

    kind: str
    id: str
    why: str
    name: str
    login_name: str
    status: str


class LookAlikes:
    """Asked by the desk only: nobody else is told that somebody is known."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def of(self, about: Registration) -> list[LookAlike]:
        """At most MOST, accounts first; a name that begins with another letter is not found."""
        found = [*self._accounts(about), *self._registrations(about)]
        return sorted(found, key=lambda each: (WHY.index(each.why), each.kind))[:MOST]

    def _accounts(self, about: Registration) -> list[LookAlike]:
        known = {*_numbers(about.form, about.proven), *([("email", about.email)] if about.email else [])}
        names = ("account_id", "login_name", "status", "family_name", "given_name")
        columns = [account.c[name] for name in names]
        found: dict[str, LookAlike] = {}
        for kind, value in sorted(known, key=lambda each: WHY.index(each[0])):
            same = (identity.c.kind == kind) & (identity.c.value == value)
            for row in self._db.execute(select(*columns).join(identity).where(same)).mappings():
                found.setdefault(row["account_id"], _account(row, kind))
        family, given = _typed(about)
        may_be = near_to(family, given)
        query = select(*columns).where(account.c.account_id.in_(_begun_alike(family, given)))
        for row in self._db.execute(query).mappings():
            if may_be(row["family_name"], row["given_name"]):
                found.setdefault(row["account_id"], _account(row, "name"))
        return [each for each in found.values() if each.id != about.account_id]

    def _registrations(self, about: Registration) -> list[LookAlike]:
        """Those that wait or were refused; of a confirmed one the account stands."""
        family, given = _typed(about)
        form = {name: registration.c.form[name].as_string() for name in ("family_name", "given_name", *NUMBERS)}
        columns = [registration.c[name] for name in ("registration_id", "login_name", "status", "email", "proven")]
        numbers, proven = _numbers(about.form, about.proven), cast(registration.c.proven, String)
        query = select(*columns, *(each.label(name) for name, each in form.items())).where(
            registration.c.status.in_(LIVE),
            registration.c.registration_id != about.registration_id,
            or_(
                *(form[kind] == number for kind, number in numbers),
                *(proven.contains(number, autoescape=True) for _, number in numbers),
                registration.c.email == about.email,
                _may_be(form["family_name"], form["given_name"], family, given),
            ),
        )
        rows = self._db.execute(query).mappings()
        return [_pending(row, why) for row in rows if (why := _why(row, about))]


def _why(row: RowMapping, about: Registration) -> str | None:
    """What a registration has in common with this one."""
    shared = {kind for kind, _ in _numbers(dict(row), row["proven"]) & _numbers(about.form, about.proven)}
    if shared:
        return min(shared, key=WHY.index)
    if row["email"] and row["email"] == about.email:
        return "email"
    return "name" if are_near(row["family_name"] or "", row["given_name"] or "", *_typed(about)) else None


def _pending(row: RowMapping, why: str) -> LookAlike:
    name = f"{row['given_name'] or ''} {row['family_name'] or ''}".strip()
    return LookAlike("registration", row["registration_id"], why, name, row["login_name"] or "", row["status"].lower())


def _account(row: RowMapping, why: str) -> LookAlike:
    name = f"{row['given_name']} {row['family_name']}".strip()
    return LookAlike("account", row["account_id"], why, name, row["login_name"], row["status"])


def _typed(about: Registration) -> tuple[str, str]:
    return about.form.get("family_name", ""), about.form.get("given_name", "")


def _numbers(form: Mapping[str, Any], proven: Mapping[str, Any] | None) -> set[tuple[str, str]]:
    """Kinds and national numbers, as they were typed and as they were proven."""
    said = proven or {}
    pairs = [(said.get("kind"), said.get("value")), *said.get("related", ())]
    typed = [(kind, form.get(kind)) for kind in NUMBERS]
    return {(str(kind), str(value)) for kind, value in [*typed, *pairs] if kind in NUMBERS and value}


def _may_be(
    family: ColumnElement[str], given: ColumnElement[str], typed_family: str, typed_given: str
) -> ColumnElement[bool]:
    """Cheap, for a hundred thousand rows: names of these first letters, straight or exchanged."""
    first, second = _letters(typed_family), _letters(typed_given)
    initial, other = func.substr(family, 1, 1), func.substr(given, 1, 1)
    straight = and_(initial.in_(first), other.in_(second))
    return or_(straight, and_(initial.in_(second), other.in_(first)))


def _begun_alike(family: str, given: str) -> CompoundSelect[tuple[str]]:
    """Cheap, for a hundred thousand rows: accounts whose names have these first letters, straight or exchanged."""
    first, second = _key_letters(family), _key_letters(given)
    key = account.c.name_key
    return union(
        *(
            select(account.c.account_id).where(begins(key, one), key.like(f"% {other}%"))
            for one, other in {*product(first, second), *product(second, first)} or NOBODY
        )
    )


def _key_letters(name: str) -> set[str]:
    return {name_key(letter, "") for letter in _letters(name)}


def _letters(name: str) -> tuple[str, ...]:
    letter = plain(name)[:1]
    small = VARIANTS.get(letter, letter)
    return tuple(small + small.upper())
