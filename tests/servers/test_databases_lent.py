"""A database that tests had before is, to the next test, as one that nobody had (tests/fakes/databases.py)."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.fakes.databases import Databases
from tests.fakes.servers import PostgreSQL


@pytest.fixture
def databases(postgres: PostgreSQL) -> Iterator[Databases]:
    made = Databases(postgres)
    yield made
    made.close()


def connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def oid(url: str) -> object:
    with connect(url) as connection:
        return connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()


def lent_again(databases: Databases, url: str) -> str:
    """What the next test is given, after `url` and another database were taken back."""
    other = databases.lend()
    databases.take_back(url)
    databases.take_back(other)
    return databases.lend()


def test_it_has_the_rows_of_a_new_one_and_another_name(databases: Databases) -> None:
    url = databases.lend()
    with connect(url) as connection:
        connection.execute("INSERT INTO meta VALUES ('key', 'value'); UPDATE config_version SET version = 7")
    same = oid(url)
    again = lent_again(databases, url)
    assert (again != url, oid(again)) == (True, same)
    with connect(again) as connection:
        assert connection.execute("TABLE meta").fetchall() == []
        assert connection.execute("TABLE config_version").fetchall() == [(1, 1)]


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE lease",
        "CREATE TABLE more (id integer)",
        "ALTER TABLE meta ALTER COLUMN value DROP NOT NULL",
        "ALTER TABLE meta ADD CHECK (key <> 'x')",
        "CREATE INDEX ON meta (value)",
        "GRANT SELECT ON meta TO PUBLIC",
        "CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA more",
        "SELECT nextval('config_version_id_seq')",
    ],
)
def test_one_where_more_than_rows_changed_is_not_lent_again(databases: Databases, statement: str) -> None:
    url = databases.lend()
    with connect(url) as connection:
        connection.execute(statement)
    changed = oid(url)
    assert oid(lent_again(databases, url)) != changed


def test_what_was_left_open_is_ended(databases: Databases) -> None:
    url = databases.lend()
    left = connect(url)
    left.execute("BEGIN")
    left.execute("INSERT INTO meta VALUES ('key', 'value')")
    databases.take_back(url)
    with pytest.raises(psycopg.errors.AdminShutdown):
        left.execute("COMMIT")
    left.close()
