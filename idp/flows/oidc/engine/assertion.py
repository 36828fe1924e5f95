"""private_key_jwt: a client proves itself by a JWT that it signed (RFC 7523 §3, OIDC Core §9)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from idp.domain.client import ALGORITHMS, CLIENT_ID, Client
from idp.flows.oidc.engine.ports import ClientPorts
from keys.assertions import UnknownKey, unverified_claims, verify_assertion
from keys.jws import InvalidToken

BY_JWT: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_LIFE: Final = timedelta(minutes=10)
LEEWAY: Final = timedelta(seconds=60)  # the clocks of many hospitals
MAX_JTI: Final = 256


def asserted_client(endpoint_url: str, form: Mapping[str, str], ports: ClientPorts) -> Client:
    """The client that signed `client_assertion`, which is used up. Raises InvalidToken."""
    assertion = form["client_assertion"]
    client = _client_named(assertion, form, ports)
    claims = _verify(assertion, client, ports)
    token_endpoint = f"{ports.issuer}/token"  # OIDC Core §9 names it, whichever endpoint is called
    audience = claims.get("aud")
    named = audience[0] if isinstance(audience, list) and len(audience) == 1 else audience
    if not isinstance(named, str) or named not in {ports.issuer, token_endpoint, endpoint_url}:
        raise InvalidToken("aud is not this provider alone")
    _use_up(claims, client, ports)
    return client


def _client_named(assertion: str, form: Mapping[str, str], ports: ClientPorts) -> Client:
    """The client that `sub` names: by its keys, and with it as `iss`, the assertion is then verified."""
    client_id = unverified_claims(assertion).get("sub")
    if not isinstance(client_id, str) or not CLIENT_ID.fullmatch(client_id):
        raise InvalidToken("sub is not a client_id")
    if form.get("client_id", client_id) != client_id:  # RFC 7521 §4.2
        raise InvalidToken("client_id differs from sub")
    client = ports.client(client_id)
    if client is None or client.auth_method != "private_key_jwt":
        raise InvalidToken(f"{client_id}: no such client, or not by private_key_jwt")
    return client


def _verify(assertion: str, client: Client, ports: ClientPorts) -> dict[str, Any]:
    """A key that is not in the set may be newer than our copy of it: asked once more (OIDC Core §10.1.1)."""

    def with_keys(*, anew: bool) -> dict[str, Any]:
        return verify_assertion(
            assertion,
            ports.keys(client, anew),
            algorithms=ALGORITHMS,
            issuer=client.client_id,
            now=ports.now(),
            leeway_s=int(LEEWAY.total_seconds()),
            require=("sub", "aud", "jti"),
        )

    try:
        return with_keys(anew=False)
    except UnknownKey:
        if client.jwks_uri is None:
            raise
        return with_keys(anew=True)


def _use_up(claims: Mapping[str, Any], client: Client, ports: ClientPorts) -> None:
    """Each assertion works once, even if the store that remembers it was emptied meanwhile.

    One without `iat` is taken for as old as `exp` lets it be: none that was used before the store's birth passes.
    """
    now_s, jti = ports.now().timestamp(), claims["jti"]
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
        raise InvalidToken(f"jti is not a text of 1 to {MAX_JTI} characters")
    if claims["exp"] > now_s + MAX_LIFE.total_seconds():
        raise InvalidToken(f"exp is more than {MAX_LIFE} ahead")
    issued_s = claims.get("iat", claims["exp"] - MAX_LIFE.total_seconds())
    if issued_s < int(ports.epoch().timestamp()):
        raise InvalidToken("issued before the store of used assertions was made: it may have been used")
    remembered = timedelta(seconds=claims["exp"] - now_s) + LEEWAY
    if not ports.once(f"{client.client_id} {jti}", remembered):
        raise InvalidToken("the assertion was used before")
