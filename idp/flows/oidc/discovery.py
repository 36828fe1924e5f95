"""Metadata and keys (OIDC Discovery 1.0, RFC 8414, RFC 7517)."""

import json
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any

import flask

from idp.domain.client import ALGORITHMS, AUTH_METHODS, GRANT_TYPES, SCOPES
from idp.errors import Unavailable
from idp.flows.oidc.claims import CLAIMS
from idp.flows.services import Services
from keys.jwks import jwks
from keys.ring import published as ring_published
from keys.signer import SigningKey

OPENID, OAUTH = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"
KEYS = "/jwks"
PUBLIC = {
    "Cache-Control": "public, max-age=300",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def metadata(services: Services) -> dict[str, Any]:
    """What the provider can do; says nothing that it does not."""
    issuer = services.settings.issuer
    brand = services.settings.brand
    ring = services.signer.keys()
    signed = {key.alg for key in ring}
    confidential = [method for method in AUTH_METHODS if method != "none"]
    document: dict[str, Any] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "require_pushed_authorization_requests": False,
        "introspection_endpoint": f"{issuer}/introspect",
        "revocation_endpoint": f"{issuer}/revoke",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "end_session_endpoint": f"{issuer}/logout",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": list(GRANT_TYPES),
        "acr_values_supported": list(services.acr.names.values()),
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": [alg for alg in ALGORITHMS if alg in signed],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": sorted({"sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "sid"} | CLAIMS),
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "ui_locales_supported": ["fr", "en"],
    }
    if brand.privacy_url and "://" in brand.privacy_url:
        document["op_policy_uri"] = brand.privacy_url
    if brand.legal_url and "://" in brand.legal_url:
        document["op_tos_uri"] = brand.legal_url
    return document


def states(services: Services) -> dict[str, Callable[[], Hashable]]:
    """What each document depends on (idp.web.remembered): all are the same for everybody."""
    return {OPENID: lambda: None, OAUTH: lambda: None, KEYS: lambda: _published(services)}


def _published(services: Services) -> tuple[SigningKey, ...]:
    """The keys that are published now, those of a rotation included."""
    with suppress(Unavailable):  # keys that were rotated are read again then
        services.configuration.refresh()
    return ring_published(services.signer.keys(), services.now())


def blueprint(services: Services) -> flask.Blueprint:
    """Discovery and JWKS: public, cacheable, readable by scripts of any origin, and there whatever else is not."""
    bp = flask.Blueprint("discovery", __name__)
    document = json.dumps(metadata(services)).encode()

    def public(body: bytes) -> flask.Response:
        return flask.Response(body, headers=PUBLIC, mimetype="application/json")

    @bp.get(OPENID)
    @bp.get(OAUTH)
    def configuration() -> flask.Response:
        return public(document)

    @bp.get(KEYS)
    def keys() -> flask.Response:
        _published(services)
        return public(json.dumps(jwks(services.signer, services.now())).encode())

    return bp
