"""Roles of operators: who may do what in the console, for which service."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from idp.domain.rights import Role, RoleGrant
from idp.store import upsert
from idp.store.schema import operator_role


class OperatorRoles:
    """One row for an account, a role and a scope. A role that this version does not know gives nothing."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def of(self, account_id: str) -> list[RoleGrant]:
        """All of one account, by role and scope."""
        query = select(operator_role).where(operator_role.c.account_id == account_id)
        return list(_known(self._db.execute(query.order_by(operator_role.c.role, operator_role.c.scope))))

    def all(self) -> list[RoleGrant]:
        """All there are, by account, role and scope."""
        query = select(operator_role).order_by(operator_role.c.account_id, operator_role.c.role, operator_role.c.scope)
        return list(_known(self._db.execute(query)))

    def grant(self, new: RoleGrant) -> bool:
        """False if the account had it already: who gave it first, and when, stays."""
        row = {name: getattr(new, name) for name in RoleGrant.__slots__}
        made = upsert.insert(self._db.dialect, operator_role).values(**row).on_conflict_do_nothing()
        return self._db.execute(made.returning(operator_role.c.role)).one_or_none() is not None

    def revoke(self, account_id: str, role: Role, scope: str) -> bool:
        """False if there was nothing to revoke."""
        mine = operator_role.c.account_id == account_id
        this = (operator_role.c.role == role) & (operator_role.c.scope == scope)
        return self._db.execute(delete(operator_role).where(mine, this)).rowcount == 1

    def revoke_all(self, account_id: str) -> None:
        """Of an account that is closed."""
        self._db.execute(delete(operator_role).where(operator_role.c.account_id == account_id))


def _known(rows: Iterable[Row[Any]]) -> Iterator[RoleGrant]:
    for row in rows:
        if row.role in set(Role):
            yield RoleGrant(row.account_id, Role(row.role), row.scope, row.granted_by, row.granted_at)
