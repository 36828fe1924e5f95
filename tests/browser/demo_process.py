"""The demo as a person starts it: `python -m demo` in a process of its own, on free ports, in a folder of its own."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PORT_NAMES = (
    "DEMO_PORT", "DEMO_ROR_PORT", "DEMO_ESPACE_PRO_PORT", "DEMO_MAIL_PORT", "DEMO_SMTP_PORT", "DEMO_CARD_PORT",
    "DEMO_READER_PORT", "DEMO_CARD_HOST_PORT", "DEMO_PSC_AUTH_PORT", "DEMO_PSC_WALLET_PORT",
)  # fmt: skip
NEW_BROWSER = ("Nouvelle connexion", "New sign-in")  # each visitor is one, to an account that others used before
START_S, STOP_S, MAIL_S, COMMAND_S = 90, 30, 20, 60
POLL_S = 0.05
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail that the demo's mailbox caught."""

    id: int
    to: str
    subject: str
    text: str
    html: str
    received_at: str

    @property
    def code(self) -> str:
        return _only(r"\b\d{6}\b", self.text)

    @property
    def link(self) -> str:
        return _only(r"http://localhost:\S+", self.text)


@dataclass
class Demo:
    """One folder and one set of ports, with a process while it runs."""

    folder: Path
    ports: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    _read_mails: set[int] = field(default_factory=set)

    @classmethod
    def on_free_ports(cls, folder: Path) -> "Demo":
        return cls(folder, dict(zip(PORT_NAMES, map(str, _free_ports(len(PORT_NAMES))), strict=True)))

    @property
    def environment(self) -> dict[str, str]:
        """Without the developer's own settings of a provider."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SESAME_")}
        return {**kept, **self.ports, "DEMO_FOLDER": str(self.folder), "PYTHONUNBUFFERED": "1"}

    @property
    def output(self) -> str:
        return self._output_file.read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        return self._output_file.with_suffix(".err").read_text(encoding="utf-8")

    @property
    def _output_file(self) -> Path:
        return self.folder.with_suffix(".out")

    @cached_property
    def description(self) -> dict[str, Any]:
        """What demo.json says."""
        found: dict[str, Any] = json.loads((self.folder / "demo.json").read_text(encoding="utf-8"))
        return found

    def launch(self) -> None:
        """Start, without waiting."""
        with self._output_file.open("wb") as out, self._output_file.with_suffix(".err").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "demo"], cwd=ROOT, env=self.environment, stdout=out, stderr=err
            )

    def start(self) -> None:
        """Start, and wait for the welcome."""
        self.launch()
        wait_for(lambda: "Operate it" in self.output or self._has_ended, START_S, "the welcome of the demo")
        assert not self._has_ended, self.errors

    def stop(self, number: int = signal.SIGINT) -> int:
        """Interrupt it as Ctrl-C does; returns the exit status once everything that it started has ended."""
        assert self.process is not None
        family = descendants(self.process.pid)
        self.process.send_signal(number)
        status = self.process.wait(STOP_S)
        wait_for(lambda: not any(map(_is_running, family)), STOP_S, f"the end of the processes {family}")
        return status

    @property
    def _has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def reset(self) -> subprocess.CompletedProcess[str]:
        """`make demo-reset`."""
        return self._command("-m", "demo", "--reset")

    def sesame(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The operator's command, in a process of its own."""
        return self._command("-m", "idp", "--settings", str(self.folder / "sesame.toml"), *arguments)

    def _command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=COMMAND_S
        )

    def account(self, login: str) -> dict[str, Any]:
        found: dict[str, Any] = next(each for each in self.description["accounts"] if each["login"] == login)
        return found

    def mail(self, login: str) -> Mail:
        """The oldest e-mail to this account that no test has read, notices of a new browser aside; waits for it."""
        return self.mail_to(self.account(login)["email"])

    def mail_to(self, address: str) -> Mail:
        """The same, by address."""
        wait_for(lambda: bool(self._unread(address)), MAIL_S, f"an e-mail to {address}")
        oldest = self._unread(address)[-1]
        self._read_mails.add(oldest.id)
        return oldest

    def forget_mails(self) -> None:
        """What was sent until now is of no interest."""
        for account in self.description["accounts"]:
            self._read_mails.update(mail.id for mail in self._unread(account["email"]))

    def forget_counters(self) -> None:
        """What one test asked for in an hour, codes by mail above all, is not another's fault."""
        with closing(sqlite3.connect(self.folder / "sesame.db", timeout=10)) as database, database:
            database.execute("DELETE FROM throttle")

    def _unread(self, address: str) -> list[Mail]:
        with DIRECTLY.open(self.description["mail"]["messages"], timeout=5) as answer:
            mails = [Mail(**each) for each in json.load(answer)]
        mails = [mail for mail in mails if not mail.subject.startswith(NEW_BROWSER)]
        return [mail for mail in mails if mail.to == address and mail.id not in self._read_mails]


def wait_for(is_true: Callable[[], bool], deadline_s: float, what: str) -> None:
    """Poll until it is true. Raises AssertionError naming what did not come."""
    end = time.monotonic() + deadline_s
    while not is_true():
        assert time.monotonic() < end, f"{what} did not come within {deadline_s} s"
        time.sleep(POLL_S)


def descendants(pid: int) -> list[int]:
    """The processes that this one started, and theirs (Linux)."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended meanwhile
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = list(children.get(pid, []))
    for child in found:  # grows as it is read
        found += children.get(child, [])
    return found


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def _only(pattern: str, text: str) -> str:
    found = set(re.findall(pattern, text))
    assert len(found) == 1, f"{pattern} is {len(found)} times in: {text}"
    return str(found.pop())
