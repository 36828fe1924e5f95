"""What an account has open, and who was given what: as its holder reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, or_, select, union_all

from idp.domain.authn import Proof
from idp.store.accounts import Tile
from idp.store.entitled import has_entitlement
from idp.store.schema import (
    access_request,
    audit_event,
    audit_personal,
    client,
    consent,
    entitlement,
    grant,
    refresh_token,
    registration,
    session,
    session_proof,
)

OF_SESSION = ("session_id", "user_agent", "ip_prefix", "created_at", "last_seen_at", "expires_at")
ATTEMPTS = ("login.succeeded", "login.failed", "login.throttled", "login.qr_refused")


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A browser that is signed in. is_temporary: by an emergency code."""

    session_id: str
    user_agent: str
    ip_prefix: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_temporary: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """A service that was opened to the account, since when and until when."""

    client_id: str
    name: str
    granted_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """A service that the holder lets have the data of these scopes."""

    client_id: str
    name: str
    scopes: tuple[str, ...]
    given_at: datetime


@dataclass(frozen=True, slots=True)
class KeptAccess:
    """A service that can renew what it was given by itself. is_offline: after the session has ended, too."""

    client_id: str
    name: str
    until: datetime
    is_offline: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """A login of the past, or one that was refused. network and browser: None once they were deleted."""

    event_id: str
    at: datetime
    name: str
    method: str | None
    reason: str | None
    service: str | None
    network: str | None
    browser: str | None


