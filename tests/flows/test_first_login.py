"""The whole way of a first login, as a relying party sees it."""

import pytest

from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, answer_of


@pytest.mark.spec("OIDC Core §3.1")
def test_a_service_gets_a_verified_identity(provider: Provider) -> None:
    rp = RelyingParty(provider)
    tokens = rp.tokens()
    claims = tokens["claims"]
    assert claims["nonce"] == "n-0S6_WzA2Mj"
    assert claims["amr"] == ["pwd"]
    info = rp.userinfo(tokens["access_token"]).json
    assert info
    assert info["sub"] == claims["sub"]
    assert info["email"] == "anne.pierre@chu.example"


def test_otp_after_password_gives_two_factors(provider: Provider) -> None:
    provider.add_client("ror", methods=("email_otp",))
    rp = RelyingParty(provider, "ror")
    answer = answer_of(rp.give_otp(rp.open_login()))
    assert answer["iss"] == ISSUER
    claims = rp.verify((rp.token(answer["code"]).json or {})["id_token"])
    assert claims["amr"] == ["pwd", "otp", "mfa"]
    assert claims["acr"] == "eidas1"
