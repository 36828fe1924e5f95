"""The only door to Authlib's server side: token requests and client authentication (RFC 6749 §3.2, §4.1.3; RFC 7636).

What Authlib 1.9 leaves open is closed here, each with a test named after it: parameters are checked before it sees
them (an accent or a quote in `grant_type` would be a 500); a code is redeemed by one UPDATE before any token is made
(it looks up and deletes); the request is built from what we hand over (its Flask adapter reads the global one); its
loggers never print tokens (`idp.web.logs.quiet_authlib`).
"""

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientAuthentication, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidGrantError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge

from idp.domain.client import AUTH_METHODS, Client
from idp.domain.grant import Grant
from idp.domain.ids import digest
from idp.errors import ProtocolError

BAD_CODE = "The authorization code is not valid."  # unknown, used, expired, another client's: the same words


class CodeReplayed(Exception):
    """A code was used a second time; the grant must be revoked (RFC 6749 §4.1.2, RFC 9700 §2.1.1)."""

    def __init__(self, grant: Grant) -> None:
        super().__init__(grant.grant_id)
        self.grant = grant


@dataclass(frozen=True, slots=True)
class TokenPorts:
    """What the engine asks of the provider while it answers one token request.

    client: by its id, enabled ones only. grant: by its code, with no judgement.
    redeem: use the code up and make the token response, both or neither; raises CodeReplayed if it was used.
    is_expired: the code's 60 s have passed.
    """

    client: Callable[[str], Client | None]
    grant: Callable[[str], Grant | None]
    redeem: Callable[[Client, Grant], dict[str, Any]]
    is_expired: Callable[[Grant], bool]


class _ClientView:
    """A Client as Authlib wants to see it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def check_client_secret(self, secret: str) -> bool:
        return hmac.compare_digest(digest(secret), self.client.secret_digest or "")

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method == self.client.auth_method

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class _CodeView:
    """A Grant as Authlib wants to see a code."""

    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self.code_challenge = grant.code_challenge
        self.code_challenge_method = "S256" if grant.code_challenge else None

    def get_redirect_uri(self) -> str:
        return self.grant.redirect_uri


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, uri: str, headers: Mapping[str, str], form: Mapping[str, str], ports: TokenPorts) -> None:
        super().__init__("POST", uri, headers=dict(headers))
        self.payload = BasicOAuth2Payload(dict(form))
        self.ports = ports

    @property
    def form(self) -> Mapping[str, str]:
        fields: Mapping[str, str] = self.payload.data
        return fields


class _CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def query_authorization_code(self, code: str, client: _ClientView) -> _CodeView | None:
        grant = self.request.ports.grant(code)
        if grant is None or grant.client_id != client.client.client_id:
            return None
        if grant.redeemed_at is not None:
            raise CodeReplayed(grant)
        if grant.revoked_at is not None or self.request.ports.is_expired(grant):
            return None
        return _CodeView(grant)

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Of two uses at once exactly one gets tokens."""
        return 200, self.request.ports.redeem(self.request.client.client, self.request.authorization_code.grant), []


class _Server(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server, for the token endpoint; it keeps nothing between requests."""

    def authenticate_client(self, request: _Request, methods: Any, endpoint: str = "token") -> Any:
        def query(client_id: str) -> _ClientView | None:
            client = request.ports.client(client_id)
            return None if client is None else _ClientView(client)

        return ClientAuthentication(query)(request, methods, endpoint)

    def send_signal(self, _name: str, *_args: Any, **_kwargs: Any) -> None:
        """Nobody listens."""


_server = _Server()
_server.register_grant(_CodeGrant, [CodeChallenge(required=True)])


def answer(uri: str, headers: Mapping[str, str], form: Mapping[str, str], ports: TokenPorts) -> dict[str, Any]:
    """Validate a token request and make its response.

    form: single-valued, checked parameters. Raises ProtocolError, or CodeReplayed.
    """
    _check_credentials(headers, form)
    if form.get("grant_type") is None:
        raise ProtocolError("invalid_request", "grant_type is missing.")
    if form["grant_type"] != "authorization_code":  # Authlib would repeat the value, which may not be repeatable
        raise ProtocolError("unsupported_grant_type", "Only authorization_code is supported.")
    request = _Request(uri, headers, form, ports)
    try:
        grant = _server.get_token_grant(request)
        grant.validate_token_request()
        _, response, _ = grant.create_token_response()
    except InvalidClientError as error:
        raise ProtocolError("invalid_client", "Client authentication failed.", detail=str(error)) from error
    except InvalidGrantError as error:
        raise ProtocolError("invalid_grant", BAD_CODE, detail=str(error)) from error
    except OAuth2Error as error:
        raise ProtocolError(error.error, error.get_error_description() or "") from error
    tokens: dict[str, Any] = response
    return tokens


def _check_credentials(headers: Mapping[str, str], form: Mapping[str, str]) -> None:
    """One mechanism of client authentication, well formed (RFC 6749 §2.3, §2.3.1)."""
    header = headers.get("Authorization")
    if header is None:
        return
    if "client_secret" in form:
        raise ProtocolError("invalid_request", "Two client authentication mechanisms are used.")
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
