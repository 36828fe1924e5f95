"""Token introspection (RFC 7662): for clients that prove themselves, about their own tokens or their audience's."""

from typing import Any

import flask

from idp.domain.access_token import AccessToken
from idp.domain.client import Client
from idp.errors import ProtocolError
from idp.flows.oidc import client_authentication, engine
from idp.flows.oidc.token import form_of_request, unkept
from idp.flows.services import Services
from idp.flows.subjects import subject
from idp.web.parameters import single

PATH = "/introspect"
KNOWN = engine.CREDENTIALS | {"token", "token_type_hint"}
SECRETS = engine.SECRETS | {"token"}
INACTIVE = {"active": False}


def blueprint(services: Services) -> flask.Blueprint:
    """POST /introspect."""
    bp = flask.Blueprint("introspect", __name__)

    @bp.post(PATH)
    def introspect() -> flask.Response:
        form = single(form_of_request(SECRETS), KNOWN)
        client = client_authentication.authenticated(services, PATH, flask.request.headers, form)
        if client.is_public:
            raise ProtocolError("invalid_client", "A public client cannot prove who it is.")
        if "token" not in form:
            raise ProtocolError("invalid_request", "token is missing.")
        return unkept(_describe(services, client, form["token"]))

    return bp


def _describe(services: Services, client: Client, token: str) -> dict[str, Any]:
    """What is said of a token; of one that is dead, unknown or not this client's affair, nothing (RFC 7662 §2.2)."""
    record = services.access_tokens.find(token)
    if record is None:
        return _describe_refresh_token(services, client, token)
    if record.client_id != client.client_id:
        is_theirs = client.introspects == "audience" and record.audience == client.audience
        may_ask = is_theirs and record.audience != services.settings.issuer  # what names no resource is for nobody else
        if not may_ask or services.configuration.client(record.client_id) is None:
            return INACTIVE
    return _access_token(services.settings.issuer, record)


def _access_token(issuer: str, record: AccessToken) -> dict[str, Any]:
    known = {
        "scope": " ".join(record.scope) or None,
        "client_id": record.client_id,
        "token_type": "Bearer",
        "exp": record.expires_at,
        "iat": record.issued_at,
        "sub": record.subject,
        "aud": record.audience,
        "iss": issuer,
        "auth_time": record.auth_time,
        "acr": record.acr,
    }
    return {"active": True, **{name: value for name, value in known.items() if value is not None}}


def _describe_refresh_token(services: Services, client: Client, token: str) -> dict[str, Any]:
    now = services.now()
    with services.db.read() as tx:
        found = tx.refresh_tokens.find(token, now)
        if found is None or found.grant.client_id != client.client_id or found.used_at is not None:
            return INACTIVE
    policy = services.configuration.policy(client.client_id)
    idle, reach = services.settings.session_idle, services.registry.reach
    if found.ends_at is None or found.problem(policy, now, idle=idle, reach=reach) is not None:
        return INACTIVE
    return {
        "active": True,
        "scope": " ".join(found.grant.scope),
        "client_id": client.client_id,
        "exp": int(found.ends_at.timestamp()),
        "iat": int(found.created_at.timestamp()),
        "sub": subject(services, client, found.grant.account_id),
        "iss": services.settings.issuer,
    }
