"""A helper before a fake card; tokens of SoftHSM and a virtual card, each in a place of its own.

Nothing of this machine's readers is touched.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from card_reader.desk import Desk
from card_reader.origins import AllowedOrigins
from card_reader.server import Server
from tests.fakes.reader import ORIGIN, Clock, FakeCard, FakePrompt, Page

if TYPE_CHECKING:
    from tests.fakes.card_benches import SimulatedBench, SoftHsmBench, VirtualBench
    from tests.fakes.virtual_card.reader import VirtualReader


@pytest.fixture(scope="session", autouse=True)
def no_card_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Both libraries read these when they are first used."""
    nowhere = tmp_path_factory.mktemp("nowhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PCSCLITE_CSOCK_NAME", str(nowhere / "none.comm"))
        patch.setenv("SOFTHSM2_CONF", str(nowhere / "none.conf"))
        yield


@pytest.fixture(scope="session")
def virtual_reader(no_card_of_this_machine: None) -> "Iterator[VirtualReader]":
    from tests.fakes.virtual_card.reader import NoNamespaces, virtual_reader

    with tempfile.TemporaryDirectory(prefix="reader") as folder:  # a short path
        try:
            with virtual_reader(Path(folder)) as reader:
                os.environ["PCSCLITE_CSOCK_NAME"] = str(reader.socket)
                yield reader
        except NoNamespaces:
            pytest.skip(
                "no network namespace can be made here; as root, or where users may make some: tests/run reader"
            )


@pytest.fixture
def virtual_bench(virtual_reader: "VirtualReader") -> "Iterator[VirtualBench]":
    from card_reader.card import State
    from card_reader.watch import Watch
    from tests.fakes.card_benches import VirtualBench

    bench = VirtualBench(virtual_reader)
    yield bench
    bench.remove()
    with Watch(bench.card, every_s=0.02) as watch:
        watch.wait_until(lambda seen: seen.state is State.ABSENT, timeout_s=10)


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where tokens of SoftHSM are kept between tests."""
    return tmp_path_factory.mktemp("tokens")


@pytest.fixture
def softhsm_bench(tmp_path: Path, tokens: Path, monkeypatch: pytest.MonkeyPatch) -> "SoftHsmBench":
    from tests.fakes.card_benches import SoftHsmBench

    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "hsm" / "softhsm2.conf"))
    return SoftHsmBench(tmp_path / "hsm", tokens)


@pytest.fixture
def simulated_bench() -> "SimulatedBench":
    from tests.fakes.card_benches import SimulatedBench

    return SimulatedBench()


@pytest.fixture
def card() -> FakeCard:
    return FakeCard()


@pytest.fixture
def prompt() -> FakePrompt:
    return FakePrompt()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def allowed(tmp_path: Path) -> AllowedOrigins:
    return AllowedOrigins([ORIGIN], tmp_path / "origins")


@pytest.fixture
def server(card: FakeCard, prompt: FakePrompt, allowed: AllowedOrigins, clock: Clock) -> Iterator[Server]:
    with Server(Desk(card, prompt, allowed, now=clock), 0) as running:
        yield running


@pytest.fixture
def page(server: Server) -> Page:
    return Page(server.port)
