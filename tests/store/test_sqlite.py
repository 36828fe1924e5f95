"""SQLite passes the suites of SQL databases."""

import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from idp.errors import InvalidOperation, Unavailable
from idp.store import migrating
from idp.store.conformance_prepared import PreparedSuite
from idp.store.conformance_rows import ask, is_done
from idp.store.conformance_sql import DatabaseSuite
from idp.store.database import Database


class TestSqlite(DatabaseSuite, PreparedSuite):
    @pytest.fixture
    def empty(self, tmp_path: Path) -> Iterator[Database]:
        made = Database(f"sqlite:///{tmp_path / 'empty.db'}")
        yield made
        made.close()

    @pytest.fixture
    def database(self, tmp_path: Path, template: Path) -> Iterator[Database]:
        shutil.copy(template / "sesame.db", tmp_path)
        made = Database(f"sqlite:///{tmp_path / 'sesame.db'}")
        yield made
        made.close()

    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> Database:
        return Database(f"sqlite:///{tmp_path / 'no such folder' / 'sesame.db'}")

    def test_the_file_is_its_owners_alone(self, empty: Database) -> None:
        empty.migrate()
        folder = Path(str(empty.engine.url.database)).parent
        files = [file for file in folder.iterdir() if file.name.startswith("empty.db")]
        assert files
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}

    def test_pragmas(self, database: Database) -> None:
        with database.engine.connect() as connection:
            found = {
                name: connection.scalar(text(f"PRAGMA {name}"))
                for name in ("journal_mode", "busy_timeout", "foreign_keys", "synchronous")
            }
        assert found == {"journal_mode": "wal", "busy_timeout": 5000, "foreign_keys": 1, "synchronous": 1}

    def test_an_older_schema_is_not_ready(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        newest = migrating.revisions()[-1]
        monkeypatch.setattr(migrating, "revisions", lambda: (newest, "the next"))
        with pytest.raises(Unavailable, match=f"schema is {newest}, the next is needed"):
            database.ping()

    def test_the_revisions_are_those_of_the_scripts_in_their_order(self) -> None:
        scripts = ScriptDirectory.from_config(migrating.configuration()).walk_revisions()
        assert migrating.revisions() == tuple(reversed([script.revision for script in scripts]))

    def test_a_unit_that_could_not_begin_keeps_no_connection(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("idp.store.engine.BUSY_TIMEOUT_MS", 1)
        waiting = Database(str(database.engine.url), connections=1)
        with database.write() as tx:
            tx.meta.bump_config()
            refusals = []
            for _ in range(3):
                with pytest.raises(Unavailable, match="locked") as refusal:
                    is_done(waiting, lambda tx: tx.meta.bump_config())
                refusals.append(refusal)
            assert waiting.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        waiting.close()

    def test_a_unit_does_not_wait_long_for_a_connection(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("idp.store.engine.POOL_WAIT_S", 0.01)
        busy = Database(str(database.engine.url), connections=1)
        started = time.monotonic()
        with busy.engine.connect(), busy.engine.connect(), pytest.raises(Unavailable, match="every connection"):
            ask(busy)
        assert time.monotonic() - started < 10
        busy.close()

    def test_a_file_that_is_not_a_database_is_unavailable(self, tmp_path: Path) -> None:
        (tmp_path / "broken.db").write_text("not a database, whatever its name says" * 100)
        with pytest.raises(Unavailable, match="not a database"):
            Database(f"sqlite:///{tmp_path / 'broken.db'}").ping()


def test_sqlite_knows_no_roles(tmp_path: Path) -> None:
    with pytest.raises(InvalidOperation, match="only PostgreSQL"):
        Database(f"sqlite:///{tmp_path / 'a.db'}").grant_to("sesame")


def test_the_suites_are_not_loaded_with_the_store() -> None:
    """They need pytest, which production does not have."""
    code = "import sys, idp.store, idp.app; sys.exit('pytest' in sys.modules or 'idp.store.conformance' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
