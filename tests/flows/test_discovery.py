"""Metadata and keys: well formed, true, and nothing but registered names."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty

pytestmark = pytest.mark.embedded  # asks nothing of a store

# OIDC Discovery §3, RFC 8414 §2, RFC 9207 §3 and RP-Initiated Logout §2.1: of the registered names, those we may use.
REGISTERED = {
    "issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint",
    "scopes_supported", "response_types_supported", "response_modes_supported", "grant_types_supported",
    "acr_values_supported", "subject_types_supported", "id_token_signing_alg_values_supported",
    "userinfo_signing_alg_values_supported", "request_object_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported",
    "display_values_supported", "claim_types_supported", "claims_supported", "service_documentation",
    "claims_locales_supported", "ui_locales_supported", "claims_parameter_supported", "request_parameter_supported",
    "request_uri_parameter_supported", "require_request_uri_registration", "op_policy_uri", "op_tos_uri",
    "code_challenge_methods_supported", "authorization_response_iss_parameter_supported",
    "backchannel_logout_supported", "backchannel_logout_session_supported",
    "pushed_authorization_request_endpoint", "require_pushed_authorization_requests",
    "introspection_endpoint", "introspection_endpoint_auth_methods_supported",
    "introspection_endpoint_auth_signing_alg_values_supported", "revocation_endpoint",
    "revocation_endpoint_auth_methods_supported", "revocation_endpoint_auth_signing_alg_values_supported",
}  # fmt: skip
WELL_KNOWN = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


@pytest.fixture
def document(provider: Provider) -> dict[str, Any]:
    return dict(provider.browser().get(WELL_KNOWN[0]).json or {})


@pytest.mark.spec("OIDC Discovery §4, RFC 8414 §3")
def test_both_addresses_answer_the_same_to_anybody(provider: Provider) -> None:
    answers = [provider.browser().get(path) for path in WELL_KNOWN]
    for response in answers:
        assert (response.status_code, response.mimetype) == (200, "application/json")
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Set-Cookie" not in response.headers
    assert answers[0].json == answers[1].json


def test_only_registered_names_with_their_types(document: dict[str, Any]) -> None:
    assert document.keys() <= REGISTERED
    for name, value in document.items():
        if name.endswith(("_values_supported", "s_supported")) and name != "claims_parameter_supported":
            assert isinstance(value, list), name
            assert value, name
            assert len(set(value)) == len(value), name
            assert all(isinstance(item, str) for item in value), name
        elif name.endswith("_supported") or name == "require_pushed_authorization_requests":
            assert isinstance(value, bool), name
        else:
            assert isinstance(value, str), name


def test_issuer_and_addresses(document: dict[str, Any]) -> None:
    assert document["issuer"] == ISSUER
    for name, value in document.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            assert urlsplit(value).scheme == "https"
            assert value.startswith(f"{ISSUER}/")


@pytest.mark.parametrize(
    "name",
    [
        *("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"),
        *("introspection_endpoint", "revocation_endpoint", "pushed_authorization_request_endpoint"),
    ],
)
def test_every_address_exists(provider: Provider, document: dict[str, Any], name: str) -> None:
    assert provider.browser().get(document[name]).status_code != 404


def test_what_is_said_is_true(provider: Provider, document: dict[str, Any]) -> None:
    assert document["response_types_supported"] == ["code"]
    assert document["grant_types_supported"] == ["authorization_code", "refresh_token", "client_credentials"]
    assert document["response_modes_supported"] == ["query", "form_post"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert set(document["token_endpoint_auth_methods_supported"]) == {
        "client_secret_basic", "client_secret_post", "private_key_jwt", "none",
    }  # fmt: skip
    assert "none" not in document["introspection_endpoint_auth_methods_supported"]
    assert set(document["token_endpoint_auth_signing_alg_values_supported"]) == {"RS256", "PS256", "ES256"}
    assert document["request_parameter_supported"] is False
    assert document["request_uri_parameter_supported"] is False
    assert document["claims_parameter_supported"] is True
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["subject_types_supported"] == ["public", "pairwise"]
    assert {"RS256", "PS256", "ES256"} == set(document["id_token_signing_alg_values_supported"])
    claims = RelyingParty(provider).tokens()["claims"]
    assert claims.keys() - {"nonce", "at_hash"} <= set(document["claims_supported"])
    assert claims["acr"] in document["acr_values_supported"]


@pytest.mark.spec("RFC 6749 §3.3, BCP 47")
def test_scopes_and_languages_are_well_formed(document: dict[str, Any]) -> None:
    assert "openid" in document["scopes_supported"]
    assert all(re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", scope) for scope in document["scopes_supported"])
    assert document["ui_locales_supported"] == ["fr", "en"]


@pytest.mark.spec("RFC 7517 §9.3")
def test_keys_are_public_distinct_and_for_signing(provider: Provider) -> None:
    response = provider.browser().get("/jwks")
    assert response.status_code == 200
    keys = (response.json or {})["keys"]
    assert {key["alg"] for key in keys} == {"RS256", "PS256", "ES256"}
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        public = {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}}[key["kty"]]
        assert key.keys() == {"kty", "kid", "alg", "use"} | public
        assert key["use"] == "sig"


def test_policies_of_the_region_are_said_when_they_are_addresses(start: Callable[..., Provider]) -> None:
    brand = {"privacy_url": "https://esea.example/privacy", "legal_url": "/legal"}
    document = start(brand=brand).browser().get(WELL_KNOWN[0]).json or {}
    assert document["op_policy_uri"] == "https://esea.example/privacy"
    assert "op_tos_uri" not in document


def test_back_channel_logout_is_told(provider: Provider) -> None:
    document = provider.browser().get("/.well-known/openid-configuration").json
    assert document
    assert document["backchannel_logout_supported"] is True
    assert document["backchannel_logout_session_supported"] is True
