"""Statements of the hot path: written in SQLAlchemy Core, compiled once, sent by the driver's own cursor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError, StatementError

Statement = Select[Any] | Insert | Update | Delete
Convert = Callable[[Any], Any] | None
Row = dict[str, Any]
NOTHING: Mapping[str, Any] = {}
CURSOR = "sesame.cursor"  # one for each connection: a new one costs almost as much as what it sends


@dataclass(frozen=True, slots=True)
class _Compiled:
    """sql: as the driver takes it. fixed: values that the statement itself holds. The other two in order."""

    sql: str
    is_positional: bool
    parameters: tuple[tuple[str, Convert], ...]
    fixed: Mapping[str, Any]
    columns: tuple[str, ...]
    conversions: tuple[tuple[int, Callable[[Any], Any]], ...]

    def bound(self, values: Mapping[str, Any]) -> Any:
        given = {**self.fixed, **values} if self.fixed else values
        if self.is_positional:
            return [given[name] if convert is None else convert(given[name]) for name, convert in self.parameters]
        return {name: given[name] if convert is None else convert(given[name]) for name, convert in self.parameters}

    def row(self, found: Any) -> Row:
        converted = list(found)
        for index, convert in self.conversions:
            converted[index] = convert(converted[index])
        return dict(zip(self.columns, converted, strict=True))


class Prepared:
    """A Core statement without what SQLAlchemy does around each execution, which costs several times the driver's work.

    Types and errors are SQLAlchemy's; so are the connection and its transaction, which must have begun. Every parameter
    is given by its name, NULL too; rows are by the columns' names, which differ. Not for lists of values (`IN`).
    """

    def __init__(self, statement: Statement | Callable[[Dialect], Statement]) -> None:
        """statement: or what makes it, where each dialect has a spelling of its own."""
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}  # by the dialect's name

    def all(self, connection: Connection, values: Mapping[str, Any] = NOTHING) -> list[Row]:
        """Every row."""
        compiled = self._of(connection.dialect)
        found = _send(connection, compiled, values, lambda cursor: cursor.fetchall())
        return [compiled.row(each) for each in found]

    def first(self, connection: Connection, values: Mapping[str, Any] = NOTHING) -> Row | None:
        """The first row; None if there is none."""
        found = self.all(connection, values)
        return found[0] if found else None

    def run(self, connection: Connection, values: Mapping[str, Any] = NOTHING) -> int:
        """How many rows were written."""
        count: int = _send(connection, self._of(connection.dialect), values, lambda cursor: cursor.rowcount)
        return count

    def _of(self, dialect: Dialect) -> _Compiled:
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            statement = self._statement(dialect) if callable(self._statement) else self._statement
            compiled = self._compiled[dialect.name] = _compile(statement, dialect)
        return compiled


def _compile(statement: Statement, dialect: Dialect) -> _Compiled:
    compiled: Any = statement.compile(dialect=dialect)
    converts: dict[str, Convert] = {}
    fixed: dict[str, Any] = {}
    for parameter, name in compiled.bind_names.items():
        if parameter.expanding:
            raise TypeError(f"{name}: a list cannot be prepared")
        converts[name] = parameter.type.dialect_impl(dialect).bind_processor(dialect)
        if not parameter.required:
            fixed[name] = parameter.effective_value
    columns = list(statement.exported_columns.items())
    conversions = [column.type.dialect_impl(dialect).result_processor(dialect, None) for _, column in columns]
    names: list[str] = compiled.positiontup if compiled.positional else list(converts)
    return _Compiled(
        compiled.string,
        compiled.positional,
        tuple((name, converts[name]) for name in names),
        fixed,
        tuple(str(name) for name, _ in columns),
        tuple((index, convert) for index, convert in enumerate(conversions) if convert is not None),
    )


def _send(connection: Connection, compiled: _Compiled, values: Mapping[str, Any], take: Callable[[Any], Any]) -> Any:
    """Raises what SQLAlchemy raises for the driver's errors; like it, leaves a connection that broke to nobody."""
    try:
        cursor = connection.info.get(CURSOR)
        if cursor is None:
            cursor = connection.info[CURSOR] = connection.connection.cursor()
        cursor.execute(compiled.sql, compiled.bound(values))
        return take(cursor)
    except Exception as error:
        raise _translated(connection, compiled.sql, error) from error


def _translated(connection: Connection, sql: str, error: Exception) -> StatementError:
    dialect, driver = connection.dialect, connection.connection.driver_connection
    drivers: Any = dialect.loaded_dbapi.Error
    is_broken = isinstance(error, drivers) and dialect.is_disconnect(error, driver, None)
    if is_broken:
        connection.invalidate(error)
    return DBAPIError.instance(
        sql, None, error, drivers, hide_parameters=True, connection_invalidated=is_broken, dialect=dialect
    )
