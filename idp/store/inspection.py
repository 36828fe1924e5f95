"""What the servers of the stores say of themselves, for operators."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from idp.store.database import Database

AUDIT_RIGHTS = (
    "SELECT has_table_privilege(current_user, 'audit_event', 'UPDATE') OR "
    "has_table_privilege(current_user, 'audit_event', 'DELETE') OR "
    "has_table_privilege(current_user, 'audit_event', 'TRUNCATE')"
)


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """version: "PostgreSQL 17.2"; now: of the server's clock, None for SQLite, which has ours.

    may_change_audit: the role that we connect as could change or delete audit events; None where there are no roles.
    """

    version: str
    now: datetime | None
    may_change_audit: bool | None


def inspect(database: Database) -> DatabaseFacts:
    """Raises Unavailable if the database does not answer or its schema is old."""
    database.ping()
    with database.read() as tx:
        connection: Connection = tx._connection
        if connection.dialect.name == "sqlite":
            return DatabaseFacts(f"SQLite {connection.scalar(text('SELECT sqlite_version()'))}", None, None)
        version = str(connection.scalar(text("SHOW server_version"))).partition(" ")[0]
        now: datetime = connection.scalar(text("SELECT clock_timestamp()"))
        return DatabaseFacts(f"PostgreSQL {version}", now.astimezone(UTC), bool(connection.scalar(text(AUDIT_RIGHTS))))
