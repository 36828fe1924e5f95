"""How the tests of the simulator of Pro Santé Connect speak to it: as a client that does everything right."""

import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import requests
from authlib.common.security import generate_token
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from demo.pro_sante_connect.simulator import Simulator
from tests.fakes.pro_sante_connect import CALLBACK, CLIENT_ID, SECRET, Professional

ODD_SECRET = "a:secret+of/another client"
VERIFIER = generate_token(48)
ASKED = {
    "response_type": "code", "client_id": CLIENT_ID, "redirect_uri": CALLBACK, "scope": "openid scope_all",
    "acr_values": "eidas1", "state": "the-state", "nonce": "the-nonce", "code_challenge_method": "S256",
    "code_challenge": create_s256_code_challenge(VERIFIER),
}  # fmt: skip


class Clock:
    """Starts at the time of PyJWT, which has no other."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def metadata(simulator: Simulator) -> dict[str, Any]:
    found = call("GET", f"{simulator.issuer}/.well-known/wallet-openid-configuration")
    return dict(found.json())


def call(method: str, url: str, **options: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, allow_redirects=False, **{"timeout": 10, **options})


def url(**changed: str | None) -> str:
    query = {name: value for name, value in {**ASKED, **changed}.items() if value is not None}
    return f"/auth?{urlencode(query)}"


def answer(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def redeem(simulator: Simulator, code: str, basic: tuple[str, str] | None = None, **form: str) -> Any:
    token_endpoint = metadata(simulator)["token_endpoint"]
    usual = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    if basic is None:
        usual |= {"client_id": CLIENT_ID, "client_secret": SECRET}
    return call("POST", token_endpoint, data={**usual, **form}, auth=basic)


def tokens(simulator: Simulator, person: Professional, who: str = "anne", mode: str = "CARD") -> dict[str, Any]:
    answered = redeem(simulator, answer(person.logs_in(url(prompt="login"), who, mode))["code"])
    assert answered.status_code == 200, answered.text
    return dict(answered.json())


def verified(simulator: Simulator, token: str) -> dict[str, Any]:
    keys = jwt.PyJWKSet.from_dict(call("GET", metadata(simulator)["jwks_uri"]).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    algorithms = ["RS256", "PS256", "ES256"]
    claims: dict[str, Any] = jwt.decode(token, key, algorithms, audience=CLIENT_ID, issuer=simulator.issuer)
    return claims


def userinfo(simulator: Simulator, access_token: str) -> requests.Response:
    return call("GET", metadata(simulator)["userinfo_endpoint"], headers={"Authorization": f"Bearer {access_token}"})
