"""npm's openid-client 6 (certified), in a Node web service."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.running_provider import REFRESHING, RunningProvider, own_environment, running
from tests.clients.suite import ClientSuite, Service
from tests.fakes.servers import free_port

PROGRAM = Path(__file__).with_name("openid_client.mjs")


@pytest.fixture(scope="module")
def service(provider: RunningProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    port, client_id = free_port(), "openid-client"
    home = f"http://localhost:{port}/"
    secret = provider.register(
        client_id,
        *("--redirect-uri", f"{home}callback", "--post-logout-redirect-uri", f"{home}left"),
        *("--auth-method", "client_secret_post", "--id-token-alg", "ES256", *REFRESHING),
    )
    node = shutil.which("node") or pytest.fail("node is not installed (tests/system-packages.txt)")
    environment = own_environment(ISSUER=provider.issuer, CLIENT_ID=client_id, CLIENT_SECRET=secret, PORT=str(port))
    with running([node, str(PROGRAM)], home, tmp_path_factory.mktemp("node"), environment):
        yield Service(client_id, home)


class TestOpenidClient(ClientSuite):
    pass
