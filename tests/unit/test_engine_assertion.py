"""What the check of an assertion asks of the provider, and what it makes of the answers."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from idp.domain.client import Client
from idp.errors import ProtocolError
from idp.flows.oidc import engine
from tests.fakes.client_key import BY_JWT, jwks_of, make_key
from tests.fakes.clock import START

KEY, T = make_key(), int(START.timestamp())
ISSUER = "https://idp.example"
CLIENT = Client("app", "app", (), auth_method="private_key_jwt", jwks=jwks_of(KEY))
CLAIMS: dict[str, Any] = {"iss": "app", "sub": "app", "aud": ISSUER, "jti": "1", "iat": T, "exp": T + 300}


class Ports:
    """What was asked: names that were used, with how long they are remembered, and whether keys were asked anew."""

    def __init__(self, client: Client = CLIENT, epoch: datetime = START) -> None:
        self.used: list[tuple[str, timedelta]] = []
        self.asked: list[bool] = []
        self._client, self._epoch = client, epoch

    def authenticate(self, **claims: Any) -> Client:
        ports = engine.ClientPorts(ISSUER, self._find, self._keys, self._once, lambda: self._epoch, lambda: START)
        form = {"client_assertion_type": BY_JWT, "client_assertion": KEY.sign({**CLAIMS, **claims})}
        return engine.authenticate(f"{ISSUER}/token", {}, form, ports)

    def _find(self, client_id: str) -> Client | None:
        return self._client if client_id == self._client.client_id else None

    def _keys(self, client: Client, anew: bool) -> Mapping[str, Any]:
        self.asked.append(anew)
        return client.jwks or jwks_of(make_key("other"))

    def _once(self, name: str, ttl: timedelta) -> bool:
        self.used.append((name, ttl))
        return len(self.used) == 1


def refused(ports: Ports, **claims: Any) -> None:
    with pytest.raises(ProtocolError) as refusal:
        ports.authenticate(**claims)
    assert refusal.value.code == "invalid_client"


def test_a_use_is_remembered_for_as_long_as_the_clocks_may_differ() -> None:
    ports = Ports()
    assert ports.authenticate() is CLIENT
    assert ports.used == [("app 1", timedelta(seconds=360))]


@pytest.mark.parametrize("claims", [{"exp": T + 601}, {"exp": T - 60}, {"aud": "x"}, {"iss": "x"}, {"iat": T - 1}])
def test_what_is_refused_uses_nothing_up(claims: dict[str, Any]) -> None:
    ports = Ports()
    refused(ports, **claims)
    assert ports.used == []


def test_keys_of_a_client_that_registered_another_method_count_nothing() -> None:
    ports = Ports(replace(CLIENT, auth_method="client_secret_basic"))
    refused(ports)
    assert ports.asked == []


def test_a_registered_set_is_asked_for_once_and_an_address_twice() -> None:
    for client, asked in (
        (replace(CLIENT, jwks=jwks_of(make_key("other"))), [False]),
        (replace(CLIENT, jwks=None, jwks_uri="https://rp.example/jwks"), [False, True]),
    ):
        ports = Ports(client)
        refused(ports)
        assert ports.asked == asked


def test_what_was_issued_before_the_stores_birth_is_refused() -> None:
    refused(Ports(epoch=START + timedelta(seconds=1)))
    assert Ports(epoch=START + timedelta(milliseconds=999)).authenticate(), "iat has no fraction of a second"
