"""/healthz says that the process runs, /readyz that it can sign people in."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from werkzeug.test import TestResponse

from idp.app import create_app
from idp.errors import Unavailable
from idp.flows.operators import keyring
from idp.settings import SettingsError
from idp.store import Database
from keys import ring
from keys.place import Place
from tests.fakes.outage import Outage
from tests.fakes.provider import Provider


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """`create_app` sends logs to a standard error that is the test's."""
    yield
    structlog.reset_defaults()


def ready(provider: Provider) -> TestResponse:
    return provider.browser().get("/readyz")


def test_a_sound_provider_is_alive_and_ready(provider: Provider) -> None:
    alive = provider.browser().get("/healthz")
    assert (alive.status_code, alive.json) == (200, {"status": "ok"})
    found = ready(provider)
    assert (found.status_code, found.json) == (200, {"status": "ok", "failed": [], "warnings": []})


@pytest.mark.parametrize("part", ["database", "ephemeral_store"])
def test_a_part_that_is_gone_is_named_and_the_process_lives(provider: Provider, part: str) -> None:
    outage = Outage.of(provider)
    broken = outage.provider
    with outage.of_database() if part == "database" else outage.of_ephemeral_store():
        found = ready(broken)
        assert (found.status_code, found.json) == (503, {"status": "failed", "failed": [part], "warnings": []})
        assert broken.browser().get("/healthz").status_code == 200
    assert ready(broken).status_code == 200


def test_both_parts_are_named(provider: Provider) -> None:
    outage = Outage.of(provider)
    with outage.of_database(), outage.of_ephemeral_store():
        both = ["database", "ephemeral_store"]
        assert ready(outage.provider).json == {"status": "failed", "failed": both, "warnings": []}


def test_without_an_active_key_it_is_not_ready(provider: Provider) -> None:
    provider.clock.advance(days=-2)  # before the first use of every key
    assert ready(provider).json == {"status": "failed", "failed": ["keys"], "warnings": []}


def test_with_keys_that_were_not_read_after_a_change_it_is_not_ready(provider: Provider) -> None:
    """It would sign with a key that was withdrawn. No other request may come to make it try again."""
    directory, signer = provider.services.settings.keys_dir, provider.services.signer
    assert ready(provider).status_code == 200
    (withdrawn,) = ring.of(signer.keys(), "ES256")
    keyring.withdraw(provider.desk, Place(directory), "ES256", withdrawn.kid, publish_before=timedelta(0))
    directory.chmod(0o750)
    provider.clock.advance(seconds=1)
    assert provider.browser().get("/jwks").status_code == 200
    assert ready(provider).json == {"status": "failed", "failed": ["keys"], "warnings": []}
    directory.chmod(0o700)
    provider.clock.advance(seconds=1)
    assert ready(provider).status_code == 200
    assert withdrawn.kid not in {key.kid for key in ring.published(signer.keys(), provider.clock.now())}
    assert ring.active(signer.keys(), "ES256", provider.clock.now()).kid != withdrawn.kid


def test_a_data_key_that_was_not_read_after_a_change_makes_it_unready(provider: Provider) -> None:
    secret_file = provider.services.settings.secret_file
    keyring.rotate_data(provider.desk, secret_file)
    secret_file.chmod(0o640)
    provider.browser().get("/jwks")
    assert ready(provider).json == {"status": "failed", "failed": ["keys"], "warnings": []}
    secret_file.chmod(0o600)
    provider.clock.advance(seconds=1)
    assert ready(provider).status_code == 200


def test_a_database_that_was_not_migrated_is_not_ready(provider: Provider, tmp_path: Path) -> None:
    bare = Database(f"sqlite:///{tmp_path / 'bare.db'}")
    assert ready(provider.with_services(db=bare)).json == {"status": "failed", "failed": ["database"], "warnings": []}
    bare.migrate()
    assert ready(provider.with_services(db=bare)).status_code == 200
    bare.close()


def test_a_probe_tells_nothing_of_the_inside(provider: Provider) -> None:
    outage = Outage.of(provider)
    with outage.of_database():
        assert "sqlite" not in ready(outage.provider).text


def test_a_demo_database_is_not_served(start: Callable[..., Provider]) -> None:
    provider = start()
    with provider.services.db.write() as tx:
        tx.meta.mark_as_demo()
    with pytest.raises(SettingsError, match="demo database"):
        create_app(provider.services.settings)


@pytest.mark.parametrize(("part", "error"), [("database_url", Unavailable), ("secret_file", SettingsError)])
def test_what_is_missing_stops_the_start(provider: Provider, part: str, error: type[Exception]) -> None:
    nowhere = {"database_url": "sqlite:////no/such/folder/x.db", "secret_file": Path("/no/such/folder/secret")}
    settings = provider.services.settings.model_copy(update={part: nowhere[part]})
    with pytest.raises(error):
        create_app(settings)
