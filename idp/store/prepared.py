"""Statements of the hot path: written in SQLAlchemy Core, compiled once, sent without what it does around each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Delete, Dialect, Engine, Insert, Select, Update, event
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from idp.store.wire import NotWritten, Wire

Statement = Select[Any] | Insert | Update | Delete
Convert = Callable[[Any], Any] | None
Row = dict[str, Any]
T = TypeVar("T")
NOTHING: Mapping[str, Any] = {}
CARRIER = "sesame.carrier"


@dataclass(frozen=True, slots=True)
class _Compiled:
    """sql: as the driver takes it. fixed: values that the statement itself holds. The other two in order."""

    sql: str
    parameters: tuple[tuple[str, Convert], ...]
    fixed: Mapping[str, Any]
    columns: tuple[str, ...]
    conversions: tuple[tuple[int, Callable[[Any], Any]], ...]

    def bound(self, values: Mapping[str, Any]) -> list[Any]:
        given = {**self.fixed, **values} if self.fixed else values
        return [given[name] if convert is None else convert(given[name]) for name, convert in self.parameters]

    def row(self, found: Any) -> Row:
        converted = list(found)
        for index, convert in self.conversions:
            converted[index] = convert(converted[index])
        return dict(zip(self.columns, converted, strict=True))


class Prepared:
    """A Core statement without what SQLAlchemy does around each execution, which costs several times the driver's work.

    Types and errors are SQLAlchemy's; so are the connection and its transaction. Every parameter is given by its name,
    NULL too; rows are by the columns' names, which differ. Not for lists of values (`IN`).
    """

    def __init__(self, statement: Statement | Callable[[Dialect], Statement]) -> None:
        """statement: or what makes it, where each dialect has a spelling of its own."""
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}  # by the dialect's name

    def all(self, connection: Connection, values: Mapping[str, Any] = NOTHING) -> list[Row]:
        """Every row."""
        compiled = self._of(connection.dialect)
        found = _through(connection, compiled.sql, lambda by: by.rows(by.ask(compiled.sql, compiled.bound(values))))
        return [compiled.row(each) for each in found]

    def first(self, connection: Connection, values: Mapping[str, Any] = NOTHING) -> Row | None:
        """The first row; None if there is none."""
        found = self.all(connection, values)
        return found[0] if found else None

    def run(self, connection: Connection, values: Mapping[str, Any] = NOTHING) -> int:
        """How many rows were written."""
        compiled = self._of(connection.dialect)
        return _through(connection, compiled.sql, lambda by: by.count(by.ask(compiled.sql, compiled.bound(values))))

    def later(self, connection: Connection, values: Mapping[str, Any] = NOTHING) -> None:
        """Write what nothing else in the unit waits for, and what no other unit can contradict: it may leave with a
        later statement, or with the COMMIT, which then raises what this would.
        """
        compiled = self._of(connection.dialect)
        _through(connection, compiled.sql, lambda by: by.later(compiled.sql, compiled.bound(values)))

    def must(self, connection: Connection, values: Mapping[str, Any], otherwise: Exception) -> None:
        """Write at least one row, or `otherwise` is raised: as `later`, here or by what comes after it in the unit, and
        by the COMMIT at the latest, which then does not happen.
        """
        compiled = self._of(connection.dialect)
        _through(connection, compiled.sql, lambda by: by.later(compiled.sql, compiled.bound(values), otherwise))

    def _of(self, dialect: Dialect) -> _Compiled:
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            if dialect.name == "postgresql":
                dialect = type(dialect)(paramstyle="numeric_dollar")  # type: ignore[call-arg] # each dialect's own
            statement = self._statement(dialect) if callable(self._statement) else self._statement
            compiled = self._compiled[dialect.name] = _compile(statement, dialect)
        return compiled


def begin(connection: Connection, *, alone: bool = False) -> None:
    """A unit of work begins. alone: each statement is committed by itself."""
    _carrier(connection).start(begins=not alone)


def commit(connection: Connection) -> None:
    """Send what waits, and commit; SQLAlchemy's own commit finds nothing left to do. Raises SQLAlchemy's errors."""
    _through(connection, "COMMIT", lambda by: by.commit())


def flush(connection: Connection) -> None:
    """Send what waits. Raises as what wrote it would."""
    _through(connection, "what waited", lambda by: by.flush())


def forget(connection: Connection) -> None:
    """What waits is never sent: the unit is rolled back."""
    _carrier(connection).forget()


def keep_order(engine: Engine) -> None:
    """What waits is sent before anything that SQLAlchemy sends, and forgotten when it rolls back."""

    @event.listens_for(engine, "before_cursor_execute")
    def before(connection: Connection, *_: Any) -> None:
        flush(connection)

    @event.listens_for(engine, "rollback")
    def rolled_back(connection: Connection) -> None:
        if not connection.invalidated:
            forget(connection)


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
    return _Compiled(
        compiled.string,
        tuple((name, converts[name]) for name in compiled.positiontup),
        fixed,
        tuple(str(name) for name, _ in columns),
        tuple((index, convert) for index, convert in enumerate(conversions) if convert is not None),
    )


class _Cursor:
    """What a `Wire` does, by the driver's cursor: each statement at once."""

    def __init__(self, connection: Connection) -> None:
        self._cursor = connection.connection.cursor()

    def start(self, *, begins: bool) -> None: ...

    def forget(self) -> None: ...

    def flush(self) -> None: ...

    def commit(self) -> None: ...

    def ask(self, sql: str, values: Sequence[Any]) -> Any:
        self._cursor.execute(sql, values)
        return self._cursor

    def later(self, sql: str, values: Sequence[Any], otherwise: Exception | None = None) -> None:
        if not self.count(self.ask(sql, values)) and otherwise is not None:
            raise NotWritten(otherwise)

    def rows(self, answer: Any) -> Sequence[Sequence[Any]]:
        found: Sequence[Sequence[Any]] = answer.fetchall()
        return found

    def count(self, answer: Any) -> int:
        count: int = answer.rowcount
        return count


def _carrier(connection: Connection) -> Wire | _Cursor:
    """One for each connection: making one costs as much as what it sends. Raises PendingRollbackError after it broke:
    SQLAlchemy, which does not know what began on it, would go on with another.
    """
    if connection.invalidated:
        raise PendingRollbackError("the connection broke: the unit is to be rolled back")
    carrier: Wire | _Cursor | None = connection.info.get(CARRIER)
    if carrier is None:
        is_wire = connection.dialect.name == "postgresql"
        driver: Any = connection.connection.driver_connection
        carrier = connection.info[CARRIER] = Wire(driver) if is_wire else _Cursor(connection)
    return carrier


def _through(connection: Connection, sql: str, send: Callable[["Wire | _Cursor"], T]) -> T:
    """What `send` returns of the connection's carrier. Raises SQLAlchemy's errors."""
    carrier = _carrier(connection)
    try:
        return send(carrier)
    except Exception as error:
        raise _translated(connection, sql, error) from error


def _translated(connection: Connection, sql: str, error: Exception) -> Exception:
    """What SQLAlchemy raises for a driver's error; like it, leaves a connection that broke to nobody."""
    if isinstance(error, NotWritten):
        return error.otherwise
    dialect, driver = connection.dialect, connection.connection.driver_connection
    drivers: Any = dialect.loaded_dbapi.Error
    is_broken = isinstance(error, drivers) and dialect.is_disconnect(error, driver, None)
    if is_broken:
        connection.invalidate(error)
    return DBAPIError.instance(
        sql, None, error, drivers, hide_parameters=True, connection_invalidated=is_broken, dialect=dialect
    )
