"""Debian's mod_auth_openidc 2.4 (certified), in an Apache of the test's own."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.clients.person import Person
from tests.clients.running_provider import REFRESHING, RunningProvider, own_environment, running
from tests.clients.suite import ClientSuite, Service
from tests.fakes.servers import free_port

TEMPLATE = Path(__file__).with_name("apache.conf")
MODULES = Path("/usr/lib/apache2/modules")
HOME = '<!doctype html><title>Apache</title><link rel="icon" href="data:,">'


@pytest.fixture(scope="module")
def service(provider: RunningProvider) -> Iterator[Service]:
    port, client_id = free_port(), "mod_auth_openidc"
    home = f"http://localhost:{port}/"
    uris = ("--redirect-uri", f"{home}private/redirect_uri", "--post-logout-redirect-uri", home)
    secret = provider.register(client_id, *uris, *REFRESHING)
    apache = shutil.which("apache2", path="/usr/sbin:/usr/bin") or pytest.fail("apache2 is not installed")
    user = "www-data" if os.geteuid() == 0 else None  # Debian's own user for it
    folder = Path(tempfile.mkdtemp(prefix="sesame-apache-"))
    values = {
        "PORT": str(port), "FOLDER": str(folder), "MODULES": str(MODULES), "ISSUER": provider.issuer,
        "CLIENT_ID": client_id, "CLIENT_SECRET": secret, "PASSPHRASE": secrets.token_urlsafe(),
    }  # fmt: skip
    try:
        _lay_out(folder, values, user)
        command = [apache, "-d", str(folder), "-f", str(folder / "apache.conf"), "-D", "FOREGROUND"]
        with running(command, home, folder, own_environment(), user=user) as log:
            yield Service(client_id, home)
        assert ":error]" not in log.read_text()
    finally:
        shutil.rmtree(folder)


def _lay_out(folder: Path, values: dict[str, str], user: str | None) -> None:
    """Configuration and pages, which belong to the user."""
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    (folder / "apache.conf").write_text(text, encoding="utf-8")
    (folder / "output").touch()
    for page in ("pages", "pages/private"):
        (folder / page).mkdir()
        (folder / page / "index.html").write_text(HOME, encoding="utf-8")
    (folder / "pages/favicon.ico").touch()
    if user:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, user, user)


class TestModAuthOpenidc(ClientSuite):
    """It has no buttons: a protected page starts a login, and the redirect URI with a query does the rest."""

    def starts_login(self, person: Person, service: Service) -> None:
        person.page.goto(f"{service.home}private/index.html")

    def refreshes(self, person: Person, service: Service, access_token: str) -> None:
        self._asks(person, service, refresh=f"{service.home}private/index.html", access_token=access_token)

    def starts_logout(self, person: Person, service: Service) -> None:
        self._asks(person, service, logout=service.home)

    def known(self, person: Person, service: Service) -> dict[str, Any]:
        person.page.wait_for_url(f"{service.home}private/**")
        self._asks(person, service, info="json")
        told = person.sees_json("body")
        return {**told, "claims": told["id_token"]}

    def knows_nobody(self, person: Person, service: Service) -> None:
        person.page.wait_for_url(service.home)
        names = {cookie.get("name") for cookie in person.page.context.cookies(service.home)}
        assert "mod_auth_openidc_session" not in names

    def _asks(self, person: Person, service: Service, **query: str) -> None:
        person.page.goto(f"{service.home}private/redirect_uri?{urlencode(query)}")
