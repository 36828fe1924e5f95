"""Refresh tokens: stored as digests; those of one grant are a family (RFC 9700 §4.14.2)."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update

from idp.domain.ids import digest
from idp.domain.refresh import GRACE, RefreshToken
from idp.domain.session import Session
from idp.store import accounts, grants
from idp.store.entitled import has_entitlement
from idp.store.prepared import Prepared
from idp.store.schema import account, client, grant, refresh_token, session

OF_SESSION = ("session_id", "account_id", "created_at", "last_seen_at", "expires_at")
IS_ENTITLED = client.c.enabled & or_(
    client.c.needs_entitlement.is_(False),
    has_entitlement(grant.c.account_id, grant.c.client_id, bindparam("now")),
)
FIND = Prepared(
    select(
        refresh_token.c.token_digest,
        refresh_token.c.created_at,
        refresh_token.c.used_at,
        *(grant.c[name].label(f"grant_{name}") for name in grants.COLUMNS),
        *(session.c[name].label(f"session_{name}") for name in OF_SESSION),
        session.c.ended_at,
        *(column.label(f"account_{column.name}") for column in account.c),
        IS_ENTITLED.label("is_entitled"),
        client.c.scopes.label("client_scopes"),
    )
    .select_from(refresh_token)
    .join(grant, grant.c.grant_id == refresh_token.c.grant_id)
    .join(session, session.c.session_id == grant.c.session_id)
    .join(account, account.c.account_id == grant.c.account_id)
    .join(client, client.c.client_id == grant.c.client_id)
    .where(refresh_token.c.token_digest == bindparam("token"))
)
ADD = Prepared(insert(refresh_token))
USE = Prepared(
    update(refresh_token)
    .where(refresh_token.c.token_digest == bindparam("token"), refresh_token.c.used_at.is_(None))
    .values(used_at=bindparam("now"))
)


class RefreshTokens:
    """Exchanged once each. Units lock the token first, then the session, then the grant."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, token: str, grant_id: str, now: datetime, *, parent_digest: str | None = None) -> None:
        """parent_digest: of the token that it was exchanged for."""
        values = {"token_digest": digest(token), "grant_id": grant_id, "parent_digest": parent_digest}
        ADD.later(self._db, {**values, "created_at": now, "used_at": None})

    def find(self, token: str, now: datetime) -> RefreshToken | None:
        """The token and what it depends on, used or not, in one statement."""
        row = FIND.first(self._db, {"token": digest(token), "now": now})
        if row is None:
            return None
        held = Session(proofs=(), **{name: row[f"session_{name}"] for name in OF_SESSION})
        return RefreshToken(
            token_digest=row["token_digest"],
            grant=grants.build(row, "grant_"),
            created_at=row["created_at"],
            used_at=row["used_at"],
            session=held if row["ended_at"] is None else None,
            holder=accounts.build(row, "account_"),
            is_entitled=row["is_entitled"],
            client_scopes=frozenset(row["client_scopes"]),
        )

    def use(self, token_digest: str, now: datetime, *, otherwise: Exception) -> None:
        """Mark the token as used; `otherwise` is raised, by the COMMIT at the latest, if it was before: of several
        units exactly one is committed.
        """
        USE.must(self._db, {"token": token_digest, "now": now}, otherwise)

    def use_again(self, token_digest: str, now: datetime) -> bool:
        """Whether a used token may be used again, because the answer may have been lost; False: it is a replay.

        It may within 10 s of its use, if none of its successors was used; those are withdrawn. A withdrawn token, which
        is used and has no successor, may not: somebody else holds the one that took its place.
        """
        mine = refresh_token.c.token_digest == token_digest
        used_at = self._db.scalar(select(refresh_token.c.used_at).where(mine).with_for_update())
        if used_at is None or now >= used_at + GRACE:
            return False
        self._db.execute(
            update(refresh_token)
            .where(refresh_token.c.parent_digest == token_digest, refresh_token.c.used_at.is_(None))
            .values(used_at=now)
        )
        child, grandchild = refresh_token.alias("child"), refresh_token.alias("grandchild")
        query = (
            select(func.count(child.c.token_digest), func.count(grandchild.c.token_digest))
            .select_from(child)
            .outerjoin(grandchild, grandchild.c.parent_digest == child.c.token_digest)
            .where(child.c.parent_digest == token_digest)
        )
        successors, used = self._db.execute(query).one()
        return bool(successors) and not used
