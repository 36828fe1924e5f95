"""What the engine asks of the provider: it holds no store, no clock and no key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from idp.domain.client import Client
from idp.domain.grant import Grant


@dataclass(frozen=True, slots=True)
class ClientPorts:
    """For the authentication of a client.

    client: by its id, enabled ones only.
    keys: a client's public keys; with True asked anew, if that was not done a moment ago. Raises InvalidToken.
    once: True for the first use of a name, which is remembered for that long. epoch: since when it is remembered.
    """

    issuer: str
    client: Callable[[str], Client | None]
    keys: Callable[[Client, bool], Mapping[str, Any]]
    once: Callable[[str, timedelta], bool]
    epoch: Callable[[], datetime]
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class TokenPorts:
    """For one token request. Each of the last three makes its response, and what it changes, as a whole or not at all.

    grant: by its code, with no judgement. is_expired: the code's 60 s have passed.
    redeem: use the code up; raises CodeReplayed if it was used. refresh: use a refresh token; the scope asked for.
    client_credentials: for the client itself; the scope asked for.
    """

    clients: ClientPorts
    grant: Callable[[str], Grant | None]
    is_expired: Callable[[Grant], bool]
    redeem: Callable[[Client, Grant], dict[str, Any]]
    refresh: Callable[[Client, str, str | None], dict[str, Any]]
    client_credentials: Callable[[Client, str | None], dict[str, Any]]
