"""Many accounts at once, made or taken away: few statements, so that SQLite's one writer is soon done."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from sqlalchemy import ColumnElement, Connection, Table, delete, or_, select
from sqlalchemy.exc import IntegrityError

from idp.domain.account import Account
from idp.domain.authn import IdentityRef
from idp.domain.ids import new_id
from idp.errors import InvalidOperation
from idp.store import bulk, name_words
from idp.store.schema import account, entitlement, identity, metadata, name_word

CHUNK = 1000  # parameters of one statement

# Everything that refers to accounts, whatever comes to be one day; an import itself makes the others.
REFERRING = tuple(
    table
    for table in metadata.sorted_tables
    if table not in {identity, entitlement, name_word} and any(key.references(account) for key in table.foreign_keys)
)

Person = tuple[Account, Collection[tuple[IdentityRef, str]]]  # with further identifiers and their origins


class TakenMeanwhile(InvalidOperation):
    """An identifier belongs to somebody since it was looked for."""


class Imports:
    """New people, whose identifiers are all their own."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def taken(self, refs: Collection[IdentityRef]) -> frozenset[IdentityRef]:
        """Which of these somebody has."""
        found: set[IdentityRef] = set()
        for kind in {ref.kind for ref in refs}:
            for values in _chunks([ref.value for ref in refs if ref.kind == kind]):
                query = select(identity.c.value).where(
                    identity.c.kind == kind, bulk.among(self._db, identity.c.value, values)
                )
                found |= {IdentityRef(kind, value) for value in self._db.scalars(query)}
        return frozenset(found)

    def add(self, people: Sequence[Person]) -> None:
        """As `Accounts.add`, for each of them. Raises TakenMeanwhile; the unit is then to be given up."""
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
            bulk.put(self._db, account, [{**row, "profile": dict(row["profile"])} for row in rows])
            bulk.put(self._db, identity, held)
            name_words.add(self._db, {new.account_id: new.name_key for new, _ in people})
        except IntegrityError as error:
            raise TakenMeanwhile("somebody else took one of the identifiers meanwhile: try again") from error

    def entitle(self, pairs: Collection[tuple[str, str]], by: str, now: datetime) -> None:
        """Give these new accounts access to these clients, for good."""
        given = {"granted_by": by, "granted_at": now, "expires_at": None, "revoked_at": None}
        rows = [{"account_id": account_id, "client_id": client_id, **given} for account_id, client_id in pairs]
        bulk.put(self._db, entitlement, rows)

    # -- and back --------------------------------------------------------------

    def lock(self, account_ids: Collection[str]) -> list[tuple[str, str]]:
        """account_id and login name of those of these that exist; nobody uses one before the unit at hand ends."""
        query = select(account.c.account_id, account.c.login_name).where(account.c.account_id.in_(account_ids))
        rows = self._db.execute(query.order_by(account.c.account_id).with_for_update())
        return [(account_id, login) for account_id, login in rows]

    def used(self, account_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        """Those of these accounts that are not as an import made them, and by what that shows: "signed_in", "changed",
        or the table that has something of theirs. All that an import writes bears one instant, which nothing else does.
        """
        found: dict[str, set[str]] = {}
        since = account.c.created_at
        mine = {table: account.c.account_id == table.c.account_id for table in (identity, entitlement)}
        granted = or_(entitlement.c.granted_at != since, entitlement.c.revoked_at.is_not(None))
        signs: list[tuple[str, Table | None, ColumnElement[bool]]] = [
            ("signed_in", None, account.c.signed_in_at.is_not(None)),
            ("changed", None, account.c.updated_at != since),
            ("identity", identity, mine[identity] & (identity.c.verified_at != since)),
            ("entitlement", entitlement, mine[entitlement] & granted),
        ]
        signs += [(table.name, table, account.c.account_id == table.c.account_id) for table in REFERRING]
        for name, table, sign in signs:
            query = select(account.c.account_id).where(account.c.account_id.in_(account_ids), sign).distinct()
            for account_id in self._db.scalars(query if table is None else query.select_from(account, table)):
                found.setdefault(account_id, set()).add(name)
        return {account_id: frozenset(names) for account_id, names in found.items()}

    def remove(self, account_ids: Collection[str]) -> None:
        """Delete accounts that nothing refers to but their own identifiers, names and entitlements."""
        for table in (entitlement, identity, name_word, account):
            self._db.execute(delete(table).where(table.c.account_id.in_(account_ids)))


def _chunks(values: Collection[str]) -> Iterator[list[str]]:
    rest = iter(values)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
