"""What every layer shares: no skip in CI, no network but loopback, one template of a provider."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.fakes.provider import Provider

SUITES = ("idp.methods.conformance", "idp.store.conformance", "idp.store.conformance_accounts")
pytest.register_assert_rewrite(*SUITES, "idp.store.conformance_repositories", "idp.store.conformance_sql")

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """Where the tests must be complete (CI), a skip is a failure."""
    report = yield
    if os.environ.get("TESTS_COMPLETE") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and nothing may be skipped here: {report.longrepr}"
    return report


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
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.fakes.provider import make_template  # heavy, and the unit layer does without

    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def start(tmp_path: Path, template: Path) -> Iterator[Callable[..., "Provider"]]:
    """Start a provider with settings of one's own."""
    from tests.fakes.provider import Provider

    started: list[Provider] = []

    def starter(**settings: Any) -> Provider:
        provider = Provider.start(tmp_path / f"provider{len(started)}", template, **settings)
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
