"""/metrics with two workers: whichever answers tells of both, and of those that are gone."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.installed import Installation, Person, Server
from tests.fakes.waiting import until

JWKS = {"route": "/jwks", "method": "GET", "status": "200"}


@pytest.fixture
def server(tmp_path: Path, redis_url: str) -> Iterator[Server]:
    installation = Installation.make(tmp_path / "idp", redis_url=redis_url, workers=2)
    with installation.serving() as running:
        yield running
    installation.close()


def seen(server: Server) -> float:
    shown = Person(server).get("/metrics").text
    return sum(
        sample.value
        for family in text_string_to_metric_families(shown)
        for sample in family.samples
        if sample.name == "sesame_requests_total" and sample.labels == JWKS
    )


def test_each_worker_tells_of_all(server: Server) -> None:
    person = Person(server)
    for worker in server.workers():
        with server.only(worker):
            assert person.get("/jwks").status_code == 200
    for worker in server.workers():
        with server.only(worker):
            assert seen(server) == 2


def test_what_a_worker_counted_outlives_it_and_what_it_did_does_not(server: Server) -> None:
    lost, other = server.workers()
    with server.only(lost):
        assert Person(server).get("/jwks").status_code == 200
        assert "sesame_argon2_waiting 0.0" in Person(server).get("/metrics").text
    (folder,) = {Path(line).parent for line in mapped(lost) if "sesame-metrics-" in line}
    assert folder.stat().st_mode & 0o077 == 0
    os.kill(lost, signal.SIGKILL)
    until(lambda: len(server.workers() - {lost}) == 2)
    with server.only(other):
        assert seen(server) == 1
    assert not list(folder.glob(f"gauge_live*_{lost}.db"))
    server.process.terminate()
    server.process.wait()
    assert not folder.exists()


def mapped(pid: int) -> list[str]:
    """Files that a process has in its memory."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return [line.split(maxsplit=5)[5] for line in lines if len(line.split(maxsplit=5)) == 6]
