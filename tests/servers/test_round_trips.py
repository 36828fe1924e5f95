"""How often each operation asks its stores: the table in docs/performance.md, which a new round trip breaks."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from psycopg.pq import TransactionStatus

from idp.store.wire import Wire
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, bearer

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"
ROW = re.compile(r"^\| (\w[\w ]*?) \| (\d+) \| (\d+) \| (\d+) \|$", re.M)


@dataclass
class Trips:
    """statements: SQL, without BEGIN and COMMIT; exchanges: waits for PostgreSQL; ephemeral: calls of Redis."""

    statements: int = 0
    exchanges: int = 0
    ephemeral: int = 0


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trips]:
    trips = Trips()
    take, execute = redis.ConnectionPool.get_connection, psycopg.Cursor.execute
    message, exchange, alone = Wire._message, Wire._exchange, Wire._alone

    def statement(self: Wire, sql: str, *args: Any) -> Any:
        trips.statements += sql not in {"BEGIN", "COMMIT"}
        return message(self, sql, *args)

    def several(self: Wire, *args: Any) -> Any:
        trips.exchanges += 1
        return exchange(self, *args)

    def one(self: Wire, *args: Any) -> Any:
        trips.exchanges += 1
        return alone(self, *args)

    def by_psycopg(self: psycopg.Cursor[Any], *args: Any, **options: Any) -> Any:
        trips.statements += 1
        trips.exchanges += 1 + (self.connection.info.transaction_status == TransactionStatus.IDLE)  # its BEGIN
        return execute(self, *args, **options)

    def ending(end: Callable[..., None]) -> Callable[..., None]:
        def ended(self: psycopg.Connection[Any]) -> None:
            trips.exchanges += self.info.transaction_status != TransactionStatus.IDLE  # else it sends nothing
            end(self)

        return ended

    def call(self: redis.ConnectionPool, *args: Any, **options: Any) -> Any:
        trips.ephemeral += 1
        return take(self, *args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Wire, "_message", statement)
        patched.setattr(Wire, "_exchange", several)
        patched.setattr(Wire, "_alone", one)
        patched.setattr(psycopg.Cursor, "execute", by_psycopg)
        for name in ("commit", "rollback"):
            patched.setattr(psycopg.Connection, name, ending(getattr(psycopg.Connection, name)))
        patched.setattr(redis.ConnectionPool, "get_connection", call)
        yield trips


@pytest.fixture
def provider(start: Callable[..., Provider], postgres: Any, redis_url: str) -> Iterator[Provider]:
    url = postgres.create()
    made = start(database_url=url, redis_url=f"{redis_url}/14")
    made.add_client(
        grant_types=("authorization_code", "refresh_token", "client_credentials"),
        scopes=("openid", "profile", "email", "api:read"),
        id_token_alg="ES256",
        needs_entitlement=True,
    )
    account = made.add_account()
    with made.services.db.write() as tx:
        tx.accounts.grant(account.account_id, "rp", "test", made.clock.now(), None)
    made.services.configuration.max_age = made.services.configuration.max_age.max  # asked for once, before
    yield made
    made.services.db.close()
    postgres.drop(url)


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    """Signed in, so that what a process reads once is read."""
    rp = RelyingParty(provider)
    rp.redeem(rp.login()["code"])
    return rp


def test_no_operation_asks_its_stores_more_often_than_documented(
    provider: Provider, rp: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = rp.redeem(rp.silent()["code"])
    another = RelyingParty(provider)

    def sign_on() -> None:
        rp.userinfo(rp.redeem(rp.silent()["code"])["access_token"])

    def sign_in() -> None:
        another.userinfo(another.redeem(another.login()["code"])["access_token"])

    def sign_in_again() -> None:
        another.browser.delete_cookie("__Host-sesame-session")
        sign_in()

    operations: dict[str, Callable[[], Any]] = {
        "login from a new browser": sign_in,
        "login": sign_in_again,
        "sso": sign_on,
        "refresh": lambda: rp.refresh(tokens["refresh_token"]),
        "userinfo": lambda: provider.browser().get("/userinfo", headers=bearer(tokens["access_token"])),
        "introspect": lambda: rp.ask("/introspect", token=tokens["access_token"]),
        "client_credentials": lambda: rp.ask("/token", grant_type="client_credentials"),
        "discovery": lambda: provider.browser().get("/.well-known/openid-configuration"),
        "jwks": lambda: provider.browser().get("/jwks"),
    }
    found = {}
    for name, run in operations.items():
        with counted(monkeypatch) as trips:
            response = run()
        assert response is None or response.status_code == 200, f"{name}: {response.text}"
        found[name] = (trips.statements, trips.exchanges, trips.ephemeral)
    documented = {name: tuple(map(int, numbers)) for name, *numbers in ROW.findall(DOCUMENT.read_text("utf-8"))}
    assert found == documented
