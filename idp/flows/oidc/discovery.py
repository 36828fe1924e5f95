"""Metadata and keys (OIDC Discovery 1.0, RFC 8414, RFC 7517)."""

from typing import Any

import flask

from idp.domain.client import AUTH_METHODS, SCOPES
from idp.flows.oidc.claims import CLAIMS
from idp.flows.services import Services
from keys.jwks import jwks


def metadata(services: Services) -> dict[str, Any]:
    """What the provider can do; says nothing that it does not."""
    issuer = services.settings.issuer
    brand = services.settings.brand
    document: dict[str, Any] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "end_session_endpoint": f"{issuer}/logout",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code"],
        "acr_values_supported": list(services.acr.names.values()),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": sorted({"sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "sid"} | CLAIMS),
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "ui_locales_supported": ["fr", "en"],
    }
    if brand.privacy_url and "://" in brand.privacy_url:
        document["op_policy_uri"] = brand.privacy_url
    if brand.legal_url and "://" in brand.legal_url:
        document["op_tos_uri"] = brand.legal_url
    return document


def blueprint(services: Services) -> flask.Blueprint:
    """Discovery and JWKS: public, cacheable, readable by scripts of any origin."""
    bp = flask.Blueprint("discovery", __name__)
    document = metadata(services)

    def public(body: dict[str, Any]) -> flask.Response:
        response = flask.jsonify(body)
        response.headers["Cache-Control"] = "public, max-age=300"
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    @bp.get("/.well-known/openid-configuration")
    @bp.get("/.well-known/oauth-authorization-server")
    def configuration() -> flask.Response:
        return public(document)

    @bp.get("/jwks")
    def keys() -> flask.Response:
        return public(jwks(services.signer, services.now()))

    return bp
