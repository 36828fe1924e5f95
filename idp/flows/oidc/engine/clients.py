"""Client authentication, one for every endpoint that clients call (RFC 6749 §2.3, RFC 7523 §3, OIDC Core §9)."""

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import unquote

import structlog
from authlib.oauth2.rfc6749 import ClientAuthentication, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from idp.domain.client import Client
from idp.domain.ids import digest
from idp.errors import ProtocolError
from idp.flows.oidc.engine.assertion import BY_JWT, asserted_client
from idp.flows.oidc.engine.ports import ClientPorts
from keys.jws import InvalidToken

SECRETS: Final = frozenset({"client_secret", "client_assertion"})
FAILED: Final = "Client authentication failed."  # whatever failed: the same words
CREDENTIALS: Final = SECRETS | {"client_id", "client_assertion_type"}


class ClientView:
    """A Client as Authlib wants to see it."""

    def __init__(self, client: Client, now: datetime | None = None) -> None:
        """now: for one that is to prove itself by a secret."""
        self.client, self._now = client, now

    def check_client_secret(self, secret: str) -> bool:
        known = self.client.secret_digests(self._now) if self._now else ()
        return any(hmac.compare_digest(digest(secret), each) for each in known)

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method == self.client.auth_method

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.client.grant_types


class Request(OAuth2Request):  # type: ignore[misc]
    """A request as Authlib wants to see it, made of what we hand over."""

    def __init__(self, uri: str, headers: Mapping[str, str], form: Mapping[str, str]) -> None:
        super().__init__("POST", uri, headers=dict(headers))
        self.payload = BasicOAuth2Payload(dict(form))

    @property
    def form(self) -> Mapping[str, str]:
        fields: Mapping[str, str] = self.payload.data
        return fields


class _Presented:
    """What Authlib reads of a request to authenticate its client: no URL, whose scheme it would look at each time."""

    def __init__(self, header: str | None, form: Mapping[str, str]) -> None:
        self.headers = {"Authorization": header}
        self.form, self.payload = form, BasicOAuth2Payload(form)


def authenticate(endpoint_url: str, headers: Mapping[str, str], form: Mapping[str, str], ports: ClientPorts) -> Client:
    """The client that makes this request, proven by the one method that it registered.

    endpoint_url: as the client calls it, which an assertion may name as its audience. form: single-valued, checked
    parameters. Raises ProtocolError("invalid_client"), or "invalid_request" for two methods at once.
    """
    method = _method_used(headers, form)
    if method == "private_key_jwt":
        try:
            return asserted_client(endpoint_url, form, ports)
        except InvalidToken as refusal:
            structlog.get_logger().warning("client assertion refused", reason=str(refusal), endpoint=endpoint_url)
            raise ProtocolError("invalid_client", FAILED, detail=str(refusal)) from refusal

    def query(client_id: str) -> ClientView | None:
        client = ports.client(client_id)
        return None if client is None else ClientView(client, ports.now())

    presented = _Presented(headers.get("Authorization"), form)
    try:
        found: ClientView = ClientAuthentication(query)(presented, [method])
    except InvalidClientError as error:
        raise ProtocolError("invalid_client", FAILED, detail=str(error)) from error
    return found.client


def _method_used(headers: Mapping[str, str], form: Mapping[str, str]) -> str:
    """Which method the request uses: one, well formed (RFC 6749 §2.3, §2.3.1; RFC 7521 §4.2)."""
    header = headers.get("Authorization")
    asserts = "client_assertion" in form or "client_assertion_type" in form
    if (header is not None) + ("client_secret" in form) + asserts > 1:
        raise ProtocolError("invalid_request", "Two client authentication mechanisms are used.")
    if header is not None:
        _check_basic(header, form)
        return "client_secret_basic"
    if asserts:
        if form.get("client_assertion_type") != BY_JWT or "client_assertion" not in form:
            raise ProtocolError("invalid_client", "The client assertion is missing or of an unknown type.")
        return "private_key_jwt"
    return "client_secret_post" if "client_secret" in form else "none"


def _check_basic(header: str, form: Mapping[str, str]) -> None:
    scheme, _, encoded = header.partition(" ")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("ascii")
    except ValueError:
        decoded = ""
    client_id, _, secret = map(unquote, decoded.partition(":"))
    sound = all(part and part.isascii() and part.isprintable() for part in (client_id, secret))
    if scheme.lower() != "basic" or not sound:
        raise ProtocolError("invalid_client", "The Authorization header is malformed.")
    if form.get("client_id", client_id) != client_id:
        raise ProtocolError("invalid_client", "client_id differs from the authenticated client.")
