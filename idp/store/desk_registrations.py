"""Registrations as the desk works on them: no draft is seen, and each write says about which version it decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select, update

from idp.domain.ids import digest
from idp.domain.registration import Registration, RegistrationStatus
from idp.store.registrations import COLUMNS, registration_of
from idp.store.schema import registration

WAITING, NOBODY = RegistrationStatus.SUBMITTED, ""
NOT_DRAFT = registration.c.status != RegistrationStatus.DRAFT.value


@dataclass(frozen=True, slots=True)
class Filter:
    """Of the queue. status: None for every one; claimed_by: an operator, NOBODY, or None for all; text: in names,
    address or identifier; client_id: of the service where they began.
    """

    status: RegistrationStatus | None = WAITING
    claimed_by: str | None = None
    text: str = ""
    client_id: str | None = None


class RegistrationDesk:
    """What operators decide about, and the link by which the person makes the account."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def get(self, registration_id: str) -> Registration | None:
        return self._one(select(*COLUMNS).where(registration.c.registration_id == registration_id, NOT_DRAFT))

    def page(self, wanted: Filter, limit: int, offset: int = 0) -> list[Registration]:
        """What waits: oldest first; what was decided: the newest first."""
        order = registration.c.submitted_at, registration.c.registration_id
        newest = wanted.status is not WAITING
        query = select(*COLUMNS).where(NOT_DRAFT, *_wanted(wanted))
        query = query.order_by(*(each.desc() if newest else each for each in order)).limit(limit).offset(offset)
        return [registration_of(row._mapping) for row in self._db.execute(query)]

    def counts(self) -> dict[RegistrationStatus, int]:
        query = select(registration.c.status, func.count()).where(NOT_DRAFT).group_by(registration.c.status)
        return {RegistrationStatus(status): count for status, count in self._db.execute(query)}

    def claim(self, registration_id: str, version: int, by: str, now: datetime) -> bool:
        """« Je m'en occupe »; also from somebody who had it. False if it changed meanwhile, or nothing is to decide."""
        return self._change(registration_id, version, WAITING, claimed_by=by, claimed_at=now, updated_at=now)

    def release(self, registration_id: str, version: int, now: datetime) -> bool:
        """Nobody's again."""
        return self._change(registration_id, version, WAITING, claimed_by=None, claimed_at=None, updated_at=now)

    def touch(self, registration_id: str, version: int, now: datetime) -> bool:
        """Something was said about it, which is kept elsewhere; False if it changed meanwhile or was decided."""
        return self._change(registration_id, version, WAITING, updated_at=now)

    def note(self, registration_id: str, now: datetime) -> bool:
        """The person said something: whoever decides must look again. False if it was decided."""
        this = registration.c.registration_id == registration_id
        waits = registration.c.status == WAITING.value
        noted = {"version": registration.c.version + 1, "updated_at": now}
        return self._db.execute(update(registration).where(this, waits).values(**noted)).rowcount == 1

    def approve(
        self, registration_id: str, version: int, by: str, now: datetime, *, token: str, expires_at: datetime
    ) -> bool:
        """The account is made by whoever brings `token` until `expires_at`."""
        link = {"token_digest": digest(token), "token_expires_at": expires_at}
        return self._decide(registration_id, version, RegistrationStatus.APPROVED, by, now, **link)

    def refuse(self, registration_id: str, version: int, by: str, now: datetime, *, reason: str) -> bool:
        """Nothing is left that could open an account."""
        emptied = {"password_digest": None, "birth": None}
        return self._decide(registration_id, version, RegistrationStatus.REFUSED, by, now, reason=reason, **emptied)

    def renew(self, registration_id: str, version: int, now: datetime, *, token: str, expires_at: datetime) -> bool:
        """Another link for one that was approved; the one before is dead."""
        link = {"token_digest": digest(token), "token_expires_at": expires_at}
        return self._change(registration_id, version, RegistrationStatus.APPROVED, updated_at=now, **link)

    def of_token(self, token: str) -> Registration | None:
        """Whose link this is or was, expired and used ones too."""
        return self._one(select(*COLUMNS).where(registration.c.token_digest == digest(token)))

    def take(self, token: str, now: datetime) -> Registration | None:
        """Use a link: the registration as it was approved, or None if it is unknown, used or expired. One caller gets
        it.
        """
        this = registration.c.token_digest == digest(token)
        good = (registration.c.status == RegistrationStatus.APPROVED.value) & (registration.c.token_expires_at > now)
        found = update(registration).where(this, good).values(_next(RegistrationStatus.CONFIRMED, now))
        return self._one(found.returning(*COLUMNS))

    def settle(self, registration_id: str, account_id: str) -> None:
        """The account is made: what only its making needed is forgotten. `login_name` stays what was wished."""
        values = {"account_id": account_id, "password_digest": None, "birth": None}
        this = registration.c.registration_id == registration_id
        self._db.execute(update(registration).where(this).values(values))

    # --------------------------------------------------------------------------

    def _decide(
        self, registration_id: str, version: int, to: RegistrationStatus, by: str, now: datetime, **values: Any
    ) -> bool:
        """By whoever has claimed it."""
        mine = registration.c.claimed_by == by
        decided = {**_next(to, now), "version": version + 1, "decided_by": by, "decided_at": now, **values}
        return self._write(registration_id, version, WAITING, decided, mine)

    def _change(self, registration_id: str, version: int, status: RegistrationStatus, **values: Any) -> bool:
        return self._write(registration_id, version, status, {**values, "version": version + 1})

    def _write(
        self,
        registration_id: str,
        version: int,
        status: RegistrationStatus,
        values: Mapping[str, Any],
        *more: ColumnElement[bool],
    ) -> bool:
        this = registration.c.registration_id == registration_id
        same = (registration.c.version == version) & (registration.c.status == status.value)
        return self._db.execute(update(registration).where(this, same, *more).values(**values)).rowcount == 1

    def _one(self, query: Any) -> Registration | None:
        row = self._db.execute(query).one_or_none()
        return registration_of(row._mapping) if row else None


def _next(status: RegistrationStatus, now: datetime) -> dict[str, Any]:
    return {"status": status.value, "updated_at": now, "version": registration.c.version + 1}


def _wanted(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.status is not None:
        found.append(registration.c.status == wanted.status.value)
    if wanted.claimed_by is not None:
        claimed = registration.c.claimed_by
        found.append(claimed == wanted.claimed_by if wanted.claimed_by != NOBODY else claimed.is_(None))
    if wanted.client_id is not None:
        found.append(registration.c.client_id == wanted.client_id)
    found += [_has(word) for word in wanted.text.split()[:5]]
    return found


def _has(word: str) -> ColumnElement[bool]:
    """A word of names, address, identifier or RPPS number, in whatever case."""
    typed = [registration.c.form[name].as_string() for name in ("family_name", "given_name", "rpps")]
    columns = (*typed, registration.c.email, registration.c.login_name)
    return or_(*(func.lower(column).contains(word.lower(), autoescape=True) for column in columns))
