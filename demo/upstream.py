"""Pro Santé Connect in the demo: the simulator, the provider's registration there, and the settings that name it."""

from pathlib import Path
from typing import Any

from demo.ports import Ports
from demo.pro_sante_connect import realm, wallet
from demo.pro_sante_connect.clients import Client
from demo.pro_sante_connect.simulator import REALM, Simulator
from demo.servers import Servers

METHOD = "pro_sante_connect"
CLIENT_ID = "sesame-demo"
SECRET_FILE = "pro_sante_connect_secret"


def settings(ports: Ports) -> dict[str, Any]:
    """The section `upstreams.pro_sante_connect`; test identities are accepted, as in the sandbox."""
    return {
        "preset": "pro_sante_connect_sandbox",
        "issuer": ports.pro_sante_connect + REALM,
        "origins": [ports.pro_sante_connect_wallet],
        "client_id": CLIENT_ID,
        "client_secret_file": SECRET_FILE,
        "test_identities": True,
        "backchannel_logout": True,
    }


def add_simulator(folder: Path, ports: Ports, servers: Servers) -> None:
    """Both of its hosts. folder: of the demo's data."""
    client = Client(
        client_id=CLIENT_ID,
        name="Espace de connexion ESEA",
        redirect_uris=(f"{ports.issuer}/login/callback/{METHOD}",),
        post_logout_redirect_uris=(f"{ports.issuer}/logged-out",),
        secret=(folder / SECRET_FILE).read_text(encoding="utf-8"),
        backchannel_logout_uri=f"{ports.issuer}/upstream/{METHOD}/backchannel-logout",
    )
    simulator = Simulator([client], auth=ports.pro_sante_connect, wallet=ports.pro_sante_connect_wallet)
    servers.add(realm.create_app(simulator), ports.psc_auth)
    servers.add(wallet.create_app(simulator), ports.psc_wallet)
