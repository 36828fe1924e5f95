"""mozilla-django-oidc 5, in a Django site. It refreshes by asking again without a page (prompt=none)."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.running_provider import RunningProvider, own_environment, running
from tests.clients.suite import ClientSuite, Service
from tests.fakes.servers import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def service(provider: RunningProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder, port, client_id = tmp_path_factory.mktemp("django"), free_port(), "mozilla-django-oidc"
    home = f"http://localhost:{port}/"
    uris = ("--redirect-uri", f"{home}oidc/callback/", "--post-logout-redirect-uri", home)
    settings = {
        "metadata": provider.metadata,
        "client_id": client_id,
        "client_secret": provider.register(client_id, *uris),
        "home": home,
        "port": port,
        "database": str(folder / "site.db"),
    }
    command = [sys.executable, "-m", "tests.clients.django_service"]
    with running(command, home, folder, own_environment(PYTHONPATH=str(ROOT), SERVICE=json.dumps(settings))):
        yield Service(client_id, home)


class TestMozillaDjangoOidc(ClientSuite):
    pass
