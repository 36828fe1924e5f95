"""Token requests (RFC 6749 §3.2, §4.1.3, §4.4.2, §6; RFC 7636 §4.5)."""

from collections.abc import Mapping
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidGrantError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge

from idp.domain.client import AUTH_METHODS, GRANT_TYPES, Client
from idp.domain.grant import Grant
from idp.errors import ProtocolError
from idp.flows.oidc.engine.clients import ClientView, Request, authenticate
from idp.flows.oidc.engine.ports import TokenPorts

BAD_CODE = "The authorization code is not valid."  # unknown, used, expired, another client's: the same words


class CodeReplayed(Exception):
    """A code was used a second time; the grant must be revoked (RFC 6749 §4.1.2, RFC 9700 §2.1.1)."""

    def __init__(self, grant: Grant) -> None:
        super().__init__(grant.grant_id)
        self.grant = grant


class _CodeView:
    """A Grant as Authlib wants to see a code."""

    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self.code_challenge = grant.code_challenge
        self.code_challenge_method = "S256" if grant.code_challenge else None

    def get_redirect_uri(self) -> str:
        return self.grant.redirect_uri


class _Request(Request):
    def __init__(self, uri: str, form: Mapping[str, str], client: Client, ports: TokenPorts) -> None:
        super().__init__(uri, {}, form)
        self.client, self.ports = ClientView(client), ports
        self.auth_method = client.auth_method


class _CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def query_authorization_code(self, code: str, client: ClientView) -> _CodeView | None:
        grant = self.request.ports.grant(code)
        if grant is None or grant.client_id != client.client.client_id:
            return None
        if grant.redeemed_at is not None:
            if client.client.is_public and self.request.ports.is_expired(grant):
                return None  # anybody may be this client, and an old code is no secret: it must end nobody's grant
            raise CodeReplayed(grant)
        if grant.revoked_at is not None or self.request.ports.is_expired(grant):
            return None
        return _CodeView(grant)

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Of two uses at once exactly one gets tokens."""
        return 200, self.request.ports.redeem(self.request.client.client, self.request.authorization_code.grant), []


class _Server(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server, for the authorization code; it keeps nothing between requests."""

    def authenticate_client(self, request: _Request, _methods: Any, _endpoint: str = "token") -> ClientView:
        """It is done by the time that Authlib asks."""
        return request.client

    def send_signal(self, _name: str, *_args: Any, **_kwargs: Any) -> None:
        """Nobody listens."""


_server = _Server()
_server.register_grant(_CodeGrant, [CodeChallenge(required=True)])


def answer(uri: str, headers: Mapping[str, str], form: Mapping[str, str], ports: TokenPorts) -> dict[str, Any]:
    """Validate a token request and make its response.

    form: single-valued, checked parameters. Raises ProtocolError, or CodeReplayed.
    """
    grant_type = form.get("grant_type")
    client = authenticate(uri, headers, form, ports.clients)
    if grant_type is None:
        raise ProtocolError("invalid_request", "grant_type is missing.")
    if grant_type not in GRANT_TYPES:  # Authlib would repeat the value, which may not be repeatable
        raise ProtocolError("unsupported_grant_type", f"grant_type is one of {', '.join(GRANT_TYPES)}.")
    if grant_type not in client.grant_types:
        raise ProtocolError("unauthorized_client", "The client may not use this grant type.")
    if grant_type == "refresh_token":
        if "refresh_token" not in form:
            raise ProtocolError("invalid_request", "refresh_token is missing.")
        return ports.refresh(client, form["refresh_token"], form.get("scope"))
    if grant_type == "client_credentials":
        return ports.client_credentials(client, form.get("scope"))
    return _exchange_code(_Request(uri, form, client, ports))


def _exchange_code(request: _Request) -> dict[str, Any]:
    try:
        grant = _server.get_token_grant(request)
        grant.validate_token_request()
        _, response, _ = grant.create_token_response()
    except InvalidGrantError as error:
        raise ProtocolError("invalid_grant", BAD_CODE, detail=str(error)) from error
    except OAuth2Error as error:
        raise ProtocolError(error.error, error.get_error_description() or "") from error
    tokens: dict[str, Any] = response
    return tokens
