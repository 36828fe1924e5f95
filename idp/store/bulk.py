"""Many rows, or many values, at once; what is different from doing the same for a few is how soon it is done."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Connection,
    Insert,
    Table,
    any_,
    bindparam,
    func,
    insert,
    select,
)

from idp.store.schema import Instant


def put(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that name the same columns, none of which is binary.

    For PostgreSQL they are one value of one statement: a statement for each of them costs twice as much.
    """
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), rows)
        return
    instants = [name for name in rows[0] if isinstance(table.c[name].type, Instant)]
    said = [{**row, **{name: str(row[name]) for name in instants if row[name] is not None}} for row in rows]
    connection.execute(_from_json(table, tuple(rows[0])), {"rows": said})


def _from_json(table: Table, names: tuple[str, ...]) -> Insert:
    given = func.json_to_recordset(bindparam("rows", type_=JSON))
    columns = given.table_valued(*(table.c[name] for name in names), name="given").render_derived(with_types=True)
    return insert(table).from_select(names, select(columns))


def among(connection: Connection, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """The column has one of these. For PostgreSQL they are one value, and the statement is always the same."""
    if connection.dialect.name != "postgresql":
        return column.in_(values)
    return column == any_(bindparam(None, list(values), ARRAY(column.type)))
