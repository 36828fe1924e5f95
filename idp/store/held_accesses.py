"""Who has access to what: for reports, and for telling people that it is about to end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, tuple_, update

from idp.domain.account import AccountStatus
from idp.domain.rights import Every, Scope
from idp.domain.service_access import GivenRole
from idp.store.schema import account, client, entitlement

BATCH = 1000


@dataclass(frozen=True, slots=True)
class HeldAccess:
    """A live entitlement, and whose it is."""

    account_id: str
    client_id: str
    login: str
    given_name: str
    family_name: str
    email: str | None
    status: str
    service: str
    roles: tuple[GivenRole, ...]
    granted_by: str
    granted_at: datetime
    expires_at: datetime | None


class HeldAccesses:
    """Reads, but for `told`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def roles(self, account_id: str, client_id: str, now: datetime) -> tuple[GivenRole, ...]:
        """Those that a live entitlement carries."""
        this = and_(entitlement.c.account_id == account_id, entitlement.c.client_id == client_id, _is_live(now))
        return _roles(self._db.scalar(select(entitlement.c.roles).where(this)) or [])

    def page(
        self,
        scope: Scope,
        now: datetime,
        *,
        client_id: str | None = None,
        before: datetime | None = None,
        after: tuple[str, str] | None = None,
        limit: int = BATCH,
    ) -> list[HeldAccess]:
        """By login name and service. before: only those that end before it. after: login and client_id of the last."""
        which = [_is_live(now), *_of(scope)]
        if client_id:
            which.append(entitlement.c.client_id == client_id)
        if before:
            which.append(entitlement.c.expires_at < before)
        key = (account.c.login_name, entitlement.c.client_id)
        if after:
            which.append(tuple_(*key) > after)
        query = select(entitlement, account, client.c.name.label("service"))
        joined = query.join(account, account.c.account_id == entitlement.c.account_id).join(
            client, client.c.client_id == entitlement.c.client_id
        )
        rows = self._db.execute(joined.where(*which).order_by(*key).limit(limit)).mappings()
        return [_held(row) for row in rows]

    def all(self, scope: Scope, now: datetime, client_id: str | None = None) -> Iterator[HeldAccess]:
        """Every one, a batch at a time."""
        after: tuple[str, str] | None = None
        while rows := self.page(scope, now, client_id=client_id, after=after):
            yield from rows
            after = rows[-1].login, rows[-1].client_id

    def untold(self, now: datetime, until: datetime, limit: int = BATCH) -> Sequence[tuple[str, str]]:
        """account_id and client_id of live accesses that end by then; their holders are active and were not told."""
        ends = and_(entitlement.c.expires_at <= until, entitlement.c.expiry_told_at.is_(None))
        query = (
            select(entitlement.c.account_id, entitlement.c.client_id)
            .join(account, account.c.account_id == entitlement.c.account_id)
            .join(client, client.c.client_id == entitlement.c.client_id)
            .where(ends, _is_live(now), client.c.enabled, account.c.status == AccountStatus.ACTIVE.value)
        )
        found = self._db.execute(query.order_by(entitlement.c.expires_at).limit(limit))
        return [(row.account_id, row.client_id) for row in found]

    def told(self, account_id: str, client_id: str, now: datetime, until: datetime) -> datetime | None:
        """Mark an access whose end is told now; its end, or None if it was told, prolonged or taken meanwhile."""
        this = and_(entitlement.c.account_id == account_id, entitlement.c.client_id == client_id)
        ends = and_(entitlement.c.expires_at <= until, entitlement.c.expiry_told_at.is_(None), _is_live(now))
        marked = update(entitlement).where(this, ends).values(expiry_told_at=now).returning(entitlement.c.expires_at)
        row = self._db.execute(marked).one_or_none()
        return row.expires_at if row else None


def _is_live(now: datetime) -> ColumnElement[bool]:
    is_unended = or_(entitlement.c.expires_at.is_(None), entitlement.c.expires_at > now)
    return and_(entitlement.c.revoked_at.is_(None), is_unended)


def _of(scope: Scope) -> list[ColumnElement[bool]]:
    return [] if isinstance(scope, Every) else [entitlement.c.client_id.in_(sorted(scope))]


def _roles(stored: Sequence[Any]) -> tuple[GivenRole, ...]:
    return tuple(GivenRole(**each) for each in stored)


def _held(row: Any) -> HeldAccess:
    values = {name: row[name] for name in HeldAccess.__slots__ if name not in {"login", "roles"}}
    return HeldAccess(**values, login=row["login_name"], roles=_roles(row["roles"]))
