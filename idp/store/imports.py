"""Many accounts at once: few statements, so that SQLite's one writer is soon done."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from idp.domain.account import Account
from idp.domain.authn import IdentityRef
from idp.domain.ids import new_id
from idp.errors import InvalidOperation
from idp.store.schema import account, entitlement, identity

CHUNK = 1000  # parameters of one statement

Person = tuple[Account, Collection[tuple[IdentityRef, str]]]  # with further identifiers and their origins


class Imports:
    """New people, whose identifiers are all their own."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def taken(self, refs: Collection[IdentityRef]) -> frozenset[IdentityRef]:
        """Which of these somebody has."""
        found: set[IdentityRef] = set()
        for kind in {ref.kind for ref in refs}:
            for values in _chunks([ref.value for ref in refs if ref.kind == kind]):
                query = select(identity.c.value).where(identity.c.kind == kind, identity.c.value.in_(values))
                found |= {IdentityRef(kind, value) for value in self._db.scalars(query)}
        return frozenset(found)

    def add(self, people: Sequence[Person]) -> None:
        """As `Accounts.add`, for each of them. Raises InvalidOperation if an identifier was taken meanwhile."""
        if not people:
            return
        rows = [{name: getattr(new, name) for name in account.c.keys()} for new, _ in people]  # noqa: SIM118
        held = [
            {
                "identity_id": new_id(),
                "account_id": new.account_id,
                "kind": ref.kind,
                "value": ref.value,
                "origin": origin,
                "verified_at": new.created_at,
            }
            for new, refs in people
            for ref, origin in ((IdentityRef("login_name", new.login_name), "account"), *refs)
        ]
        try:
            self._db.execute(insert(account), [{**row, "profile": dict(row["profile"])} for row in rows])
            self._db.execute(insert(identity), held)
        except IntegrityError as error:
            raise InvalidOperation("somebody else took one of the identifiers meanwhile: try again") from error

    def entitle(self, pairs: Collection[tuple[str, str]], by: str, now: datetime) -> None:
        """Give these new accounts access to these clients, for good."""
        given = {"granted_by": by, "granted_at": now, "expires_at": None, "revoked_at": None}
        rows = [{"account_id": account_id, "client_id": client_id, **given} for account_id, client_id in pairs]
        if rows:
            self._db.execute(insert(entitlement), rows)


def _chunks(values: Collection[str]) -> Iterator[list[str]]:
    rest = iter(values)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
