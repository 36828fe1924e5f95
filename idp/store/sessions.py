"""Single sign-on sessions and their proofs."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from idp.domain.authn import Proof
from idp.domain.ids import digest, new_id
from idp.domain.session import Session
from idp.store.schema import grant, session, session_proof

ROTATION_OVERLAP = timedelta(seconds=10)


class Sessions:
    """Sessions by their cookie; only digests of cookies are stored."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def find(self, cookie: str, now: datetime, idle: timedelta) -> Session | None:
        """The live session of a cookie; the cookie of before a rotation reads it for 10 s more."""
        id_hash = digest(cookie)
        query = select(session).where(
            or_(session.c.id_hash == id_hash, session.c.previous_hash == id_hash), session.c.ended_at.is_(None)
        )
        row = self._db.execute(query).one_or_none()
        if row is None:
            return None
        is_current = row.id_hash == id_hash
        if not is_current and now >= row.rotated_at + ROTATION_OVERLAP:
            return None
        held = select(session_proof.c.proof).where(session_proof.c.session_id == row.session_id)
        proofs = self._db.scalars(held.order_by(session_proof.c.proof_id))  # oldest first
        found = Session(
            session_id=row.session_id,
            account_id=row.account_id,
            proofs=tuple(Proof.from_json(proof) for proof in proofs),
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            expires_at=row.expires_at,
            is_current=is_current,
        )
        return found if found.is_alive(now, idle) else None

    def open(
        self,
        cookie: str,
        account_id: str,
        now: datetime,
        *,
        lifetime: timedelta,
        user_agent: str,
        ip_prefix: str,
    ) -> str:
        """A new session without proofs; returns its session_id."""
        session_id = new_id()
        self._db.execute(
            insert(session).values(
                session_id=session_id,
                id_hash=digest(cookie),
                account_id=account_id,
                created_at=now,
                last_seen_at=now,
                expires_at=now + lifetime,
                user_agent=user_agent[:200],
                ip_prefix=ip_prefix,
            )
        )
        return session_id

    def add_proof(self, session_id: str, proof: Proof) -> None:
        """One row a proof: two tabs that add at once are both kept."""
        self._db.execute(insert(session_proof).values(proof_id=new_id(), session_id=session_id, proof=proof.to_json()))

    def rotate(self, session_id: str, old_cookie: str, new_cookie: str, now: datetime) -> bool:
        """Give the session a new cookie; False if another request did so first (its cookie then stands).

        Comes before `add_proof` in a unit: the row of a proof holds the session's, and two tabs would wait for one
        another (PostgreSQL).
        """
        changed = self._db.execute(
            update(session)
            .where(
                session.c.session_id == session_id,
                session.c.id_hash == digest(old_cookie),
                session.c.ended_at.is_(None),
            )
            .values(id_hash=digest(new_cookie), previous_hash=digest(old_cookie), rotated_at=now)
        )
        return changed.rowcount == 1

    def touch(self, session_id: str, now: datetime) -> bool:
        """Note that the session was used; False if it has ended meanwhile."""
        changed = self._db.execute(
            update(session)
            .where(session.c.session_id == session_id, session.c.ended_at.is_(None))
            .values(last_seen_at=now)
        )
        return changed.rowcount == 1

    def end(self, session_id: str, now: datetime) -> bool:
        """End one session and the grants made in it; False if it had ended."""
        return self._end(session.c.session_id == session_id, grant.c.session_id == session_id, now) == 1

    def end_all(self, account_id: str, now: datetime) -> int:
        """End every session and grant of an account; returns how many sessions."""
        return self._end(session.c.account_id == account_id, grant.c.account_id == account_id, now)

    def _end(self, which: Any, grants: Any, now: datetime) -> int:
        ended = self._db.execute(update(session).where(which, session.c.ended_at.is_(None)).values(ended_at=now))
        self._db.execute(update(grant).where(grants, grant.c.revoked_at.is_(None)).values(revoked_at=now))
        return ended.rowcount
