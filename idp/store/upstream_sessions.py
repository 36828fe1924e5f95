"""Sessions at upstreams, by the session here that rests on them. They go with it (`Sessions._end`, the purge)."""

from datetime import datetime

from sqlalchemy import Connection, select

from idp.domain.upstream_session import UpstreamSession
from idp.store.schema import session, upstream_session
from idp.store.upsert import replace

KEPT = ("method", "signed_in_at", "sub_digest", "sid_digest", "sealed")


class UpstreamSessions:
    """At most one of each method in a session: the newest."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def keep(self, session_id: str, found: UpstreamSession) -> None:
        """The session is locked, or new: two tabs write one after the other."""
        values = {name: getattr(found, name) for name in KEPT}
        replace(self._db, upstream_session, session_id=session_id, **values)

    def of(self, session_id: str) -> list[UpstreamSession]:
        """Those that a session rests on."""
        columns = [upstream_session.c[name] for name in KEPT]
        query = select(*columns).where(upstream_session.c.session_id == session_id)
        return [UpstreamSession(*row) for row in self._db.execute(query.order_by(upstream_session.c.method))]

    def resting_on(
        self, method: str, *, sub_digest: str | None, sid_digest: str | None, until: datetime
    ) -> list[tuple[str, str]]:
        """session_id and account_id of the sessions that rest on one upstream session, or, without `sid_digest`, on any
        of its holder that was signed in to until then. Without either there is none.
        """
        given = {"sub_digest": sub_digest, "sid_digest": sid_digest}
        conditions = [upstream_session.c[name] == value for name, value in given.items() if value is not None]
        if not conditions:
            return []
        if sid_digest is None:
            conditions.append(upstream_session.c.signed_in_at <= until)
        query = select(session.c.session_id, session.c.account_id).join(upstream_session)
        query = query.where(upstream_session.c.method == method, session.c.ended_at.is_(None), *conditions)
        return [(row[0], row[1]) for row in self._db.execute(query.order_by(session.c.session_id))]
