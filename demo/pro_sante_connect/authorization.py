"""The authorization request, as the sandbox wants it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.pro_sante_connect.clients import Client

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

ACR_VALUES = "eidas1"  # the only value that may be asked for


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What was asked and found good. max_age: seconds."""

    client: Client
    redirect_uri: str
    scope: str
    code_challenge: str
    state: str | None
    nonce: str | None
    prompt: frozenset[str]
    max_age: int | None


class NotRedirectable(Exception):
    """Client or redirect_uri are unknown: the person is told, nobody else (RFC 6749 §4.1.2.1)."""


class AuthorizationError(Exception):
    """An error that goes back to the client."""

    def __init__(self, error: str, description: str, redirect_uri: str, state: str | None) -> None:
        super().__init__(description)
        self.error, self.description, self.redirect_uri, self.state = error, description, redirect_uri, state


def read(clients: Mapping[str, Client], query: "MultiDict[str, str]") -> AuthorizationRequest:
    """Raises NotRedirectable and AuthorizationError. Asks for PKCE, which the service itself may not demand."""
    repeated = next((name for name, values in query.lists() if len(values) > 1), None)
    client = clients.get(query.get("client_id", ""))
    redirect_uri, state = query.get("redirect_uri", ""), query.get("state")
    if client is None or redirect_uri not in client.redirect_uris or repeated in {"client_id", "redirect_uri"}:
        raise NotRedirectable("client_id ou redirect_uri inconnu")

    def refuse(error: str, description: str) -> AuthorizationError:
        return AuthorizationError(error, description, redirect_uri, state)

    if repeated:
        raise refuse("invalid_request", f"{repeated} is repeated")
    if query.get("response_type") != "code":
        raise refuse("unsupported_response_type", "response_type must be code")
    if {"openid", "scope_all"} - set(query.get("scope", "").split()):
        raise refuse("invalid_scope", "scope must be openid scope_all")
    if query.get("acr_values") != ACR_VALUES:
        raise refuse("invalid_request", f"acr_values must be {ACR_VALUES}")
    if query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43:
        raise refuse("invalid_request", "code_challenge with S256 is required")
    max_age = query.get("max_age")
    if max_age is not None and not re.fullmatch("[0-9]{1,9}", max_age):
        raise refuse("invalid_request", "max_age must be a number of seconds")
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        scope=query["scope"],
        code_challenge=query["code_challenge"],
        state=state,
        nonce=query.get("nonce"),
        prompt=frozenset(query.get("prompt", "").split()),
        max_age=None if max_age is None else int(max_age),
    )
