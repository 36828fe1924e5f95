"""`sesame init`, `sesame serve`: a provider as an operator runs it, on a free port of the loopback."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from idp.hashing import PasswordHasher
from idp.settings import load
from idp.store import Database
from tests.fakes.command_line import CommandLine
from tests.fakes.provider import CHEAP, PASSWORD
from tests.fakes.servers import free_port

START_S, STOP_S, POLL_S = 30, 20, 0.05
LOGIN, EMAIL, NAME = "anne.pierre", "anne.pierre@chu.example", "Anne Pierre"
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
REFRESHING = ("--grant-type", "authorization_code", "--grant-type", "refresh_token")


def own_environment(**added: str) -> dict[str, str]:
    """The environment of a child: without a developer's provider, and without a proxy between two local processes."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SESAME_") and not k.lower().endswith("_proxy")}
    return {**kept, **added}


@contextmanager
def running(
    command: list[str], url: str, folder: Path, environment: Mapping[str, str], *, user: str | None = None
) -> Iterator[Path]:
    """A server in a process of its own, once it answers at `url`; the file of what it writes.

    user: who it runs as, when the tests are run by root.
    """
    apart: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
    log = folder / "output"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True, **apart
        )
    try:
        end = time.monotonic() + START_S
        while not answers(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(POLL_S)
        yield log
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(url: str) -> bool:
    try:
        with DIRECTLY.open(url, timeout=2):
            return True
    except OSError:
        return False


@dataclass
class RunningProvider:
    """A provider that answers, with the account LOGIN, whose password is PASSWORD."""

    issuer: str
    subject: str
    commands: CommandLine

    @classmethod
    @contextmanager
    def serving(
        cls, folder: Path, stores: Mapping[str, Any], *, port: int | None = None, sections: str = ""
    ) -> "Iterator[RunningProvider]":
        """sections: TOML, after everything else."""
        port = port or free_port()
        issuer = f"http://127.0.0.1:{port}"
        settings = folder / "sesame.toml"
        chosen = _toml({"issuer": issuer, "port": port, **stores})
        settings.write_text(f"{chosen}\n{sections}", encoding="utf-8")
        commands = CommandLine(folder)
        commands.run("init")
        names = ("--given-name", "Anne", "--family-name", "Pierre", "--email", EMAIL)
        subject = commands.run("account", "create", LOGIN, *names)
        _set_password(settings, subject)
        command = [sys.executable, "-m", "idp", "--settings", str(settings), "serve"]
        root = str(Path(__file__).parents[2])
        with running(command, f"{issuer}/readyz", folder, own_environment(PYTHONPATH=root)):
            yield cls(issuer, subject, commands)

    def register(self, client_id: str, *options: str) -> str:
        """A client that accepts the password; its secret, or a sentence when it is public."""
        secret = self.commands.run("client", "add", client_id, "--name", client_id, "--for-everybody", *options)
        self.commands.run("policy", "set", client_id, "password")
        return secret

    @property
    def metadata(self) -> dict[str, Any]:
        with DIRECTLY.open(f"{self.issuer}/.well-known/openid-configuration", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


def _set_password(settings: Path, account_id: str) -> None:
    """The password that its holder would choose by the link of an e-mail."""
    database = Database(load(settings).database_url)
    with database.write() as tx:
        digest = PasswordHasher(CHEAP).hash(PASSWORD)
        tx.accounts.set_password(account_id, digest, "knowledge", datetime.now(UTC))
    database.close()


def _toml(values: Mapping[str, Any]) -> str:
    chosen = {"database_url": "sqlite:///sesame.db", "keys_dir": "keys.d", "secret_file": "secret", **values}
    lines = [f"{key} = {json.dumps(value)}" for key, value in chosen.items()]
    cheap = ["[argon2]", f"memory_kib = {CHEAP.memory_kib}", f"time_cost = {CHEAP.time_cost}"]
    return "\n".join([*lines, *cheap, ""])
