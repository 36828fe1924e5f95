"""The demo, Chromium, and visitors."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.demo_process import Demo, descendants
from tests.browser.visitor import Visitor, Watch

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
DEADLINE_MS = 15_000

Visit = Callable[..., Visitor]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, started as `make demo` does and ended as Ctrl-C does."""
    running = Demo.on_free_ports(tmp_path_factory.mktemp("demo") / "data")
    running.start()
    assert running.process is not None
    assert descendants(running.process.pid), "the provider and its worker are processes of their own"
    yield running
    assert running.stop() == 0, running.errors
    assert running.errors == ""


@contextmanager
def installed(name: str) -> Iterator[Browser]:
    """A Chromium of Debian."""
    path = shutil.which(name) or pytest.fail(f"{name} is not installed (tests/system-packages.txt)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The one without windows, which has no more than a page needs: half the processor's time of the whole browser.

    That one meets the same pages where it matters: dialogs, permissions (test_card_dialog.py, test_card_page.py), and
    journeys of every client (tests/clients).
    """
    with installed("chromium-headless-shell") as browser:
        yield browser


@pytest.fixture
def visit(demo: Demo, chromium: Browser) -> Iterator[Visit]:
    """Make visitors, each with cookies of their own. The test fails if a browser complained of anything."""
    visitors: list[Visitor] = []
    demo.forget_mails()
    demo.forget_counters()

    def make(**options: Any) -> Visitor:
        context = chromium.new_context(**{"locale": "fr-FR", **options})
        context.set_default_timeout(DEADLINE_MS)
        watch = Watch(context)
        has_scripts = options.get("java_script_enabled", True)
        visitors.append(Visitor(context.new_page(), demo, watch, has_scripts=has_scripts))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.page.context.close()
    assert [problem for visitor in visitors for problem in visitor.watch.problems] == []


@pytest.fixture
def visitor(visit: Visit) -> Visitor:
    """A person at a desk."""
    return visit()
