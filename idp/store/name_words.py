"""The words of people's names, which they are searched by; written with the names."""

from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, Connection, and_, delete

from idp.store import bulk
from idp.store.schema import name_word


def add(connection: Connection, keys: Mapping[str, str]) -> None:
    """keys: name_key by account_id, of accounts that are there and have no words."""
    rows = [{"word": word, "account_id": account_id} for account_id, key in keys.items() for word in set(key.split())]
    bulk.put(connection, name_word, rows)


def remove(connection: Connection, account_ids: Collection[str]) -> None:
    connection.execute(delete(name_word).where(name_word.c.account_id.in_(account_ids)))


def begins(column: ColumnElement[str], typed: str) -> ColumnElement[bool]:
    """A range, which both databases have an index for: what it is of is sorted by its code points."""
    return and_(column >= typed, column < typed + "\U0010ffff")
