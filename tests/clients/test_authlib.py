"""Authlib 1.9's client, in a Flask web service."""

from collections.abc import Iterator

import pytest

from demo.servers import Servers
from tests.clients.authlib_service import create_app
from tests.clients.running_provider import REFRESHING, RunningProvider
from tests.clients.suite import ClientSuite, Service
from tests.fakes.servers import free_port


@pytest.fixture(scope="module")
def service(provider: RunningProvider) -> Iterator[Service]:
    port, client_id = free_port(), "authlib"
    home = f"http://localhost:{port}/"
    secret = provider.register(
        client_id,
        *("--redirect-uri", f"{home}callback", "--post-logout-redirect-uri", f"{home}left", *REFRESHING),
    )
    servers = Servers()
    servers.add(create_app(provider.issuer, client_id, secret, home), port)
    with servers:
        yield Service(client_id, home)


class TestAuthlib(ClientSuite):
    pass
