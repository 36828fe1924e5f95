"""How the server would find what statements ask for. Needs pytest; for the suites of stores."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from idp.store.database import Database

FULL_SCAN = re.compile(r"(?:SCAN|Seq Scan on) (?:account|identity|name_word)\b(?! USING)")


@contextmanager
def explained(database: Database) -> Iterator[list[str]]:
    """Collects the lines of the plans of what is asked meanwhile, as for tables that are too large to be read."""
    lines: list[str] = []

    def explain(connection: Connection, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if connection.dialect.name == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {statement}", parameters)
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        lines.extend(str(row[-1]) for row in cursor.fetchall())

    event.listen(database.engine, "before_cursor_execute", explain)
    try:
        yield lines
    finally:
        event.remove(database.engine, "before_cursor_execute", explain)
