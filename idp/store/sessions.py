"""Single sign-on sessions and their proofs."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from idp.domain.account import Account
from idp.domain.authn import Proof
from idp.domain.ids import digest, new_id
from idp.domain.session import Session
from idp.store import accounts
from idp.store.entitled import has_entitlement, may_open
from idp.store.outbox import put_logouts
from idp.store.prepared import Prepared, Row
from idp.store.schema import account, grant, session, session_proof, upstream_session

ROTATION_OVERLAP = timedelta(seconds=10)
SEEN = ("session_id", "id_hash", "rotated_at", "account_id", "created_at", "last_seen_at", "expires_at")

_OF_COOKIE = (
    select(*(session.c[name] for name in SEEN), session_proof.c.proof)
    .select_from(session)
    .join(session_proof, isouter=True)
    .where(or_(session.c.id_hash == bindparam("cookie"), session.c.previous_hash == bindparam("cookie")))
    .where(session.c.ended_at.is_(None))
    .order_by(session_proof.c.proof_id)  # oldest first
)
OF_ID = (
    select(*(session.c[name] for name in SEEN), session_proof.c.proof)
    .select_from(session)
    .join(session_proof, isouter=True)
    .where(session.c.session_id == bindparam("session"))
    .order_by(session_proof.c.proof_id)  # oldest first
)
_WITH_HOLDER = _OF_COOKIE.add_columns(
    *(column.label(f"account_{column.name}") for column in account.c),
    has_entitlement(session.c.account_id, bindparam("client_id"), bindparam("now")).label("is_entitled"),
).join(account, account.c.account_id == session.c.account_id)
OF_COOKIE, WITH_HOLDER = Prepared(_OF_COOKIE), Prepared(_WITH_HOLDER)
WITH_HOLDER_HELD = Prepared(_WITH_HOLDER.with_for_update(read=True, of=account))
LIVE = (session.c.session_id == bindparam("session")) & session.c.ended_at.is_(None)
_TOUCH = update(session).where(LIVE).values(last_seen_at=bindparam("now"))
TOUCH = Prepared(_TOUCH)
TOUCH_FOR = Prepared(_TOUCH.where(may_open(session.c.account_id, bindparam("client_id"), bindparam("now"))))
USE = Prepared(_TOUCH.where(session.c.expires_at > bindparam("now"), session.c.last_seen_at > bindparam("used_after")))
ROTATE = Prepared(
    update(session)
    .where(LIVE, session.c.id_hash == bindparam("old"))
    .values(id_hash=bindparam("new"), previous_hash=bindparam("old"), rotated_at=bindparam("now"))
)
OPEN, ADD_PROOF = Prepared(insert(session)), Prepared(insert(session_proof))


class Sessions:
    """Sessions by their cookie; only digests of cookies are stored."""

    def __init__(self, connection: Connection, revoked: list[str]) -> None:
        """revoked: where the grants that are revoked are noted."""
        self._db, self._revoked = connection, revoked

    def find(self, cookie: str, now: datetime, idle: timedelta) -> Session | None:
        """The live session of a cookie; the cookie of before a rotation reads it for 10 s more."""
        id_hash = digest(cookie)
        return _build(OF_COOKIE.all(self._db, {"cookie": id_hash}), id_hash, now, idle)

    def find_with_holder(
        self, cookie: str, client_id: str, now: datetime, idle: timedelta, *, hold: bool = False
    ) -> tuple[Session, Account, bool] | None:
        """The live session, the account whose it is (without its identities), and whether an entitlement lets it open
        the client. hold: as `Accounts.hold` does, so that what is said of the account stays true to the end of a unit
        that writes; of the entitlement `must_touch` makes sure.
        """
        id_hash = digest(cookie)
        statement = WITH_HOLDER_HELD if hold else WITH_HOLDER
        rows = statement.all(self._db, {"cookie": id_hash, "client_id": client_id, "now": now})
        found = _build(rows, id_hash, now, idle)
        if found is None:
            return None
        return found, accounts.build(rows[0], "account_"), rows[0]["is_entitled"]

    def get(self, session_id: str) -> Session | None:
        """A session by its id, ended or not, until it is purged."""
        rows = self._db.execute(OF_ID, {"session": session_id}).mappings().all()
        return _whole(rows, is_current=True) if rows else None

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
        OPEN.later(
            self._db,
            {
                "session_id": session_id,
                "id_hash": digest(cookie),
                "previous_hash": None,
                "rotated_at": None,
                "account_id": account_id,
                "created_at": now,
                "last_seen_at": now,
                "expires_at": now + lifetime,
                "ended_at": None,
                "user_agent": user_agent[:200],
                "ip_prefix": ip_prefix,
            },
        )
        return session_id

    def add_proof(self, session_id: str, proof: Proof) -> None:
        """One row a proof: two tabs that add at once are both kept."""
        ADD_PROOF.later(self._db, {"proof_id": new_id(), "session_id": session_id, "proof": proof.to_json()})

    def proofs_since(self, account_id: str, since: datetime) -> list[Proof]:
        """Those of an account's sessions, ended or not, that were given after an instant."""
        theirs = (session.c.account_id == account_id) & (session.c.expires_at > since)
        found = self._db.scalars(select(session_proof.c.proof).join(session).where(theirs))
        return [proof for proof in map(Proof.from_json, found) if proof.at > since]

    def rotate(self, session_id: str, old_cookie: str, new_cookie: str, now: datetime) -> bool:
        """Give the session a new cookie; False if another request did so first (its cookie then stands).

        Comes before `add_proof` in a unit: the row of a proof holds the session's, and two tabs would wait for one
        another (PostgreSQL).
        """
        values = {"session": session_id, "old": digest(old_cookie), "new": digest(new_cookie), "now": now}
        return ROTATE.run(self._db, values) == 1

    def shorten(self, session_id: str, until: datetime) -> None:
        """Let the session end then at the latest. Comes before `add_proof` in a unit, as `rotate` does."""
        later = (session.c.session_id == session_id) & (session.c.expires_at > until)
        self._db.execute(update(session).where(later).values(expires_at=until))

    def touch(self, session_id: str, now: datetime) -> bool:
        """Note that the session was used; False if it has ended meanwhile."""
        return TOUCH.run(self._db, {"session": session_id, "now": now}) == 1

    def must_touch(self, session_id: str, client_id: str, now: datetime, *, otherwise: Exception) -> None:
        """As `touch`; `otherwise` is raised, by the COMMIT at the latest, if the session has ended meanwhile, or if its
        holder may not open the client any more: a statement that waited for the holder's row (`find_with_holder`,
        PostgreSQL) knows of other rows what was true before it waited.
        """
        TOUCH_FOR.must(self._db, {"session": session_id, "client_id": client_id, "now": now}, otherwise)

    def use(self, session_id: str, now: datetime, idle: timedelta, *, otherwise: Exception) -> None:
        """As `touch`; `otherwise` is raised, by the COMMIT at the latest, if the session has ended or expired."""
        USE.must(self._db, {"session": session_id, "now": now, "used_after": now - idle}, otherwise)

    def end(self, session_id: str, now: datetime) -> bool:
        """End one session and the grants made in it; False if it had ended.

        A grant that was redeemed for offline access stays (OIDC Core §11).
        """
        bound = (grant.c.session_id == session_id) & grant.c.offline_until.is_(None)
        return self._end(session.c.session_id == session_id, bound, now) == 1

    def end_all(self, account_id: str, now: datetime) -> int:
        """End every session and grant of an account, those for offline access too; returns how many sessions."""
        return self._end(session.c.account_id == account_id, grant.c.account_id == account_id, now)

    def end_others(self, account_id: str, session_id: str, now: datetime) -> int:
        """End every session and grant of an account but this session, and what was granted in it; how many sessions."""
        others = (session.c.account_id == account_id) & (session.c.session_id != session_id)
        grants = (grant.c.account_id == account_id) & (grant.c.session_id != session_id)
        return self._end(others, grants, now)

    def _end(self, which: Any, grants: Any, now: datetime) -> int:
        """Locks the sessions, then the grants, then asks which of them were redeemed.

        Else a code that is just being redeemed would still look unused, and be revoked once we had waited for it: the
        service that it was given to would not be told. (One that is redeemed for offline access is waited for too.)
        """
        end = update(session).where(which, session.c.ended_at.is_(None)).values(ended_at=now)
        ended = self._db.scalars(end.returning(session.c.session_id)).all()
        if ended:
            self._db.execute(delete(upstream_session).where(upstream_session.c.session_id.in_(ended)))
        held = select(grant.c.grant_id).where(grants, grant.c.revoked_at.is_(None)).order_by(grant.c.grant_id)
        self._db.execute(held.with_for_update(key_share=True))
        put_logouts(self._db, ended, now)
        revoke = update(grant).where(grants, grant.c.revoked_at.is_(None)).values(revoked_at=now)
        self._revoked += self._db.scalars(revoke.returning(grant.c.grant_id))
        return len(ended)


def _build(rows: Sequence[Row], id_hash: str, now: datetime, idle: timedelta) -> Session | None:
    """The live session of rows that differ in their proof."""
    if not rows:
        return None
    row = rows[0]
    is_current = row["id_hash"] == id_hash
    if not is_current and now >= row["rotated_at"] + ROTATION_OVERLAP:
        return None
    found = _whole(rows, is_current=is_current)
    return found if found.is_alive(now, idle) else None


def _whole(rows: Sequence[Mapping[Any, Any]], *, is_current: bool) -> Session:
    row = rows[0]
    return Session(
        session_id=row["session_id"],
        account_id=row["account_id"],
        proofs=tuple(Proof.from_json(each["proof"]) for each in rows if each["proof"] is not None),
        created_at=row["created_at"],
        last_seen_at=row["last_seen_at"],
        expires_at=row["expires_at"],
        is_current=is_current,
    )
