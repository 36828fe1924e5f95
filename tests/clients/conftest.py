"""A provider that serves, on embedded stores and then on real servers; Chromium; people."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import DEADLINE_MS, installed
from tests.browser.visitor import Watch
from tests.clients.person import Person
from tests.clients.running_provider import RunningProvider

expect.set_options(timeout=DEADLINE_MS)


@pytest.fixture(scope="session", params=[pytest.param("embedded", marks=pytest.mark.embedded), "servers"])
def provider(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProvider]:
    """`sesame serve`, once for all the clients."""
    stores: dict[str, str] = {}
    if request.param == "servers":
        stores["database_url"] = request.getfixturevalue("postgres").create()
        stores["redis_url"] = f"{request.getfixturevalue('redis_url')}/0"
    with RunningProvider.serving(tmp_path_factory.mktemp("provider"), stores) as served:
        yield served


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """As people have it."""
    with installed("chromium") as browser:
        yield browser


@pytest.fixture
def person(provider: RunningProvider, chromium: Browser) -> Iterator[Person]:
    """Somebody whose browser has no cookie yet. The test fails if it complained of anything."""
    context = chromium.new_context(locale="fr-FR")
    context.set_default_timeout(DEADLINE_MS)
    watch = Watch(context)
    yield Person(context.new_page(), watch, provider)
    context.close()
    assert watch.problems == []
