"""Which relying parties may be registered."""

from datetime import timedelta
from typing import Any

import pytest

from idp.domain.client import uri_problem
from tests.fakes import samples

KEY = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}
BY_KEY = {"auth_method": "private_key_jwt", "secret_digest": None}
MACHINE = {"grant_types": ("client_credentials",), "redirect_uris": (), "scopes": ("ror:read",)}
REFRESHING = {"grant_types": ("authorization_code", "refresh_token")}
OFFLINE = {**REFRESHING, "scopes": ("openid", "offline_access")}

# (change, what is said)
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"client_id": ""}, "client_id"),
    ({"client_id": "a:b"}, "client_id"),  # Basic authentication divides there
    ({"client_id": "a b"}, "client_id"),
    ({"client_id": "é"}, "client_id"),
    ({"client_id": "a" * 65}, "client_id"),
    ({"name": " "}, "name"),
    ({"name": "n" * 201}, "name"),
    ({"redirect_uris": ()}, "redirect_uris"),
    ({"redirect_uris": ("http://ror.example/callback",)}, "https is needed"),
    ({"post_logout_redirect_uris": ("http://ror.example/",)}, "https is needed"),
    ({"initiate_login_uri": "javascript:alert(1)"}, "javascript:alert(1)"),
    ({"logo_uri": "/logo.svg"}, "/logo.svg"),
    ({"policy_uri": "ftp://ror.example/"}, "https is needed"),
    ({"tos_uri": "https://*.example/"}, "wildcard"),
    ({"auth_method": "client_secret_jwt"}, "auth_method"),
    ({"auth_method": "none"}, "a public client has no secret"),
    ({"auth_method": "none", "secret_digest": None, "require_pkce": False}, "always uses PKCE"),
    ({"secret_digest": None}, "a confidential client needs a secret"),
    ({"id_token_alg": "none"}, "id_token_alg"),
    ({"id_token_alg": "HS256"}, "id_token_alg"),
    ({"scopes": ("profile",)}, "scopes"),
    ({"scopes": ("openid", "admin")}, "scopes"),
    ({"token_lifetime": timedelta(minutes=15, seconds=1)}, "token_lifetime"),
    ({"token_lifetime": timedelta(seconds=29)}, "token_lifetime"),
    ({**BY_KEY}, "either jwks or jwks_uri"),
    ({**BY_KEY, "jwks": {"keys": [KEY]}, "jwks_uri": "https://ror.example/jwks"}, "either jwks or jwks_uri"),
    ({**BY_KEY, "jwks": {"keys": [KEY]}, "secret_digest": "0" * 64}, "keys and no secret"),
    ({"jwks": {"keys": [KEY]}}, "for private_key_jwt"),
    ({**BY_KEY, "jwks_uri": "http://ror.example/jwks"}, "https is needed"),
    ({**BY_KEY, "jwks": {"keys": []}}, "1 to 20 keys"),
    ({**BY_KEY, "jwks": {"keys": [KEY] * 21}}, "1 to 20 keys"),
    ({**BY_KEY, "jwks": {}}, "1 to 20 keys"),
    ({**BY_KEY, "jwks": {"keys": ["x"]}}, "RSA or EC"),
    ({**BY_KEY, "jwks": {"keys": [{"kty": "oct"}]}}, "RSA or EC"),
    ({**BY_KEY, "jwks": {"keys": [{**KEY, "d": "AA"}]}}, "a private key was sent"),
    ({"grant_types": (), "redirect_uris": ()}, "grant_types"),
    ({"grant_types": ("authorization_code", "password")}, "grant_types"),
    ({**MACHINE, "grant_types": ("client_credentials", "refresh_token")}, "goes with authorization_code"),
    ({**MACHINE, "auth_method": "none", "secret_digest": None}, "cannot prove itself"),
    ({**MACHINE, "scopes": ("ROR read",)}, "scopes: lower-case"),
    ({**MACHINE, "redirect_uris": ("https://ror.example/callback",)}, "none otherwise"),
    ({"scopes": ("openid", "offline_access"), "offline_lifetime": timedelta(days=1)}, "refresh_token"),
    ({**OFFLINE}, "offline_lifetime"),
    ({**REFRESHING, "offline_lifetime": timedelta(days=1)}, "for the scope offline_access"),
    ({**OFFLINE, "offline_lifetime": timedelta(days=90, seconds=1)}, "1 hour to 90 days"),
    ({**OFFLINE, "offline_lifetime": timedelta(minutes=59)}, "1 hour to 90 days"),
    ({"access_token_format": "paseto"}, "access_token_format"),
    ({"introspects": "all"}, "introspects"),
    ({"introspects": "audience"}, "the audience that it names"),
    ({"audience": "http://api.example"}, "audience"),
    ({"consent": "sometimes"}, "consent"),
    ({"subject_type": "sectoral"}, "subject_type"),
    ({"subject_type": "pairwise"}, "a sector belongs to pairwise"),
    ({"sector": "ror.example"}, "a sector belongs to pairwise"),
    ({"subject_type": "pairwise", "sector": "https://ror.example/x"}, "a host name"),
    ({"backchannel_logout_uri": "http://ror.example/logout"}, "https is needed"),
]


