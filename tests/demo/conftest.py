"""A provider small enough to be read: it answers whatever a test tells it to, so that the relying party must check."""

import base64
import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from demo.pro_sante_connect.simulator import Simulator
from demo.relying_party import create_app
from demo.servers import Servers
from demo.service import ServiceConfig
from tests.demo.sandbox import ODD_SECRET, Clock
from tests.fakes.pro_sante_connect import Professional, client, running

CLIENT_ID, CLIENT_SECRET = "ror", "a:secret"
SIGNING_KEY = RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})


@dataclass
class FakeProvider:
    """`wrong` overrides claims of the ID Token, `userinfo` is the answer of userinfo."""

    issuer: str = ""
    asked: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(
        default_factory=lambda: {"sub": "u1", "name": "Anne Martin", "rpps": "10001234567"}
    )
    metadata: dict[str, Any] = field(default_factory=dict)
    token_requests: list[dict[str, str]] = field(default_factory=list)
    signing_key: RSAKey = field(default_factory=lambda: SIGNING_KEY)
    without_id_token: bool = False

    def authorize(self, location: str) -> dict[str, str]:
        """What the provider would have read in the browser's request."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        return self.asked

    def id_token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT_ID, "sub": "u1", "iat": now, "exp": now + 300, "auth_time": now,
            "nonce": self.asked["nonce"], "acr": "urn:example:medium", "amr": ["pwd", "otp", "mfa"], **self.wrong,
        }  # fmt: skip
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.signing_key)

    def app(self) -> flask.Flask:
        app = flask.Flask("fake_provider")

        @app.get("/.well-known/openid-configuration")
        def metadata() -> dict[str, Any]:
            paths = {
                "authorization_endpoint": "/authorize", "token_endpoint": "/token", "userinfo_endpoint": "/userinfo",
                "jwks_uri": "/jwks", "end_session_endpoint": "/logout",
            }  # fmt: skip
            return {
                "issuer": self.issuer,
                **{name: self.issuer + path for name, path in paths.items()},
                "id_token_signing_alg_values_supported": ["RS256"],
                "authorization_response_iss_parameter_supported": True,
                **self.metadata,
            }

        @app.get("/jwks")
        def jwks() -> dict[str, Any]:
            return dict(KeySet([SIGNING_KEY]).as_dict(private=False))

        @app.post("/token")
        def token() -> Any:
            form = flask.request.form
            self.token_requests.append({**form, "authorization": flask.request.headers["Authorization"]})
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != self.asked["code_challenge"]:
                return {"error": "invalid_grant"}, 400
            answer = {"access_token": "at", "token_type": "Bearer", "expires_in": 300}
            return answer if self.without_id_token else {**answer, "id_token": self.id_token()}

        @app.get("/userinfo")
        def userinfo() -> dict[str, Any]:
            return self.userinfo

        return app


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    fake, servers = FakeProvider(), Servers()
    fake.issuer = f"http://127.0.0.1:{servers.add(fake.app(), 0)}"
    with servers:
        yield fake


@pytest.fixture
def service(provider: FakeProvider) -> ServiceConfig:
    return ServiceConfig(
        key="ror",
        name="ROR Nouvelle-Aquitaine",
        issuer=provider.issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        base_url="http://localhost",
        login_label="Se connecter",
        accent="#1b3a6b",
        intro="L'offre de soins de la région.",
        roles={"PORTEUR_OFFRE": "Porteur d'offre", "PSL": "Professionnel de Santé Libéral"},
    )


@pytest.fixture
def browser(service: ServiceConfig) -> FlaskClient:
    return create_app(service).test_client()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> list[tuple[str, str]]:
    """Logout tokens, and where they were sent."""
    return []


@pytest.fixture
def simulator(clock: Clock, told: list[tuple[str, str]]) -> Iterator[Simulator]:
    def send(url: str, token: str) -> str:
        told.append((url, token))
        return "HTTP 200"

    registered = client(backchannel_logout_uri="http://localhost:8000/upstream/psc/backchannel-logout")
    another = client(client_id="another", redirect_uris=("http://localhost:9/callback",), secret=ODD_SECRET)
    with running(registered, another, now=clock, send=send) as made:
        yield made


@pytest.fixture
def person(simulator: Simulator) -> Professional:
    return Professional(simulator)
