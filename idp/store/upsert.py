"""INSERT … ON CONFLICT, which both databases know and SQLAlchemy spells once for each."""

from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert(dialect: Dialect, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT of this dialect."""
    return sqlite.insert(table) if dialect.name == "sqlite" else postgresql.insert(table)


def replacing(dialect: Dialect, table: Table, **values: Any) -> sqlite.Insert | postgresql.Insert:
    """Writes a row, or these values into the one that has its primary key."""
    keys = [column.name for column in table.primary_key]
    changed = {name: value for name, value in values.items() if name not in keys}
    return insert(dialect, table).values(**values).on_conflict_do_update(index_elements=keys, set_=changed)


def replace(connection: Connection, table: Table, **values: Any) -> None:
    """Write a row, or these values into the one that has its primary key."""
    connection.execute(replacing(connection.dialect, table, **values))
