"""What is over, and deleted after a while, a batch at a time: nobody else may write to SQLite meanwhile."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, or_, select, tuple_

from idp.domain.phone import COOKIE_FOR
from idp.domain.registration import DRAFT_LIFETIME, RegistrationStatus
from idp.domain.throttle import LONGEST_WINDOW
from idp.store.outbox import MAX_ATTEMPTS
from idp.store.schema import (
    access_request,
    alert,
    credential,
    desk_message,
    emergency_code,
    grant,
    identity_change,
    import_row,
    import_run,
    known_browser,
    outbox,
    passkey,
    phone,
    phone_cookie,
    refresh_token,
    registration,
    reset_link,
    session,
    session_proof,
    throttle,
    totp_secret,
    upstream_session,
)

BATCH = 1000
UNREDEEMED_FOR = timedelta(days=1)
GIVEN_UP_FOR = timedelta(days=30)
CLOSED_FOR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Ages:
    """How long what is over is kept: rows of the protocol for `retention`, a browser since it was last seen.

    idle: how long a session may be unused.
    """

    now: datetime
    retention: timedelta
    remember_browser: timedelta
    idle: timedelta

    @property
    def cutoff(self) -> datetime:
        return self.now - self.retention


Rule = Callable[[Ages], ColumnElement[bool]]


def _session_is_over(ages: Ages) -> ColumnElement[bool]:
    return or_(session.c.ended_at <= ages.cutoff, session.c.expires_at <= ages.cutoff)


def _grant_is_over(ages: Ages) -> ColumnElement[bool]:
    """A grant for offline access counts by its own end; any other ends with its session."""
    of_session = exists().where(session.c.session_id == grant.c.session_id, _session_is_over(ages))
    return or_(
        grant.c.revoked_at <= ages.cutoff,
        grant.c.offline_until <= ages.cutoff,
        and_(grant.c.offline_until.is_(None), of_session),
        and_(grant.c.redeemed_at.is_(None), grant.c.created_at <= ages.now - UNREDEEMED_FOR),
    )


def _refresh_token_is_over(ages: Ages) -> ColumnElement[bool]:
    return exists().where(grant.c.grant_id == refresh_token.c.grant_id, _grant_is_over(ages))


def _grant_is_free(ages: Ages) -> ColumnElement[bool]:
    return _grant_is_over(ages) & ~exists().where(refresh_token.c.grant_id == grant.c.grant_id)


def _session_is_free(ages: Ages) -> ColumnElement[bool]:
    """Nothing needs it any more, a grant that outlives it least of all."""
    return _session_is_over(ages) & ~exists().where(grant.c.session_id == session.c.session_id)


def _proof_is_over(ages: Ages) -> ColumnElement[bool]:
    return exists().where(session.c.session_id == session_proof.c.session_id, _session_is_free(ages))


def _session_is_empty(ages: Ages) -> ColumnElement[bool]:
    has_proof = exists().where(session_proof.c.session_id == session.c.session_id)
    has_upstream = exists().where(upstream_session.c.session_id == session.c.session_id)
    return _session_is_free(ages) & ~has_proof & ~has_upstream


def _upstream_is_left(ages: Ages) -> ColumnElement[bool]:
    """At once, without retention: a session that ended has none, one that ran out needs none."""
    is_idle = session.c.last_seen_at <= ages.now - ages.idle
    is_over = or_(session.c.ended_at.is_not(None), session.c.expires_at <= ages.now, is_idle)
    return exists().where(session.c.session_id == upstream_session.c.session_id, is_over)


def _was_given_up(ages: Ages) -> ColumnElement[bool]:
    is_old = outbox.c.created_at <= ages.now - GIVEN_UP_FOR
    return and_(outbox.c.attempts >= MAX_ATTEMPTS, outbox.c.lease.is_(None), is_old)


def _is_revoked(table: Table) -> Rule:
    """At once, without retention: what a means was compared with is of no use once the means is gone."""
    revoked = (credential.c.credential_id == table.c.credential_id) & credential.c.revoked_at.is_not(None)
    return lambda _: exists().where(revoked)


def _phone_is_forgotten(ages: Ages) -> ColumnElement[bool]:
    """The cookie is gone from the phone, or says nothing any more."""
    return or_(phone_cookie.c.created_at <= ages.now - COOKIE_FOR, _is_revoked(phone_cookie)(ages))


def _request_is_over(ages: Ages) -> ColumnElement[bool]:
    return access_request.c.decided_at <= ages.now - CLOSED_FOR


def _registration_is_over(ages: Ages) -> ColumnElement[bool]:
    """A draft that nobody may go on with; what was decided as long ago as a closed alert. The account stays."""
    is_draft = registration.c.status == RegistrationStatus.DRAFT.value
    is_stale = registration.c.created_at <= ages.now - DRAFT_LIFETIME
    return or_(and_(is_draft, is_stale), and_(~is_draft, registration.c.decided_at <= ages.now - CLOSED_FOR))


def _message_is_over(ages: Ages) -> ColumnElement[bool]:
    of_request = exists().where(access_request.c.request_id == desk_message.c.about, _request_is_over(ages))
    of_registration = registration.c.registration_id == desk_message.c.about
    return of_request | exists().where(of_registration, _registration_is_over(ages))


def _import_is_over(ages: Ages) -> ColumnElement[bool]:
    return import_run.c.updated_at <= ages.now - CLOSED_FOR


def _import_row_is_over(ages: Ages) -> ColumnElement[bool]:
    """With its run; the data of a person whom nobody made an account for, before."""
    was_left = and_(import_row.c.person.is_not(None), import_run.c.updated_at <= ages.now - GIVEN_UP_FOR)
    return exists().where(import_run.c.run_id == import_row.c.run_id, or_(_import_is_over(ages), was_left))


def _import_is_empty(ages: Ages) -> ColumnElement[bool]:
    return _import_is_over(ages) & ~exists().where(import_row.c.run_id == import_run.c.run_id)


# What refers to another comes before it.
RULES: Mapping[Table, Rule] = {
    refresh_token: _refresh_token_is_over,
    grant: _grant_is_free,
    session_proof: _proof_is_over,
    upstream_session: _upstream_is_left,
    session: _session_is_empty,
    reset_link: lambda ages: reset_link.c.expires_at <= ages.now,
    emergency_code: lambda ages: emergency_code.c.expires_at <= ages.now,
    known_browser: lambda ages: known_browser.c.last_seen_at <= ages.now - ages.remember_browser,
    outbox: _was_given_up,
    totp_secret: _is_revoked(totp_secret),
    passkey: _is_revoked(passkey),
    phone: _is_revoked(phone),
    phone_cookie: _phone_is_forgotten,
    alert: lambda ages: alert.c.closed_at <= ages.now - CLOSED_FOR,
    desk_message: _message_is_over,
    registration: _registration_is_over,
    access_request: _request_is_over,
    identity_change: lambda ages: identity_change.c.ended_at <= ages.now - CLOSED_FOR,
    import_row: _import_row_is_over,
    import_run: _import_is_empty,
}
TABLES = {table.name: table for table in RULES}
Key = tuple[str, ...]


class Purge:
    """First `find`, in a unit that reads, then `delete` in one that writes: looking holds nobody up."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def find(self, kind: str, ages: Ages) -> list[Key]:
        """Primary keys of at most BATCH rows of this table that are over."""
        table = TABLES[kind]
        return [
            tuple(key) for key in self._db.execute(select(*table.primary_key).where(RULES[table](ages)).limit(BATCH))
        ]

    def delete(self, kind: str, ages: Ages, keys: Collection[Key]) -> int:
        """Delete those of these rows that are over still; how many."""
        table = TABLES[kind]
        columns = list(table.primary_key)
        these = columns[0].in_([key[0] for key in keys]) if len(columns) == 1 else tuple_(*columns).in_(keys)
        return self._db.execute(delete(table).where(these, RULES[table](ages))).rowcount

    def counts_after(self, bucket: str, now: datetime) -> tuple[list[str], str | None]:
        """Of the next BATCH counts of attempts those that are over; and the last looked at, None at the end."""
        query = select(throttle.c.bucket, throttle.c.stamps).where(throttle.c.bucket > bucket)
        rows = self._db.execute(query.order_by(throttle.c.bucket).limit(BATCH)).all()
        return _spent(rows, now), rows[-1].bucket if len(rows) == BATCH else None

    def delete_counts(self, buckets: Collection[str], now: datetime) -> int:
        """Delete those of these counts that are over still; how many."""
        query = select(throttle.c.bucket, throttle.c.stamps).where(throttle.c.bucket.in_(buckets))
        spent = _spent(self._db.execute(query.order_by(throttle.c.bucket).with_for_update()).all(), now)
        return self._db.execute(delete(throttle).where(throttle.c.bucket.in_(spent))).rowcount


def _spent(rows: Sequence[Any], now: datetime) -> list[str]:
    """Buckets whose newest try is too old for any limit to count it."""
    since = (now - LONGEST_WINDOW).timestamp()
    return [row.bucket for row in rows if max(row.stamps, default=0) <= since]
