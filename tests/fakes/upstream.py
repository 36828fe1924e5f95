"""An upstream in this process: the simulator of Pro Santé Connect, spoken to without a socket."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from flask.testing import FlaskClient
from requests.adapters import BaseAdapter, HTTPAdapter
from werkzeug import Response

from demo.pro_sante_connect import realm, wallet
from demo.pro_sante_connect.behaviour import Behaviour
from demo.pro_sante_connect.clients import Client as Registered
from demo.pro_sante_connect.keys import Keys
from demo.pro_sante_connect.simulator import Simulator
from idp.methods.federation import Federation
from idp.methods.federation.client import Client
from idp.methods.federation.upstream import Connection
from idp.outgoing import Outgoing, Unreachable
from idp.settings import sections
from idp.settings.upstreams import Upstream
from tests.fakes.clock import START

HOST = "psc.example"
AUTH, WALLET = f"https://auth.{HOST}", f"https://wallet.{HOST}"
SECRET = "un secret: avec+des%20signes"  # Authlib leaves such as these as they are, RFC 6749 §2.3.1 does not
CALLBACK = "https://idp.example/login/callback/{}"
TICKET = re.compile(r'name="ticket" value="([^"]+)"')


@cache
def made_keys(host: str) -> Keys:
    """Of the upstream on this host."""
    del host
    return Keys()


outgoing = cache(lambda: Outgoing(sections.Outgoing()))  # which reads the system's authorities: slow


@dataclass
class InProcess(BaseAdapter):
    """Carries requests to WSGI applications by origin. calls: their paths. is_slow: everything takes too long.
    answers: in place of the application's, by path: an empty body with that status, or a failure.
    """

    peers: dict[str, FlaskClient]
    calls: list[str] = field(default_factory=list)
    is_slow: bool = False
    answers: dict[str, int | Unreachable] = field(default_factory=dict)

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        self.calls.append(parts.path)
        if self.is_slow:
            raise Unreachable("too_slow", "no whole answer in time", host=parts.netloc)
        peer = self.peers.get(f"{parts.scheme}://{parts.netloc}")
        if peer is None:
            raise Unreachable("dns", "the name does not resolve", host=parts.netloc)
        instead = self.answers.get(parts.path)
        if isinstance(instead, Unreachable):
            raise instead
        answer = Response(status=instead) if instead else peer.open(
            request.path_url, method=request.method, data=request.body, headers=list(request.headers.items()),
            base_url="http://localhost",
        )  # fmt: skip
        response = requests.Response()
        response.status_code, response._content = answer.status_code, answer.get_data()
        response.headers.update(dict(answer.headers))
        response.request, response.url = request, request.url or ""
        return response

    def close(self) -> None:
        """Part of requests' contract."""


class OutgoingTo(Outgoing):
    """Never leaves the process."""

    def __init__(self, adapter: InProcess) -> None:
        vars(self).update(vars(outgoing()))
        self._adapter = adapter

    def protect(self, session: requests.Session, **rules: Any) -> None:
        super().protect(session, **rules)
        assert isinstance(session.adapters[""], HTTPAdapter)
        session.mount("", self._adapter)


class FakeUpstream:
    """The simulator, the settings that lead to it, and the method of both. now: of the simulator, until a test says.
    host: another one is another provider, with an issuer and keys of its own.
    """

    def __init__(
        self,
        name: str = "pro_sante_connect",
        now: Callable[[], datetime] = lambda: START,
        host: str = HOST,
        **settings: Any,
    ) -> None:
        self.now, self.auth, self.wallet = now, f"https://auth.{host}", f"https://wallet.{host}"
        self.behaviour = Behaviour()
        registered = Registered("sesame", "Sésame", (CALLBACK.format(name), CALLBACK.format("method")), secret=SECRET)
        self.simulator = Simulator(
            [registered], auth=self.auth, wallet=self.wallet, behaviour=self.behaviour, keys=made_keys(host),
            now=lambda: self.now().timestamp(),
        )  # fmt: skip
        self.pages = wallet.create_app(self.simulator).test_client()
        self.transport = InProcess({self.auth: realm.create_app(self.simulator).test_client()})
        values = {
            "preset": "pro_sante_connect",
            "issuer": self.simulator.issuer,
            "origins": (self.wallet,),
            "client_id": "sesame",
            "client_secret_file": "unread",
        }
        self.settings = Upstream(**{**values, **settings})
        self.method = self.new_method(name)

    def new_method(self, name: str) -> Federation:
        """As a process that has just started has it: it knows nothing of the upstream."""
        self.connection = Connection(self.settings, Client(self.settings, OutgoingTo(self.transport), SECRET))
        return Federation(name, self.settings, self.connection)

    def sign_in(self, url: str, person: str = "anne", mode: str = "CARD") -> dict[str, str]:
        """The person chooses there who they are; the query that they bring back. mode "cancel": they give up."""
        assert url.startswith(f"{self.wallet}/auth?"), url
        answer = self.pages.get(url.removeprefix(self.wallet), base_url="http://localhost")
        if ticket := TICKET.search(answer.text):
            answer = self.pages.post(
                "/auth/choice", base_url="http://localhost", headers={"Origin": "http://localhost"},
                data={"ticket": ticket.group(1), "person": person, "mode": mode},
            )  # fmt: skip
        assert answer.status_code == 303, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def sandbox(**settings: Any) -> FakeUpstream:
    """Under the names of Pro Santé Connect's sandbox, which is not asked. It may have test identities."""
    settings = {"preset": "pro_sante_connect_sandbox", "test_identities": True, **settings}
    return FakeUpstream(host="bas.psc.esante.gouv.fr", **settings)
