"""Keys that the worker replaces when they are old: without a restart, once, and without harm to the services."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from idp import signing
from idp.domain.client import ALGORITHMS as CLIENT_ALGORITHMS
from idp.flows.operators import keyring
from keys.algorithms import ALGORITHMS
from keys.file import FileSigner
from tests.fakes.provider import Provider

DAY = timedelta(days=1)
MAX_AGE = 90 * DAY
ALGS = {"RS256", "PS256", "ES256"}


@pytest.fixture
def provider(tmp_path: Path, template: Path) -> Provider:
    return Provider.start(tmp_path / "provider", template)


def run(provider: Provider, max_age: timedelta = MAX_AGE) -> list[str]:
    """What a pass of the worker makes, by algorithm."""
    place = signing.place(provider.services.settings)
    made = keyring.rotate_due(provider.desk, place, max_age=max_age, publish_before=DAY)
    return sorted(key.alg for key in made)


def published(provider: Provider) -> dict[str, Any]:
    answer: dict[str, Any] = provider.browser().get("/jwks").json
    return {jwk["kid"]: jwk["alg"] for jwk in answer["keys"]}


def version(provider: Provider) -> int:
    with provider.services.db.read() as tx:
        return tx.meta.config_version


def reload(provider: Provider) -> bool:
    signer = provider.services.signer
    assert isinstance(signer, FileSigner)
    return signer.reload()


def test_clients_may_choose_the_algorithms_that_have_keys() -> None:
    assert set(CLIENT_ALGORITHMS) == set(ALGORITHMS) == ALGS


def test_a_key_lives_through_its_states_under_a_running_provider(provider: Provider) -> None:
    first = published(provider)  # in use for a day
    provider.clock.advance(days=88, seconds=-1)
    assert run(provider) == []
    provider.clock.advance(seconds=1)
    before = version(provider)
    assert run(provider) == sorted(ALGS)
    assert version(provider) != before
    assert reload(provider)
    both = published(provider)
    assert set(both) > set(first)
    assert len(both) == 2 * len(first)
    provider.clock.advance(days=2, seconds=-1)
    assert published(provider) == both
    provider.clock.advance(seconds=1)
    assert published(provider).keys() == both.keys() - first.keys()
    assert len(provider.events("keys.rotated")) == 3


def test_a_second_pass_does_nothing(provider: Provider) -> None:
    provider.clock.advance(days=100)
    assert run(provider) == sorted(ALGS)
    assert run(provider) == []
    provider.clock.advance(days=1)
    assert run(provider) == []


def test_two_workers_at_once_make_one_successor_each(provider: Provider) -> None:
    provider.clock.advance(days=100)
    with ThreadPoolExecutor(4) as pool:
        made = [alg for algs in pool.map(lambda _: run(provider), range(4)) for alg in algs]
    assert sorted(made) == sorted(ALGS)
    assert len(provider.events("keys.rotated")) == 3


def test_an_age_of_zero_means_never(provider: Provider) -> None:
    provider.clock.advance(days=4000)
    assert run(provider, timedelta(0)) == []


def test_keys_retired_for_a_month_are_deleted_and_recorded_once(provider: Provider) -> None:
    directory = provider.services.settings.keys_dir
    first = set(published(provider))
    provider.clock.advance(days=100)
    run(provider)
    provider.clock.advance(days=2 + 30, seconds=-1)
    run(provider)
    assert {path.stem for path in directory.glob("*.pem")} > first
    provider.clock.advance(seconds=1)
    run(provider)
    run(provider)
    assert not {path.stem for path in directory.glob("*.pem")} & first
    assert {event.detail["kid"] for event in provider.events("keys.removed")} == first
    assert len(provider.events("keys.removed")) == 3
    assert reload(provider)
    assert len(published(provider)) == 3
