"""Grants: the parents of codes and tokens."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, exists, insert, select, update

from idp.domain.account import Account, AccountStatus
from idp.domain.authn import Proof
from idp.domain.grant import Grant
from idp.domain.ids import digest
from idp.store import accounts
from idp.store.prepared import Prepared
from idp.store.schema import account, client, grant

LISTS = ("scope", "amr", "userinfo_claims", "id_token_claims")
COLUMNS = tuple(name for name in grant.c.keys() if name != "code_digest")  # noqa: SIM118
ADD = Prepared(insert(grant))
OF_CODE = Prepared(
    select(
        grant,
        *(column.label(f"account_{column.name}") for column in account.c),
        client.c.scopes.label("client_scopes"),
    )
    .join(account)
    .join(client)
    .where(grant.c.code_digest == bindparam("code"))
)
LIVE = Prepared(
    select(grant)
    .join(account)
    .join(client)
    .where(
        grant.c.grant_id == bindparam("grant"),
        grant.c.revoked_at.is_(None),
        account.c.status == AccountStatus.ACTIVE.value,
        client.c.enabled,
    )
)
REDEEM = Prepared(
    update(grant)
    .where(grant.c.grant_id == bindparam("grant"), grant.c.redeemed_at.is_(None), grant.c.revoked_at.is_(None))
    .where(exists().where(client.c.client_id == grant.c.client_id, client.c.enabled))
    .values(redeemed_at=bindparam("now"), offline_until=bindparam("offline"))
)


class Grants:
    """Codes are stored as digests; a code is redeemed by one UPDATE."""

    def __init__(self, connection: Connection, revoked: list[str]) -> None:
        """revoked: where the grants that are revoked are noted."""
        self._db, self._revoked = connection, revoked

    def add(self, new: Grant, code: str) -> None:
        values = {name: getattr(new, name) for name in COLUMNS}
        values |= {name: list(values[name]) for name in LISTS}
        values["proof"] = None if new.proof is None else new.proof.to_json()
        ADD.later(self._db, {**values, "code_digest": digest(code)})

    def by_code(self, code: str) -> tuple[Grant, Account, frozenset[str]] | None:
        """The grant, whose it is (without the identities), and the scopes that its client has today."""
        row = OF_CODE.first(self._db, {"code": digest(code)})
        if row is None:
            return None
        return build(row), accounts.build(row, "account_"), frozenset(row["client_scopes"])

    def redeem(
        self, grant_id: str, now: datetime, *, otherwise: Exception, offline_until: datetime | None = None
    ) -> None:
        """Mark the code as used; `otherwise` is raised, by the COMMIT at the latest, if it was used or revoked before,
        or its client is disabled: of several units exactly one is committed.

        offline_until: how long the grant may outlive its session (offline_access).
        """
        REDEEM.must(self._db, {"grant": grant_id, "now": now, "offline": offline_until}, otherwise)

    def was_redeemed(self, grant_id: str) -> bool:
        """True if the code was used before."""
        return self._db.scalar(select(grant.c.redeemed_at).where(grant.c.grant_id == grant_id)) is not None

    def live(self, grant_id: str) -> Grant | None:
        """The grant, unless it was revoked, its account is not active or its client is disabled."""
        row = LIVE.first(self._db, {"grant": grant_id})
        return None if row is None else build(row)

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

    def revoke(self, grant_id: str, now: datetime) -> bool:
        """Revoke a grant: every token that came of it is dead. False if it was revoked before."""
        return self._revoke(grant.c.grant_id == grant_id, now) == 1

    def revoke_for(self, account_id: str, client_id: str, now: datetime) -> None:
        """Revoke all that an account gave to one client."""
        self._revoke((grant.c.account_id == account_id) & (grant.c.client_id == client_id), now)

    def revoke_of(self, client_id: str, now: datetime) -> None:
        """Revoke all that one client was given."""
        self._revoke(grant.c.client_id == client_id, now)

    def _revoke(self, which: ColumnElement[bool], now: datetime) -> int:
        revoke = update(grant).where(which, grant.c.revoked_at.is_(None)).values(revoked_at=now)
        found = self._db.scalars(revoke.returning(grant.c.grant_id)).all()
        self._revoked += found
        return len(found)


def build(row: Mapping[str, Any], prefix: str = "") -> Grant:
    """The grant in a row whose columns of it begin with `prefix`."""
    values = {name: row[prefix + name] for name in COLUMNS}
    values |= {name: tuple(values[name]) for name in LISTS}
    return Grant(**{**values, "proof": None if values["proof"] is None else Proof.from_json(values["proof"])})
