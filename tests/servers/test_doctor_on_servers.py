"""`sesame doctor` on PostgreSQL and Redis, and what `sesame serve` refuses."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import sqlalchemy

from idp.app import check
from idp.cli.doctor import stores
from idp.cli.doctor.finding import Level
from idp.settings import Settings, SettingsError
from tests.fakes.servers import PostgreSQL, redis_server
from tests.flows.test_doctor import only


@pytest.fixture
def store() -> Iterator[str]:
    """A Redis server that may be spoiled."""
    with redis_server() as url:
        yield url


def on(url: str, template: Path, **changes: str) -> Settings:
    values = {"keys_dir": template / "keys.d", "secret_file": template / "secret", **changes}
    return Settings(
        issuer="https://idp.example",
        redis_url=url,
        **{"database_url": f"sqlite:///{template / 'sesame.db'}", **values},  # type: ignore[arg-type]
    )


def test_a_store_that_evicts_is_refused_by_both(store: str, template: Path) -> None:
    settings = on(store, template)
    check(settings)
    assert only(stores.ephemeral(settings))[0] is Level.OK
    with redis.Redis.from_url(store) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    level, text = only(stores.ephemeral(settings))
    assert (level, text) == (Level.FAIL, "it evicts (allkeys-lru): set maxmemory-policy to noeviction")
    with pytest.raises(SettingsError, match=r"redis_url: the server evicts \(allkeys-lru\)"):
        check(settings)


@pytest.mark.parametrize(
    ("forbidden", "policy", "level"),
    [
        (["-config"], "allkeys-lru", Level.FAIL),
        (["-config"], "noeviction", Level.OK),
        (["-config", "-info"], "allkeys-lru", Level.WARN),
    ],
)
def test_a_store_that_does_not_let_its_settings_be_read(
    store: str, template: Path, forbidden: list[str], policy: str, level: Level
) -> None:
    with redis.Redis.from_url(store) as client:
        client.config_set("maxmemory-policy", policy)
        client.execute_command("ACL", "SETUSER", "app", "on", ">secret", "~*", "&*", "+@all", *forbidden)
    known = on(store.replace("redis://", "redis://app:secret@"), template)
    assert only(stores.ephemeral(known))[0] is level


def test_both_clocks_are_compared(store: str, template: Path, postgres: PostgreSQL) -> None:
    url = postgres.create()
    found = list(stores.clocks(on(store, template, database_url=url)))
    assert [(each.level, each.part) for each in found] == [(Level.OK, "clock")] * 2
    postgres.drop(url)


def test_a_role_that_may_change_the_audit(store: str, template: Path, postgres: PostgreSQL) -> None:
    url = postgres.create()
    level, text = only(stores.database(on(store, template, database_url=url)))
    assert level is Level.WARN
    assert "sesame migrate --grant-to" in text
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE ROLE reader LOGIN")
        connection.exec_driver_sql("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO reader")
    application = url.replace("postgres@", "reader@")
    assert only(stores.database(on(store, template, database_url=application)))[0] is Level.OK
    with engine.connect() as connection:
        connection.exec_driver_sql("GRANT DELETE ON audit_event TO reader")
    assert only(stores.database(on(store, template, database_url=application)))[0] is Level.WARN
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP OWNED BY reader")
        connection.exec_driver_sql("DROP ROLE reader")
    engine.dispose()
    postgres.drop(url)
