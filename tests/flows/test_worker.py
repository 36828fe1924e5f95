"""`sesame worker`: goes on after an outage, ends when it is told."""

import os
import signal
import threading
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from idp import cli
from idp.errors import Unavailable
from tests.fakes.provider import ISSUER


@pytest.mark.embedded
def test_an_outage_does_not_end_the_worker(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def deliver(_services: object) -> bool:
        calls.append(len(calls))
        if len(calls) == 1:
            raise Unavailable("database: locked")
        threading.Timer(0, os.kill, (os.getpid(), signal.SIGTERM)).start()
        return False

    settings = tmp_path / "sesame.toml"
    settings.write_text(
        f'issuer = "{ISSUER}"\ndatabase_url = "sqlite:///{template / "sesame.db"}"\n'
        f'keys_dir = "{template / "keys.d"}"\nsecret_file = "{template / "secret"}"\n'
    )
    monkeypatch.setattr(cli, "deliver_next", deliver)
    monkeypatch.setattr(cli, "IDLE_S", 0.01)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        result = CliRunner().invoke(cli.main, ["--settings", str(settings), "worker"])
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
        structlog.reset_defaults()
    assert result.exit_code == 0, result.output
    assert len(calls) >= 2
