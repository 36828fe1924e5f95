"""What every layer shares: no skip in CI, no network but loopback, one template of a provider."""

import copy
import functools
import gc
import logging
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from werkzeug.routing import BaseConverter, Map, Rule

if TYPE_CHECKING:
    from tests.fakes.databases import Databases
    from tests.fakes.provider import Provider
    from tests.fakes.servers import PostgreSQL

SUITES = ("idp.methods.conformance", "idp.store.conformance", "idp.store.conformance_accounts")
pytest.register_assert_rewrite(*SUITES, "idp.store.conformance_repositories", "idp.store.conformance_sql")
pytest.register_assert_rewrite("idp.store.conformance_operations", "idp.store.conformance_purge")
pytest.register_assert_rewrite("idp.store.conformance_access_tokens", "idp.store.conformance_refresh")
pytest.register_assert_rewrite("idp.store.conformance_audit", "idp.store.conformance_configuration")
pytest.register_assert_rewrite("idp.store.conformance_means", "idp.store.conformance_own_data")
pytest.register_assert_rewrite("idp.store.conformance_profiles", "idp.store.conformance_authenticators")
pytest.register_assert_rewrite("idp.store.conformance_phones", "idp.store.conformance_operator_roles")
pytest.register_assert_rewrite("idp.store.conformance_access", "idp.store.conformance_identity_changes")
pytest.register_assert_rewrite("idp.store.conformance_registration_desk", "idp.store.conformance_registrations")
pytest.register_assert_rewrite("idp.store.conformance_imports", "idp.store.conformance_people")
pytest.register_assert_rewrite("card_reader.conformance")

SERVERS = frozenset({"stores", "postgres", "databases", "redis_url"})
STATEMENTS = 5000  # more than there are
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """Where the tests must be complete (CI), a skip is a failure."""
    report = yield
    if os.environ.get("TESTS_COMPLETE") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and nothing may be skipped here: {report.longrepr}"
    return report


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--on-servers", action="store_true", help="run providers on PostgreSQL and Redis")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What speaks of the embedded stores, or opens none that could be a server, has nothing to say of the servers."""
    if config.getoption("--on-servers"):
        met = {item: _meets_servers(item) for item in items}
        config.hook.pytest_deselected(items=[item for item in items if not met[item]])
        items[:] = [item for item in items if met[item]]