@pytest.mark.parametrize(("change", "said"), REFUSED)
def test_a_client_that_is_not_sound_is_refused(change: dict[str, Any], said: str) -> None:
    problems = samples.client(**change).problems()
    assert len(problems) == 1
    assert said in problems[0]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"client_id": "espace-pro.oru_na~2"},
        {"auth_method": "client_secret_post", "require_pkce": False},
        {"auth_method": "none", "secret_digest": None},
        {"id_token_alg": "ES256"},
        {"id_token_alg": "PS256"},
        {**BY_KEY, "jwks": {"keys": [KEY]}},
        {**BY_KEY, "jwks_uri": "https://ror.example/jwks"},
        MACHINE,
        {**OFFLINE, "offline_lifetime": timedelta(days=90)},
        {"introspects": "audience", "audience": "urn:ror:api", "access_token_format": "jwt"},
        {"subject_type": "pairwise", "sector": "ror.example", "consent": "first", "par_required": True},
        {"token_lifetime": timedelta(minutes=15)},
        {"redirect_uris": ("https://ror.example/callback", "http://localhost:8080/callback")},
        {"initiate_login_uri": "https://ror.example/login", "logo_uri": "https://ror.example/logo.svg"},
    ],
)
def test_a_sound_client_has_no_problem(change: dict[str, Any]) -> None:
    assert samples.client(**change).problems() == []


def test_all_problems_are_told_at_once() -> None:
    assert len(samples.client(redirect_uris=(), scopes=(), id_token_alg="none").problems()) == 3


@pytest.mark.spec("RFC 6749 §3.1.2, RFC 9700 §2.1")
@pytest.mark.parametrize(
    "uri",
    [
        "",
        "ror.example/callback",
        "//ror.example/callback",
        "https:///callback",
        "https:callback",
        "http://ror.example/callback",
        "http://localhost.example/callback",
        "http://127.0.0.1.example/callback",
        "ror://callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://ror.example/callback#",
        "https://ror.example/callback#fragment",
        "https://anne@ror.example/callback",
        "https://:pw@ror.example/callback",
        "https://@ror.example/callback",
        "http://localhost@ror.example/callback",
        "https://*.ror.example/callback",
        "https://ror.example/*",
        "https://ror.example\\@other.example/",
        "https://ror.example;script-src/",
        "https://ror.example'/",
        "https://ror.example,other.example/",
        "https://ror.example:port/",
        "https://ror.example:99999/",
        "https://[::1/",
        "https://ror.example/a b",
        "https://ror.example/a\nb",
        " https://ror.example/",
        "https://ror.example/\x7f",
        "https://ror.example/\x00",
        "https://rör.example/",
        "https://ror.example/é",
        "https://ror.example/" + "a" * 2000,
    ],
)
def test_a_uri_that_may_not_be_registered(uri: str) -> None:
    assert uri_problem(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "https://ror.example",
        "https://ror.example/callback?tenant=na&x=%C3%A9",
        "https://ror.example:8443/callback",
        "https://10.0.0.1/callback",
        "http://localhost/callback",
        "http://localhost:5001/callback",
        "http://127.0.0.1:5001/callback",
    ],
)
def test_a_uri_that_may_be_registered(uri: str) -> None:
    assert uri_problem(uri) is None


@pytest.mark.spec("CSP 3 §2.3.1")
@pytest.mark.parametrize("uri", ["http://[::1]/cb", "http://[::1]:5001/cb", "https://[2001:db8::1]:8443/cb"])
def test_an_ipv6_address_is_refused_for_a_reason_that_is_said(uri: str) -> None:
    """`form-action http://[::1]:5001` is no source: Chromium would ignore it, and hold the answer back."""
    assert "use a host name" in str(uri_problem(uri))


def test_the_digest_of_the_secret_is_not_shown() -> None:
    assert "0" * 64 not in repr(samples.client())
