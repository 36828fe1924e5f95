"""Databases of PostgreSQL that tests use one after another: to copy and drop one costs as much as a short test."""

from collections import deque
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from tests.fakes.servers import PostgreSQL

USES = 100  # what was deleted takes room, and nothing vacuums
SECONDS = 10
FIRST_OWN = 16384  # the first object that is not PostgreSQL's own
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
ROWS = "SELECT json_agg(every)::text FROM {table} every"
RESTORE = "INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, {rows})"
END_OTHERS = (
    f"SELECT pg_terminate_backend(pid, {SECONDS * 1000}) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
# Whatever defines something writes a row of a catalogue, and each row that is written has a later transaction.
CATALOGUES = {
    "pg_class": "oid",
    "pg_attribute": "attrelid",
    "pg_attrdef": "oid",
    "pg_constraint": "oid",
    "pg_index": "indexrelid",
    "pg_type": "oid",
    "pg_proc": "oid",
    "pg_trigger": "oid",
    "pg_rewrite": "oid",
}
DEFINED = " UNION ALL ".join(
    [
        f"SELECT count(*), sum(xmin::text::bigint) FROM {name} WHERE {own} >= {FIRST_OWN}"
        for name, own in CATALOGUES.items()
    ]
    + [
        f"SELECT count(*), sum(xmin::text::bigint) FROM {name}"
        for name in ("pg_namespace", "pg_default_acl", "pg_policy")
    ]
    + ["SELECT count(*), NULL FROM pg_db_role_setting WHERE setdatabase <> 0"]
    + ["SELECT count(*), sum(last_value) FROM pg_sequences"]
)


@dataclass
class _Used:
    url: str
    uses: int = 1


@dataclass
class Databases:
    """Lends each test a database with the rows of the template and no other, under a name that no other test had."""

    server: PostgreSQL
    _lent: dict[str, _Used] = field(default_factory=dict)
    _idle: deque[_Used] = field(default_factory=deque)

    def __post_init__(self) -> None:
        with psycopg.connect(_conninfo(self.server.template)) as connection:
            self._defined = connection.execute(DEFINED).fetchall()
            tables = [sql.Identifier(name) for (name,) in connection.execute(TABLES).fetchall()]
            statements: list[sql.Composable] = [
                sql.SQL("SET session_replication_role = replica")
            ]  # no order between the tables, no trigger
            statements += [sql.SQL("DELETE FROM {}").format(table) for table in tables]
            for table in tables:
                (rows,) = connection.execute(sql.SQL(ROWS).format(table=table)).fetchone() or (None,)
                if rows is not None:
                    statements.append(sql.SQL(RESTORE).format(table=table, rows=rows))
            self._empty = sql.SQL("; ").join(statements).as_bytes(connection)

    def lend(self) -> str:
        """The address of a database."""
        if len(self._idle) > 1:  # the server may still be ending the connections of the last
            used = self._idle.popleft()
            used.url, used.uses = self.server.rename(used.url), used.uses + 1
        else:
            used = _Used(self.server.create())
        self._lent[used.url] = used
        return used.url

    def take_back(self, url: str) -> None:
        """Empty it for another test, unless a test changed more than rows."""
        used = self._lent.pop(url)
        if used.uses < USES and self._emptied(url):
            self._idle.append(used)
        else:
            self.server.drop(url)

    def close(self) -> None:
        while self._idle:
            self.server.drop(self._idle.pop().url)

    def _emptied(self, url: str) -> bool:
        with psycopg.connect(_conninfo(url)) as connection:
            connection.execute(END_OTHERS)
            if connection.execute(DEFINED).fetchall() != self._defined:
                return False
            connection.execute(self._empty)
            return True


def _conninfo(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
