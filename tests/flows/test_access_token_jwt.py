"""Access tokens as JWTs (RFC 9068), for the clients that are registered so."""

from typing import Any

import jwt
import pytest

from idp.domain.account import AccountStatus
from idp.flows.operators import accounts
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty

AUDIENCE = "https://directory.example"


def make(provider: Provider, **changes: Any) -> RelyingParty:
    values = {"access_token_format": "jwt", "audience": AUDIENCE, "id_token_alg": "ES256", **changes}
    provider.add_client("app", **values)
    return RelyingParty(provider, "app")


def read(rp: RelyingParty, token: str, audience: str = AUDIENCE) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, checked as a resource server does (§4)."""
    keys = jwt.PyJWKSet.from_dict(rp.provider.browser().get("/jwks").json or {})
    header = jwt.get_unverified_header(token)
    options: Any = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(
        token, keys[header["kid"]], algorithms=[header["alg"]], audience=audience, issuer=ISSUER, options=options
    )
    return header, claims


@pytest.mark.spec("RFC 9068 §2")
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
def test_header_and_claims(provider: Provider, alg: str) -> None:
    rp = make(provider, id_token_alg=alg)
    tokens = rp.tokens()
    header, claims = read(rp, tokens["access_token"])
    assert (header["typ"], header["alg"]) == ("at+jwt", alg)
    assert claims.keys() == {
        "iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope", "auth_time", "acr", "amr",
    }  # fmt: skip
    assert (claims["client_id"], claims["scope"]) == ("app", tokens["scope"])
    same = ("sub", "iat", "exp", "auth_time", "acr", "amr")
    assert {name: claims[name] for name in same} == {name: tokens["claims"][name] for name in same}


def test_without_an_audience_it_is_for_the_provider(provider: Provider) -> None:
    rp = make(provider, audience=None)
    assert read(rp, rp.tokens()["access_token"], ISSUER)[1]["aud"] == ISSUER


def test_of_a_client_for_itself_it_names_nobody(provider: Provider) -> None:
    rp = make(provider, grant_types=("authorization_code", "client_credentials"), scopes=("openid", "directory:read"))
    response = rp.ask("/token", grant_type="client_credentials")
    _, claims = read(rp, (response.json or {})["access_token"])
    assert claims.keys() == {"iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope"}
    assert claims["sub"] == "app"


@pytest.mark.spec("RFC 9068 §5, OIDC Core §3.1.3.7")
def test_an_id_token_and_an_access_token_are_not_taken_for_one_another(provider: Provider) -> None:
    rp = make(provider)
    tokens = rp.tokens()
    assert rp.userinfo(tokens["id_token"]).status_code == 401
    hinted = rp.authorize(id_token_hint=tokens["access_token"], prompt="none")
    assert "error=invalid_request" in hinted.headers["Location"]


def test_it_is_known_here_until_it_is_revoked(provider: Provider) -> None:
    rp = make(provider)
    token = rp.tokens()["access_token"]
    assert rp.userinfo(token).status_code == 200
    assert (rp.ask("/introspect", token=token).json or {})["active"]
    header, payload, signature = token.split(".")
    for other in (f"{header}.{payload}.{signature[:-4]}AAAA", f"{header}.{payload}.", f"{header}..{signature}"):
        assert rp.userinfo(other).status_code == 401, "the whole token is what is known, not its jti"
    accounts.set_status(provider.desk, "anne.pierre", AccountStatus.SUSPENDED, "left")
    assert rp.userinfo(token).status_code == 401
    assert rp.ask("/introspect", token=token).json == {"active": False}