class OwnData:
    """Reads; each question is about one account."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    # -- sessions --------------------------------------------------------------

    def open_sessions(self, account_id: str, now: datetime, idle: timedelta) -> list[OpenSession]:
        """The one that was used last first."""
        query = (
            select(*(session.c[name] for name in OF_SESSION))
            .where(session.c.account_id == account_id, _is_alive(now, idle))
            .order_by(session.c.last_seen_at.desc(), session.c.session_id.desc())
        )
        rows = self._db.execute(query).all()
        of_these = session_proof.c.session_id.in_([row.session_id for row in rows])
        proofs = self._db.execute(select(session_proof.c.session_id, session_proof.c.proof).where(of_these))
        marked = {row.session_id for row in proofs if Proof.from_json(row.proof).until}
        return [OpenSession(**row._mapping, is_temporary=row.session_id in marked) for row in rows]

    def has_session(self, account_id: str, session_id: str) -> bool:
        """True if this session is the account's, ended or not."""
        query = select(session.c.session_id).where(
            session.c.session_id == session_id, session.c.account_id == account_id
        )
        return self._db.scalar(query) is not None

    def offline_grants(self, session_id: str) -> list[str]:
        """grant_ids that outlive the session in which they were given."""
        query = select(grant.c.grant_id).where(
            grant.c.session_id == session_id, grant.c.offline_until.is_not(None), grant.c.revoked_at.is_(None)
        )
        return list(self._db.scalars(query.order_by(grant.c.grant_id)))

    # -- services --------------------------------------------------------------

    def accesses(self, account_id: str, now: datetime) -> list[Access]:
        """Live entitlements to services that are enabled, by name."""
        query = (
            select(client.c.client_id, client.c.name, entitlement.c.granted_at, entitlement.c.expires_at)
            .join(entitlement, entitlement.c.client_id == client.c.client_id)
            .where(client.c.enabled, entitlement.c.account_id == account_id, entitlement.c.revoked_at.is_(None))
            .where(or_(entitlement.c.expires_at.is_(None), entitlement.c.expires_at > now))
            .order_by(client.c.name)
        )
        return [Access(*row) for row in self._db.execute(query)]

    def agreements(self, account_id: str) -> list[Agreement]:
        """Consents, by the name of the service."""
        query = (
            select(client.c.client_id, client.c.name, consent.c.scopes, consent.c.given_at)
            .join(consent, consent.c.client_id == client.c.client_id)
            .where(consent.c.account_id == account_id)
            .order_by(client.c.name)
        )
        return [Agreement(row.client_id, row.name, tuple(row.scopes), row.given_at) for row in self._db.execute(query)]

    def kept_accesses(self, account_id: str, now: datetime, idle: timedelta) -> list[KeptAccess]:
        """Services that hold a refresh token which still works, by name; once each, until the last of its ends."""
        has_token = exists().where(refresh_token.c.grant_id == grant.c.grant_id, refresh_token.c.used_at.is_(None))
        is_kept = or_(grant.c.offline_until > now, and_(grant.c.offline_until.is_(None), _is_alive(now, idle)))
        query = (
            select(client.c.client_id, client.c.name, grant.c.offline_until, session.c.expires_at)
            .select_from(grant)
            .join(session, session.c.session_id == grant.c.session_id)
            .join(client, client.c.client_id == grant.c.client_id)
            .where(grant.c.account_id == account_id, grant.c.revoked_at.is_(None), has_token, is_kept)
            .order_by(client.c.name, client.c.client_id)
        )
        found: dict[str, KeptAccess] = {}
        for row in self._db.execute(query):
            known = found.get(row.client_id)
            until, is_offline = row.offline_until or row.expires_at, row.offline_until is not None
            if known is None or until > known.until:
                found[row.client_id] = KeptAccess(row.client_id, row.name, until, is_offline)
        return list(found.values())

    def askable(self, account_id: str, now: datetime) -> list[Tile]:
        """Services that are not for everybody, and that this account has no access to; by name."""
        entitled = has_entitlement(account_id, client.c.client_id, now)
        query = (
            select(client)
            .where(client.c.enabled, client.c.initiate_login_uri.is_not(None))
            .where(client.c.needs_entitlement, ~entitled)
            .order_by(client.c.name)
        )
        return [
            Tile(row.client_id, row.name, row.initiate_login_uri, row.logo_uri, row.description)
            for row in self._db.execute(query)
        ]

    # -- logins ----------------------------------------------------------------

    def language(self, account_id: str) -> str | None:
        """In which they last asked for something that the desk decides; None if they never did."""
        asked = union_all(
            *(
                select(each.c.lang, each.c.created_at.label("at")).where(each.c.account_id == account_id)
                for each in (access_request, registration)
            )
        ).subquery()
        return self._db.scalar(select(asked.c.lang).order_by(asked.c.at.desc()).limit(1))

    def attempts(self, account_id: str, limit: int, *, before: Attempt | None = None) -> Sequence[Attempt]:
        """Newest first. before: the last of the page before."""
        which = []
        if before is not None:
            same = and_(audit_event.c.at == before.at, audit_event.c.event_id < before.event_id)
            which = [or_(audit_event.c.at < before.at, same)]
        return self._attempts(account_id, limit, *which)

    def attempt(self, account_id: str, event_id: str) -> Attempt | None:
        """None if it is no login of this account."""
        return next(iter(self._attempts(account_id, 1, audit_event.c.event_id == event_id)), None)

    def _attempts(self, account_id: str, limit: int, *which: ColumnElement[bool]) -> list[Attempt]:
        query = (
            select(audit_event, client.c.name.label("service"), audit_personal.c["values"].label("personal"))
            .select_from(audit_event)
            .join(audit_personal, isouter=True)
            .join(client, client.c.client_id == audit_event.c.client_id, isouter=True)
            .where(audit_event.c.subject == account_id, audit_event.c.name.in_(ATTEMPTS), *which)
            .order_by(audit_event.c.at.desc(), audit_event.c.event_id.desc())
            .limit(limit)
        )
        return [_attempt(row) for row in self._db.execute(query)]


def _attempt(row: Row[Any]) -> Attempt:
    personal = row.personal or {}
    return Attempt(
        event_id=row.event_id,
        at=row.at,
        name=row.name,
        method=row.detail.get("method"),
        reason=row.detail.get("reason"),
        service=row.service,
        network=personal.get("network"),
        browser=personal.get("browser"),
    )


def _is_alive(now: datetime, idle: timedelta) -> ColumnElement[bool]:
    return and_(session.c.ended_at.is_(None), session.c.expires_at > now, session.c.last_seen_at > now - idle)
