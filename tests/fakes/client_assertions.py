"""Signed assertions, as a client of the tests makes them."""

import json
from typing import Any

from werkzeug.test import TestResponse

from idp.flows.oidc.client_keys import ClientKeys
from idp.outgoing import Unreachable
from tests.fakes.client_key import BY_JWT, ClientKey, jwks_of, make_key
from tests.fakes.clock import START
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty

KEY = make_key()


T = int(START.timestamp())


INVALID_CLIENT = (401, "invalid_client")


CLAIMS: dict[str, Any] = {"iss": "app", "sub": "app", "aud": ISSUER, "jti": "1", "iat": T, "exp": T + 300}


PATHS = ["/token", "/introspect", "/revoke", "/par"]


def add(provider: Provider, client_id: str = "app", **changes: Any) -> None:
    grants = ("authorization_code", "client_credentials")
    provider.add_client(client_id, **{"auth_method": "private_key_jwt", "grant_types": grants, **changes})


def send(app: RelyingParty, claims: dict[str, Any], key: ClientKey = KEY, **form: str) -> TestResponse:
    return send_raw(app, key.sign(claims), **form)


def send_raw(app: RelyingParty, assertion: str, path: str = "/token", **form: str) -> TestResponse:
    fields = {"grant_type": "client_credentials", "client_assertion_type": BY_JWT, "client_assertion": assertion}
    return app.ask(path, headers={}, **{**fields, **form})


def fields_of(app: RelyingParty, path: str) -> dict[str, str]:
    """What makes a sound request of an endpoint."""
    return app.request() if path == "/par" else {"token": "x"}


def refusal_of(response: TestResponse) -> tuple[int, str]:
    body = response.json or {}
    assert body.keys() <= {"error", "error_description"}
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, body["error"]


class Address:
    def __init__(self, *keys: ClientKey) -> None:
        self.keys, self.asked, self.is_down = keys, 0, False

    def fetch(self, url: str) -> bytes:
        self.asked += 1
        if self.is_down:
            raise Unreachable("no_answer", "connection refused", host="rp.example")
        return json.dumps(jwks_of(*self.keys)).encode()


def at(provider: Provider, address: Address) -> RelyingParty:
    add(provider, jwks_uri="https://rp.example/jwks")
    keys = ClientKeys(address.fetch, provider.clock)
    return RelyingParty(provider.with_services(client_keys=keys), "app")
