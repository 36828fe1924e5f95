"""Requests for access, what was said about them, and what each service asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, select, update

from idp.domain.access_request import AccessRequest, Level, Message, RequestStatus
from idp.domain.rights import Every, Scope
from idp.domain.service_access import ServiceAccess
from idp.store import upsert
from idp.store.schema import access_request, account, client, desk_message, service_access

REQUEST = tuple(access_request.c[name] for name in AccessRequest.__slots__)
MESSAGE = tuple(desk_message.c[name] for name in Message.__slots__)
FORM = tuple(service_access.c[name] for name in ServiceAccess.__slots__)
OPEN = access_request.c.status == RequestStatus.OPEN.value
ASKED = exists().where(  # a question waits for its answer
    desk_message.c.about == access_request.c.request_id,
    desk_message.c.kind == "question",
    desk_message.c.answered_at.is_(None),
)


@dataclass(frozen=True, slots=True)
class Queued:
    """A line of the desk's list. asked: a question waits for its answer."""

    request: AccessRequest
    login: str
    person: str
    service: str
    asked: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines. mine: claimed by this operator; None leaves a filter out."""

    scope: Scope
    is_open: bool = True
    client_id: str | None = None
    level: Level | None = None
    mine: str | None = None


class AccessRequests:
    """Every write of a request compares its version: of two deciders one is refused."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def submit(self, made: AccessRequest) -> bool:
        """Store a new one; False, and nothing is stored, if the account has one open for the service."""
        fresh = upsert.insert(self._db.dialect, access_request).values(**made.row()).on_conflict_do_nothing()
        return self._db.scalar(fresh.returning(access_request.c.request_id)) is not None

    def get(self, request_id: str) -> AccessRequest | None:
        return self._first(access_request.c.request_id == request_id)

    def open_of(self, account_id: str, client_id: str) -> AccessRequest | None:
        """The one that waits to be decided."""
        return self._first(*_pair(account_id, client_id), OPEN)

    def last_of(self, account_id: str, client_id: str) -> AccessRequest | None:
        """The newest, open or not."""
        return self._first(*_pair(account_id, client_id))

    def open_services(self, account_id: str) -> frozenset[str]:
        """client_ids for which a request waits."""
        query = select(access_request.c.client_id).where(access_request.c.account_id == account_id, OPEN)
        return frozenset(self._db.scalars(query))

    def change(self, found: AccessRequest, **values: Any) -> bool:
        """Write these columns if nobody wrote since it was read, and it is open still."""
        this = and_(access_request.c.request_id == found.request_id, access_request.c.version == found.version, OPEN)
        changed = update(access_request).where(this).values(version=found.version + 1, **values)
        return self._db.execute(changed).rowcount == 1

    # -- the desk's list -------------------------------------------------------

    def queue(self, wanted: Wanted, limit: int, after: tuple[datetime, str] | None = None) -> list[Queued]:
        """Open ones, the oldest first, or decided ones, the newest first. after: the key of the last line before."""
        key = access_request.c.created_at if wanted.is_open else access_request.c.decided_at
        query = (
            select(*REQUEST, account.c.login_name, account.c.given_name, account.c.family_name, client.c.name)
            .add_columns(ASKED.label("asked"))
            .join(account, account.c.account_id == access_request.c.account_id)
            .join(client, client.c.client_id == access_request.c.client_id)
            .where(*_wanted(wanted))
        )
        if after:
            at, request_id = after
            newer = (key > at) | and_(key == at, access_request.c.request_id > request_id)
            older = (key < at) | and_(key == at, access_request.c.request_id < request_id)
            query = query.where(newer if wanted.is_open else older)
        order = (key, access_request.c.request_id)
        ordered = query.order_by(*order) if wanted.is_open else query.order_by(*(each.desc() for each in order))
        return [
            Queued(
                AccessRequest.of_row(dict(row)),
                row["login_name"],
                f"{row['given_name']} {row['family_name']}".strip(),
                row["name"],
                bool(row["asked"]),
            )
            for row in self._db.execute(ordered.limit(limit)).mappings()
        ]

    def count(self, scope: Scope) -> int:
        """How many wait."""
        query = select(func.count()).select_from(access_request).where(*_wanted(Wanted(scope)))
        return self._db.scalar(query) or 0

    # -- what is said ----------------------------------------------------------

    def say(self, message: Message) -> None:
        self._db.execute(insert(desk_message).values({name: getattr(message, name) for name in message.__slots__}))

    def said(self, request_id: str) -> list[Message]:
        """Questions and answers, the oldest first."""
        query = select(*MESSAGE).where(desk_message.c.about == request_id)
        ordered = query.order_by(desk_message.c.at, desk_message.c.message_id)
        return [Message(**row) for row in self._db.execute(ordered).mappings()]

    def answer(self, said: Message) -> bool:
        """What its author answers, which whoever has the request open reads before deciding; False if no question
        waits, or it was decided.
        """
        this = and_(access_request.c.request_id == said.about, OPEN, ASKED)
        changed = update(access_request).where(this).values(version=access_request.c.version + 1)
        if self._db.execute(changed).rowcount != 1 or not self.answered(said.about, said.at):
            return False
        self.say(said)
        return True

    def answered(self, request_id: str, now: datetime) -> bool:
        """No question of the request waits any more; False if none did."""
        waiting = and_(
            desk_message.c.about == request_id, desk_message.c.kind == "question", desk_message.c.answered_at.is_(None)
        )
        return self._db.execute(update(desk_message).where(waiting).values(answered_at=now)).rowcount > 0

    # --------------------------------------------------------------------------

    def _first(self, *which: ColumnElement[bool]) -> AccessRequest | None:
        newest = (access_request.c.created_at.desc(), access_request.c.request_id.desc())
        row = self._db.execute(select(*REQUEST).where(*which).order_by(*newest).limit(1)).mappings().one_or_none()
        return AccessRequest.of_row(dict(row)) if row else None


class ServiceAccesses:
    """What each service asks; none for one that never said."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def get(self, client_id: str) -> ServiceAccess | None:
        query = select(*FORM).where(service_access.c.client_id == client_id)
        row = self._db.execute(query).mappings().one_or_none()
        return ServiceAccess.of_row(dict(row)) if row else None

    def set(self, form: ServiceAccess) -> None:
        values = {name: getattr(form, name) for name in form.__slots__}
        values |= {"fields": form.fields_json(), "roles": form.roles_json()}
        upsert.replace(self._db, service_access, **values)


def _pair(account_id: str, client_id: str) -> Sequence[ColumnElement[bool]]:
    return access_request.c.account_id == account_id, access_request.c.client_id == client_id


def _wanted(wanted: Wanted) -> list[ColumnElement[bool]]:
    which = [OPEN if wanted.is_open else access_request.c.decided_at.is_not(None)]
    if not isinstance(wanted.scope, Every):
        which.append(access_request.c.client_id.in_(sorted(wanted.scope)))
    if wanted.client_id:
        which.append(access_request.c.client_id == wanted.client_id)
    if wanted.level:
        which.append(access_request.c.step == wanted.level.value)
    if wanted.mine:
        which.append(access_request.c.claimed_by == wanted.mine)
    return which
