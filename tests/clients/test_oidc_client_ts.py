"""oidc-client-ts 3 in Chromium: a page without a server of its own, which speaks to the provider by CORS."""

from collections.abc import Iterator
from pathlib import Path

import flask
import pytest
from werkzeug import Response

from demo.servers import Servers
from tests.clients.person import Person
from tests.clients.running_provider import REFRESHING, RunningProvider
from tests.clients.suite import ClientSuite, Service
from tests.fakes.servers import free_port

FOLDER = Path(__file__).parent
PAGE = FOLDER / "browser_page"
LIBRARY = FOLDER / "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.js"


def create_app(issuer: str, client_id: str) -> flask.Flask:
    """Files, and the two settings of the page."""
    app = flask.Flask(__name__, static_folder=None)

    @app.get("/")
    @app.get("/callback")
    @app.get("/left")
    def page() -> Response:
        return flask.send_file(PAGE / "index.html")

    @app.get("/page.js")
    def script() -> Response:
        return flask.send_file(PAGE / "page.js")

    @app.get("/oidc-client-ts.js")
    def library() -> Response:
        return flask.send_file(LIBRARY)

    @app.get("/settings.json")
    def settings() -> dict[str, str]:
        return {"issuer": issuer, "client_id": client_id}

    return app


@pytest.fixture(scope="module")
def service(provider: RunningProvider) -> Iterator[Service]:
    port, client_id = free_port(), "oidc-client-ts"
    home = f"http://localhost:{port}/"
    provider.register(
        client_id,
        *("--redirect-uri", f"{home}callback", "--post-logout-redirect-uri", f"{home}left"),
        *("--auth-method", "none", *REFRESHING),
    )
    servers = Servers()
    servers.add(create_app(provider.issuer, client_id), port)
    with servers:
        yield Service(client_id, home)


class TestOidcClientTs(ClientSuite):
    def forgets(self, person: Person, service: Service) -> None:
        person.page.evaluate("sessionStorage.clear()")
