"""Who calls: the engine's client authentication, with the provider's stores."""

from collections.abc import Mapping
from typing import Any

from idp.domain.client import Client
from idp.flows.oidc import engine
from idp.flows.services import Services

USED = "client_assertion"


def authenticated(services: Services, path: str, headers: Any, form: Mapping[str, str]) -> Client:
    """The client that calls the endpoint at `path`. Raises ProtocolError.

    headers: by name, as Flask's or a dict. form: single-valued, with `engine.CREDENTIALS` among the known names.
    """
    return engine.authenticate(f"{services.settings.issuer}{path}", headers, form, ports(services))


def ports(services: Services) -> engine.ClientPorts:
    """What client authentication asks for, from this provider."""
    return engine.ClientPorts(
        issuer=services.settings.issuer,
        client=services.configuration.client,
        keys=services.client_keys.of,
        once=lambda name, ttl: services.ephemeral.once(USED, name, ttl),
        epoch=services.ephemeral.epoch,
        now=services.now,
    )
