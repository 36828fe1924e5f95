"""The provider as it is installed: a folder of settings, `sesame serve` in its own processes, people on HTTP."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests

from idp.app import build_app, build_services
from idp.clock import SystemClock
from idp.settings import Settings, load
from idp.settings.sections import Argon2
from idp.store import Database
from keys.file import FileSigner
from tests.fakes.mailer import FakeMailer
from tests.fakes.provider import PASSWORD, RP, Provider
from tests.fakes.relying_party import CHALLENGE, HIDDEN, NONCE, STATE, VERIFIER
from tests.fakes.servers import free_port
from tests.fakes.waiting import DEADLINE_S, children, is_stopped, until

SESAME = [sys.executable, "-c", "from idp.cli import main; main()", "--settings", "sesame.toml"]
CHEAP = Argon2(memory_kib=7168, time_cost=1)


@dataclass
class Installation:
    """A folder with settings, secret, keys and a database; a client `rp` and the account anne.pierre."""

    folder: Path
    settings: Settings
    provider: Provider

    @classmethod
    def make(cls, folder: Path, **settings: Any) -> "Installation":
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        chosen: dict[str, Any] = {
            "issuer": f"http://localhost:{port}",
            "port": port,
            "database_url": "sqlite:///sesame.db",
            "keys_dir": "keys.d",
            "secret_file": "secret",
            "argon2": {"memory_kib": CHEAP.memory_kib, "time_cost": CHEAP.time_cost},
            **settings,
        }
        (folder / "sesame.toml").write_text("".join(f"{key} = {_toml(value)}\n" for key, value in chosen.items()))
        (folder / "secret").write_text("s" * 48)
        (folder / "secret").chmod(0o600)
        loaded = load(folder / "sesame.toml")
        FileSigner.create(loaded.keys_dir, now=datetime.now(UTC))
        database = Database(loaded.database_url)
        database.migrate()
        database.close()
        services = build_services(loaded, mailer=FakeMailer())
        provider = Provider(services, SystemClock(), services.mailer, build_app(services))  # type: ignore[arg-type]
        provider.add_client("rp")
        provider.add_account("anne.pierre")
        return cls(folder, loaded, provider)

    def close(self) -> None:
        self.provider.services.db.close()
        self.provider.services.ephemeral.close()

    @property
    def said(self) -> str:
        """What its processes wrote."""
        return (self.folder / "said").read_text()

    def command(self, *arguments: str) -> str:
        """What `sesame …` prints, in a process of its own that succeeds."""
        done = subprocess.run(
            [*SESAME, *arguments], check=False, cwd=self.folder, env=_clean(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def running(self, command: str) -> "Iterator[subprocess.Popen[bytes]]":
        """`sesame …`, until the end of the context."""
        with (self.folder / "said").open("a") as said:
            process = subprocess.Popen([*SESAME, command], cwd=self.folder, env=_clean(), stdout=said, stderr=said)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(DEADLINE_S)

    @contextmanager
    def serving(self) -> Iterator["Server"]:
        """`sesame serve`, once each of its workers can sign people in."""
        with self.running("serve") as process:
            server = Server(self, process)
            until(server.is_ready)
            yield server


@dataclass
class Server:
    """A server that runs."""

    installation: Installation
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return self.installation.settings.issuer

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.installation.said
        if len(self.workers()) != self.installation.settings.workers:
            return False
        try:
            return Person(self).get("/readyz").status_code == 200
        except requests.RequestException:
            return False

    def workers(self) -> set[int]:
        return children(self.process.pid)

    @contextmanager
    def only(self, worker: int) -> Iterator[None]:
        """Requests within go to this worker: the others are stopped."""
        others = self.workers() - {worker}
        for other in others:
            os.kill(other, signal.SIGSTOP)
        until(lambda: all(is_stopped(other) for other in others))
        try:
            yield
        finally:
            for other in others:
                os.kill(other, signal.SIGCONT)


@dataclass
class Person:
    """A browser, and the application that sent it: each request on a connection of its own."""

    server: Server
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self.session.headers["Connection"] = "close"

    def get(self, path: str, **options: Any) -> requests.Response:
        url = urljoin(self.server.url, path)
        return self.session.get(url, allow_redirects=False, timeout=DEADLINE_S, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        url = urljoin(self.server.url, path)
        return self.session.post(url, allow_redirects=False, timeout=DEADLINE_S, **options)

    def authorize(self, client_id: str = "rp", **more: str) -> requests.Response:
        request = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": f"{RP}/{client_id}/callback",
            "scope": "openid profile email",
            "state": STATE,
            "nonce": NONCE,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **more,
        }
        return self.get("/authorize", params=request)

    def open_login(self, client_id: str = "rp") -> str:
        """The address of the page to sign in."""
        answer = self.authorize(client_id)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def give_password(self, page: str, login: str = "anne.pierre") -> requests.Response:
        found = HIDDEN.search(self.get(page).text)
        assert found
        return self.post(f"{page}/password", data={"csrf": found.group(1), "login": login, "password": PASSWORD})

    def login(self, login: str = "anne.pierre") -> str:
        """A whole login; the code."""
        return code_of(self.give_password(self.open_login(), login))

    def token(self, code: str) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": f"{RP}/rp/callback",
            "code_verifier": VERIFIER,
        }
        secret = self.server.installation.provider.secrets["rp"]
        return requests_alone().post(f"{self.server.url}/token", data=form, auth=("rp", secret), timeout=DEADLINE_S)


def requests_alone() -> requests.Session:
    """An application's: no cookie of the person's."""
    session = requests.Session()
    session.trust_env = False
    session.headers["Connection"] = "close"
    return session


def code_of(answer: requests.Response) -> str:
    """The code in a redirect to the client."""
    location = answer.headers.get("Location", "")
    assert location.startswith(f"{RP}/rp/callback?"), (answer.status_code, location)
    return dict(parse_qsl(urlsplit(location).query))["code"]


def _clean() -> dict[str, str]:
    """The environment, without settings of the provider's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SESAME_")}


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)