def pytest_collection_finish() -> None:
    """A provider is made of thousands of objects, through which the collector would go again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # a fifth of a run is less than with the defaults


def _meets_servers(item: pytest.Item) -> bool:
    """A journey does by its stores; what is of the servers alone may start its own."""
    fixtures = item.fixturenames if isinstance(item, pytest.Function) else []
    is_asked = item.path.parent.name == "servers" or not SERVERS.isdisjoint(fixtures)
    return is_asked and item.get_closest_marker("embedded") is None


@pytest.fixture(scope="session", autouse=True)
def same_in_each_provider() -> Iterator[None]:
    """Nearly each test builds a provider: what comes out alike is made once in a process (a third of a run)."""
    from sqlalchemy import Dialect, Engine, create_engine

    from idp.methods import registry
    from idp.store import engine

    builders: dict[tuple[Any, ...], Callable[..., tuple[str, str]]] = {}
    compile_builder = Rule._compile_builder

    def compiled_once(self: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        known = (self.rule, tuple(self._trace), repr(self.defaults), append_unknown)
        if known not in builders:
            builders[known] = compile_builder(self, append_unknown)
        return builders[known]

    parsed: dict[str, tuple[list[Any], list[tuple[bool, str]], dict[str, BaseConverter]]] = {}
    parse_rule = Rule._parse_rule

    def parsed_once(self: Rule, rule: str) -> list[Any]:
        if rule not in parsed:
            reader = Rule(self.rule)
            reader.map, reader._trace, reader._converters = Map(), [], {}
            parsed[rule] = (list(parse_rule(reader, rule)), reader._trace, reader._converters)
        parts, trace, converters = parsed[rule]
        self._trace.extend(trace)
        self._converters.update(converters)
        self.arguments.update(converters)
        return parts

    statements: dict[type[Dialect], Any] = {}

    def engine_that_shares(*arguments: Any, **options: Any) -> Engine:
        made = create_engine(*arguments, query_cache_size=STATEMENTS, **options)
        made._compiled_cache = statements.setdefault(type(made.dialect), made._compiled_cache)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", compiled_once)
        patch.setattr(Rule, "_parse_rule", parsed_once)
        patch.setattr(engine, "create_engine", engine_that_shares)
        patch.setattr(Dialect, "__hash__", lambda dialect: hash(type(dialect)))  # a part of each key of that cache
        patch.setattr(Dialect, "__eq__", lambda dialect, other: type(dialect) is type(other))
        patch.setattr(registry, "entry_points", functools.cache(registry.entry_points))
        yield


@pytest.fixture(autouse=True)
def standard_logging() -> Iterator[None]:
    """What `idp.web.logs.configure` hangs on the root logger is taken down again."""
    root = logging.getLogger()
    yield
    for handler in [handler for handler in root.handlers if handler.get_name() == "sesame"]:
        root.removeHandler(handler)
    logging.captureWarnings(capture=False)


@pytest.fixture(scope="session")
def postgres() -> "Iterator[PostgreSQL]":
    """A PostgreSQL server of the test run's own."""
    from tests.fakes.servers import postgresql

    with postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def databases(postgres: "PostgreSQL") -> "Databases":
    """Lends each test a database."""
    from tests.fakes.databases import Databases

    return Databases(postgres)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis server of the test run's own."""
    from tests.fakes.servers import redis_server

    with redis_server() as url:
        yield url


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches beyond this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in LOOPBACK:
            raise AssertionError(f"a test wanted to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def read_once() -> Iterator[None]:
    """What takes a provider a fifth of a second to read, and is the same for each: catalogue, CAs, keys."""
    from idp.outgoing import sockets
    from idp.web import language
    from keys import file

    with pytest.MonkeyPatch.context() as patch:
        english = functools.cache(language._english)
        patch.setattr(language, "_english", lambda package: copy.copy(english(package)))  # it is told of others
        patch.setattr(sockets.TimedContext, "make", functools.cache(sockets.TimedContext.make))
        patch.setattr(file, "load_pem_private_key", functools.cache(file.load_pem_private_key))
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, read_once: None) -> Path:
    from tests.fakes.provider import make_template  # heavy, and the unit layer does without

    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def stores(request: pytest.FixtureRequest) -> Iterator[Callable[[], dict[str, str]]]:
    """Settings of empty stores: the embedded ones, or with --on-servers those of real servers."""
    if not request.config.getoption("--on-servers"):
        yield dict
        return
    databases, redis_url = request.getfixturevalue("databases"), request.getfixturevalue("redis_url")
    lent: list[str] = []

    def make() -> dict[str, str]:
        lent.append(databases.lend())
        address = f"{redis_url}/{len(lent)}"
        with redis.Redis.from_url(address) as client:
            client.flushdb()
        return {"database_url": lent[-1], "redis_url": address}

    yield make
    for url in lent:
        databases.take_back(url)


@pytest.fixture
def start(tmp_path: Path, template: Path, stores: Callable[[], dict[str, str]]) -> Iterator[Callable[..., "Provider"]]:
    """Start a provider with settings of one's own."""
    from tests.fakes.provider import Provider

    started: list[Provider] = []

    def starter(**settings: Any) -> Provider:
        provider = Provider.start(tmp_path / f"provider{len(started)}", template, **{**stores(), **settings})
        started.append(provider)
        return provider

    yield starter
    for provider in started:
        provider.services.db.close()


@pytest.fixture
def provider(start: Callable[..., "Provider"]) -> "Provider":
    """A provider with a client `rp` (password) and the account anne.pierre."""
    made = start()
    made.add_client("rp")
    made.add_account("anne.pierre")
    return made
