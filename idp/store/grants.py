"""Grants: the parents of codes and tokens."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from idp.domain.account import AccountStatus
from idp.domain.grant import Grant
from idp.domain.ids import digest
from idp.store.schema import account, client, grant

LISTS = ("scope", "amr", "userinfo_claims", "id_token_claims")


class Grants:
    """Codes are stored as digests; a code is redeemed by one UPDATE."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, new: Grant, code: str) -> None:
        values = {name: getattr(new, name) for name in grant.c.keys() if hasattr(new, name)}  # noqa: SIM118
        values |= {name: list(values[name]) for name in LISTS}
        self._db.execute(insert(grant).values({**values, "code_digest": digest(code)}))

    def by_code(self, code: str) -> Grant | None:
        row = self._db.execute(select(grant).where(grant.c.code_digest == digest(code))).one_or_none()
        return None if row is None else _build(row)

    def redeem(self, grant_id: str, now: datetime) -> bool:
        """Mark the code as used; False if it was used or revoked before: exactly one caller gets True."""
        changed = self._db.execute(
            update(grant)
            .where(grant.c.grant_id == grant_id, grant.c.redeemed_at.is_(None), grant.c.revoked_at.is_(None))
            .values(redeemed_at=now)
        )
        return changed.rowcount == 1

    def was_redeemed(self, grant_id: str) -> bool:
        """True if the code was used before."""
        return self._db.scalar(select(grant.c.redeemed_at).where(grant.c.grant_id == grant_id)) is not None

    def live(self, grant_id: str) -> Grant | None:
        """The grant, unless it was revoked, its account is not active or its client is disabled."""
        query = (
            select(grant)
            .join(account)
            .join(client)
            .where(
                grant.c.grant_id == grant_id,
                grant.c.revoked_at.is_(None),
                account.c.status == AccountStatus.ACTIVE.value,
                client.c.enabled,
            )
        )
        row = self._db.execute(query).one_or_none()
        return None if row is None else _build(row)

    def has_live(self, session_id: str, client_id: str) -> bool:
        """True if the session redeemed a code for this client and nothing revoked it."""
        query = (
            select(grant.c.grant_id)
            .where(
                grant.c.session_id == session_id,
                grant.c.client_id == client_id,
                grant.c.redeemed_at.is_not(None),
                grant.c.revoked_at.is_(None),
            )
            .limit(1)
        )
        return self._db.scalar(query) is not None

    def revoke(self, grant_id: str, now: datetime) -> None:
        """Revoke a grant: every token that came of it is dead."""
        self._db.execute(
            update(grant).where(grant.c.grant_id == grant_id, grant.c.revoked_at.is_(None)).values(revoked_at=now)
        )

    def revoke_for(self, account_id: str, client_id: str, now: datetime) -> None:
        """Revoke all that an account gave to one client."""
        self._db.execute(
            update(grant)
            .where(grant.c.account_id == account_id, grant.c.client_id == client_id, grant.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )


def _build(row: Row[Any]) -> Grant:
    values = dict(row._mapping)
    values.pop("code_digest")
    return Grant(**{**values, **{name: tuple(values[name]) for name in LISTS}})
