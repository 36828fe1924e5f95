"""The simulator of Pro Santé Connect on free ports, and somebody at its pages."""

import functools
import html
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from demo.pro_sante_connect import realm, wallet
from demo.pro_sante_connect.behaviour import Behaviour
from demo.pro_sante_connect.clients import Client
from demo.pro_sante_connect.keys import Keys
from demo.pro_sante_connect.simulator import Simulator
from demo.servers import Servers

CLIENT_ID, SECRET = "sesame", "the-secret-of-the-client"
CALLBACK = "http://localhost:8000/login/callback/pro_sante_connect"
AFTER_LOGOUT = "http://localhost:8000/logged-out"

shared_keys = functools.cache(Keys)  # RSA keys are slow to make; a test that rotates them wants its own


def client(**changed: Any) -> Client:
    usual: dict[str, Any] = {
        "client_id": CLIENT_ID,
        "name": "Espace de connexion ESEA",
        "redirect_uris": (CALLBACK,),
        "post_logout_redirect_uris": (AFTER_LOGOUT,),
        "secret": SECRET,
    }
    return Client(**{**usual, **changed})


@contextmanager
def running(
    *clients: Client, behaviour: Behaviour | None = None, tls: ssl.SSLContext | None = None, **options: Any
) -> Iterator[Simulator]:
    """On two ports of the loopback. options: of `Simulator`. tls: of the back channel (`clients.mutual_tls`).

    Whoever waits for a slow answer is let go at the end.
    """
    options.setdefault("keys", shared_keys())
    simulator = Simulator(clients or (client(),), behaviour=behaviour, **options)
    with Servers() as servers:
        scheme = "https" if tls else "http"
        simulator.auth = f"{scheme}://localhost:{servers.add(realm.create_app(simulator), 0, tls)}"
        simulator.wallet = f"http://127.0.0.1:{servers.add(wallet.create_app(simulator), 0)}"
        servers.start()
        yield simulator
        simulator.behaviour.become()


class Professional:
    """A person with a browser of their own at the simulator's pages; without a socket."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._browser = wallet.create_app(simulator).test_client()

    def follows(self, url: str) -> tuple[int, str]:
        """Open an authorization request: the status, and where the browser is sent, or the page."""
        answer = self._browser.get(f"/auth?{urlsplit(url).query}", base_url=self._simulator.wallet)
        return answer.status_code, answer.location or answer.text

    def chooses(self, page: str, person: str = "anne", mode: str = "CARD") -> str:
        """Press a button of the page that `follows` gave; returns the address of the client's callback."""
        ticket = re.search(r'name="ticket" value="([^"]+)"', page)
        assert ticket, page
        answer = self._browser.post(
            "/auth/choice",
            data={"ticket": html.unescape(ticket[1]), "person": person, "mode": mode},
            base_url=self._simulator.wallet,
            headers={"Origin": self._simulator.wallet},
        )
        assert answer.location, answer.text
        return str(answer.location)

    def logs_in(self, url: str, person: str = "anne", mode: str = "CARD") -> str:
        """Both; a session that is open already answers without a page."""
        status, found = self.follows(url)
        return found if status == 303 else self.chooses(found, person, mode)
