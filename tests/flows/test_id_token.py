"""The ID Token: exactly these claims, with these values (OIDC Core §2, §3.1.3.6)."""

import base64
import hashlib
import json
from datetime import timedelta

import jwt
import pytest

from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import NONCE, RelyingParty, answer_of

CLAIMS = {"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"}


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider)


@pytest.mark.spec("OIDC Core §2")
def test_exactly_these_claims(rp: RelyingParty) -> None:
    """Whatever the scopes: in the code flow, what they stand for is at UserInfo."""
    claims = rp.tokens(scope="openid profile email address phone identite_ps")["claims"]
    assert claims.keys() == CLAIMS
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (ISSUER, "rp", NONCE)
    assert (claims["acr"], claims["amr"]) == ("urn:sesame:acr:low", ["pwd"])
    assert claims["sub"].isascii()
    assert 0 < len(claims["sub"]) <= 255


def test_no_nonce_where_none_was_sent(rp: RelyingParty) -> None:
    assert rp.tokens(nonce=None)["claims"].keys() == CLAIMS - {"nonce"}


def test_long_nonce_comes_back_whole(rp: RelyingParty) -> None:
    nonce = "".join(chr(c) for c in range(0x20, 0x7F)) * 4
    assert rp.tokens(nonce=nonce)["claims"]["nonce"] == nonce


def test_claims_parameter_adds_what_it_names(rp: RelyingParty) -> None:
    tokens = rp.tokens(claims=json.dumps({"id_token": {"email": None, "name": {"essential": True}}}))
    assert tokens["claims"].keys() == CLAIMS | {"email", "name"}


def test_protocol_claims_cannot_be_asked_away(rp: RelyingParty) -> None:
    wanted = {"aud": {"value": "other"}, "exp": {"value": 1}, "amr": None, "nonce": {"value": "x"}}
    claims = rp.tokens(claims=json.dumps({"id_token": wanted}))["claims"]
    assert claims.keys() == CLAIMS
    assert (claims["aud"], claims["nonce"]) == ("rp", NONCE)


def test_times(rp: RelyingParty) -> None:
    signed_in_at = int(rp.provider.clock.now().timestamp())
    rp.login()
    rp.provider.clock.advance(minutes=7)
    code = rp.silent()["code"]
    rp.provider.clock.advance(seconds=40)
    claims = rp.redeem(code)["claims"]
    assert claims["auth_time"] == signed_in_at
    assert claims["iat"] == signed_in_at + 460
    assert claims["exp"] == claims["iat"] + 300
    assert all(type(claims[name]) is int for name in ("auth_time", "iat", "exp"))


def test_lifetime_is_the_clients(provider: Provider) -> None:
    provider.add_client("slow", token_lifetime=timedelta(minutes=15))
    tokens = RelyingParty(provider, "slow").tokens()
    assert tokens["expires_in"] == 900
    assert tokens["claims"]["exp"] - tokens["claims"]["iat"] == 900


@pytest.mark.spec("OIDC Core §3.1.3.6")
def test_at_hash(rp: RelyingParty) -> None:
    tokens = rp.tokens()
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert tokens["claims"]["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()


@pytest.mark.parametrize(("alg", "kty"), [("RS256", "RSA"), ("ES256", "EC")])
def test_signed_by_a_published_key_of_the_clients_algorithm(provider: Provider, alg: str, kty: str) -> None:
    provider.add_client("signed", id_token_alg=alg)
    tokens = RelyingParty(provider, "signed").tokens()
    header = jwt.get_unverified_header(tokens["id_token"])
    assert header.keys() == {"alg", "kid", "typ"}
    assert (header["alg"], header["typ"]) == (alg, "JWT")
    keys = {key["kid"]: key for key in (provider.browser().get("/jwks").json or {})["keys"]}
    assert (keys[header["kid"]]["kty"], keys[header["kid"]]["alg"]) == (kty, alg)


def test_rs256_is_the_default(rp: RelyingParty) -> None:
    assert jwt.get_unverified_header(rp.tokens()["id_token"])["alg"] == "RS256"


@pytest.mark.spec("OIDC Back-Channel Logout §2.1")
def test_sid_is_the_session_for_all_its_services_and_is_not_the_cookie(provider: Provider) -> None:
    provider.add_client("other")
    rp = RelyingParty(provider)
    first = rp.tokens()["claims"]
    other = RelyingParty(provider, "other", rp.browser)
    second = other.redeem(other.silent()["code"])["claims"]
    assert second["sid"] == first["sid"]
    assert RelyingParty(provider).tokens()["claims"]["sid"] != first["sid"]
    cookie = rp.browser.get_cookie("__Host-sesame-session", domain="localhost")
    assert cookie
    assert first["sid"] not in cookie.value


def test_sub_is_the_same_for_every_service(provider: Provider) -> None:
    provider.add_client("other")
    subs = {RelyingParty(provider, client_id).tokens()["claims"]["sub"] for client_id in ("rp", "other")}
    assert len(subs) == 1


def test_step_up_reports_the_proof_that_was_accepted(provider: Provider) -> None:
    provider.add_client("ror", methods=("email_otp",))
    rp = RelyingParty(provider)
    first = rp.tokens()["claims"]
    provider.clock.advance(minutes=3)
    ror = RelyingParty(provider, "ror", rp.browser)
    answer = answer_of(ror.give_otp(ror.open_login(), password=None))
    claims = ror.redeem(answer["code"])["claims"]
    assert (claims["acr"], claims["amr"]) == ("eidas1", ["pwd", "otp", "mfa"])
    assert claims["auth_time"] == first["auth_time"] + 180
    assert claims["sid"] == first["sid"]
