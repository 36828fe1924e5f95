"""The role of the application in PostgreSQL: it can do its work, and cannot rewrite the audit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.exc import IntegrityError, ProgrammingError

from idp.domain.audit import AuditEvent
from idp.errors import InvalidOperation
from idp.flows import audit_trail
from idp.store import Database
from tests.fakes.clock import START
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty
from tests.fakes.servers import PostgreSQL

ROLE = "sesame_app"


@pytest.fixture
def url(postgres: PostgreSQL) -> Iterator[str]:
    """A database as the role sees it."""
    made = postgres.create()
    owner = sqlalchemy.create_engine(made)
    with owner.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {ROLE} LOGIN")
    database = Database(made)
    database.grant_to(ROLE)
    database.close()
    yield made.replace("postgres@", f"{ROLE}@")
    with owner.begin() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {ROLE}")
        connection.exec_driver_sql(f"DROP ROLE {ROLE}")
    owner.dispose()
    postgres.drop(made)


def test_everything_of_a_login_works(url: str, redis_url: str, tmp_path: Path, template: Path) -> None:
    provider = Provider.start(tmp_path, template, database_url=url, redis_url=f"{redis_url}/15")
    provider.add_client()
    provider.add_account()
    RelyingParty(provider).login()
    services = provider.services
    assert audit_trail.seal_next(services.db, services.data_keys.mac, services.now())
    with services.db.write() as tx:
        assert tx.audit.forget_personal(provider.clock.now().replace(year=2100))
    services.db.ping()
    services.db.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET actor = 'somebody'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event CASCADE",
        "UPDATE audit_seal SET chain = ''",
        "DELETE FROM audit_seal",
        "UPDATE audit_personal SET salt = ''",
        "UPDATE alembic_version SET version_num = ''",
        "ALTER TABLE audit_event ADD COLUMN more text",
        "DROP TABLE audit_seal",
    ],
)
def test_the_audit_cannot_be_rewritten(url: str, statement: str) -> None:
    engine = sqlalchemy.create_engine(url)
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.mark.parametrize("number", [0, -1])
def test_an_event_cannot_be_kept_out_of_the_chain(url: str, number: int) -> None:
    database = Database(url)
    with database.write() as tx:
        tx.audit.record(AuditEvent("client.created", "operator:test"), START)
    statement = (
        "INSERT INTO audit_seal (number, event_id, chain, sealed_at)"
        f" SELECT {number}, event_id, repeat('0', 64), at FROM audit_event"
    )
    with pytest.raises(IntegrityError, match="number_from_one"), database.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    database.close()


def test_a_role_that_does_not_exist_is_refused(postgres: PostgreSQL) -> None:
    made = postgres.create()
    database = Database(made)
    with pytest.raises(InvalidOperation, match='no"body'):
        database.grant_to('no"body')
    database.close()
    postgres.drop(made)
