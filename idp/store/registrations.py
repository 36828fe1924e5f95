"""Registrations while their person fills them in; the desk's own view of them is `desk_registrations`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, false, func, insert, or_, select, update

from idp.domain.ids import digest
from idp.domain.registration import DRAFT_LIFETIME, Registration, RegistrationStatus
from idp.store.schema import registration

COLUMNS = tuple(registration.c[each.name] for each in fields(Registration))
FILLED_IN = (  # what the four steps write
    *("form", "birth", "password_digest", "proven", "email", "email_proven_at", "login_name", "client_id"),
    *("terms_version", "lang", "browser_digest"),
)
BATCH = 200


@dataclass(frozen=True, slots=True)
class Birth:
    """The day and month of birth of one registration, sealed."""

    registration_id: str
    sealed: bytes


class Registrations:
    """Every write is a compare-and-set of `version`: of two tabs at once one is told that the other was first."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def start(self, made: Registration) -> None:
        """Keep a new draft."""
        self._db.execute(insert(registration).values(_values(made)))

    def get(self, registration_id: str) -> Registration | None:
        return self._find(registration.c.registration_id == registration_id)

    def of_browser(self, token: str, now: datetime) -> Registration | None:
        """The one that a browser fills in, or has submitted; None for a draft that expired."""
        return self._find(and_(registration.c.browser_digest == digest(token), _is_alive(now)))

    def save(self, changed: Registration, now: datetime) -> Registration | None:
        """Keep what was filled in; None if another request was first, or the draft is no more. One caller gets it."""
        return self._write(changed, now, {})

    def submit(self, changed: Registration, now: datetime) -> Registration | None:
        """Hand it in, once; as `save`."""
        return self._write(changed, now, {"status": RegistrationStatus.SUBMITTED, "submitted_at": now})

    def is_waiting(self, about: Registration) -> bool:
        """Another one waits for the desk that has the same proven address, or the same proven national identity.

        To be asked in the unit that submits: until it ends, others who ask wait.
        """
        if self._db.dialect.name == "postgresql":
            self._db.execute(select(func.pg_advisory_xact_lock(func.hashtext("registration.submit"))))
        address = (registration.c.email == about.email) & registration.c.email_proven_at.is_not(None)
        proven = about.proven or {}
        same: list[ColumnElement[bool]] = [address] if about.email_proven_at else []
        if proven:
            same.append(and_(*(registration.c.proven[each].as_string() == proven[each] for each in ("kind", "value"))))
        waits = registration.c.status == RegistrationStatus.SUBMITTED
        other = registration.c.registration_id != about.registration_id
        found = select(registration.c.registration_id).where(waits, other, or_(false(), *same)).limit(1)
        return self._db.execute(found).one_or_none() is not None

    def discard(self, registration_id: str) -> bool:
        """Delete a draft; False if it is none any more."""
        this = registration.c.registration_id == registration_id
        return self._db.execute(delete(registration).where(this, _is_draft())).rowcount == 1

    def births_sealed_otherwise(self, header: bytes, *, after: str = "") -> list[Birth]:
        """At most BATCH whose seal does not begin so, under an older key, in the order of their registration_id."""
        begins, own = func.substr(registration.c.birth, 1, len(header)), registration.c.registration_id
        query = select(own, registration.c.birth).where(begins != header, own > after).order_by(own).limit(BATCH)
        return [Birth(*row) for row in self._db.execute(query)]

    def birth_beginnings(self, length: int) -> dict[bytes, int]:
        """How many days of birth there are, by their first bytes."""
        begins = func.substr(registration.c.birth, 1, length)
        query = select(begins, func.count()).where(registration.c.birth.is_not(None)).group_by(begins)
        return {bytes(row[0]): row[1] for row in self._db.execute(query)}

    def seal_birth_again(self, known: Birth, sealed: bytes) -> bool:
        """The registration stays the version that it is. False if another was first, or it was forgotten."""
        same = (registration.c.registration_id == known.registration_id) & (registration.c.birth == known.sealed)
        return self._db.execute(update(registration).where(same).values(birth=sealed)).rowcount == 1

    def _write(self, changed: Registration, now: datetime, further: Mapping[str, Any]) -> Registration | None:
        made = {name: getattr(changed, name) for name in FILLED_IN}
        moved = {"version": changed.version + 1, "updated_at": now, **further}
        unchanged = (
            registration.c.registration_id == changed.registration_id,
            registration.c.version == changed.version,
        )
        statement = update(registration).where(*unchanged, _is_draft(), _is_alive(now))
        if self._db.execute(statement.values(**made, **moved)).rowcount != 1:
            return None
        return replace(changed, **moved)

    def _find(self, which: ColumnElement[bool]) -> Registration | None:
        row = self._db.execute(select(*COLUMNS).where(which)).one_or_none()
        return registration_of(row._mapping) if row else None


def registration_of(row: Mapping[Any, Any]) -> Registration:
    """What a row of COLUMNS says."""
    return Registration(**{**row, "status": RegistrationStatus(row["status"])})


def _values(made: Registration) -> dict[str, Any]:
    return {each.name: getattr(made, each.name) for each in fields(Registration)}


def _is_draft() -> ColumnElement[bool]:
    return registration.c.status == RegistrationStatus.DRAFT


def _is_alive(now: datetime) -> ColumnElement[bool]:
    return or_(registration.c.status != RegistrationStatus.DRAFT, registration.c.created_at > now - DRAFT_LIFETIME)
