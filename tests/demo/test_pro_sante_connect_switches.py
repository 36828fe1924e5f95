"""Each switch of the simulator of Pro Santé Connect does what it says, and nothing else."""

import base64
import hmac
import json
import time
from contextlib import nullcontext
from typing import Any

import jwt
import pytest
import requests

from demo.pro_sante_connect.behaviour import Behaviour, Endpoint, Signed, Switch
from demo.pro_sante_connect.simulator import Simulator
from tests.demo.sandbox import answer, call, metadata, redeem, tokens, url, userinfo, verified
from tests.fakes.pro_sante_connect import CLIENT_ID, Professional, running

SOON_S = 0.3
ANOTHER = "https://attacker.example/auth/realms/esante-wallet"


def unread(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


# --- it answers badly ---


def test_slow_until_the_client_gives_up_or_somebody_switches_it_off(simulator):
    keys = metadata(simulator)["jwks_uri"]
    simulator.behaviour.become(Switch.SLOW, endpoints=frozenset({Endpoint.JWKS}), slow_s=60)
    metadata(simulator)  # is not touched
    with pytest.raises(requests.ReadTimeout):
        call("GET", keys, timeout=SOON_S)
    simulator.behaviour.become()
    assert call("GET", keys).status_code == 200


def test_slow_for_a_time(simulator):
    simulator.behaviour.become(Switch.SLOW, slow_s=SOON_S)
    started = time.monotonic()
    metadata(simulator)
    assert time.monotonic() - started >= SOON_S


@pytest.mark.parametrize("endpoint", Endpoint)
def test_down_where_it_is_said(simulator, endpoint):
    found = metadata(simulator)
    simulator.behaviour.become(Switch.DOWN, endpoints=frozenset({endpoint}))
    addresses = {
        Endpoint.DISCOVERY: f"{simulator.issuer}/.well-known/wallet-openid-configuration",
        Endpoint.JWKS: found["jwks_uri"],
        Endpoint.AUTHORIZATION: found["authorization_endpoint"],
        Endpoint.TOKEN: found["token_endpoint"],
        Endpoint.USERINFO: found["userinfo_endpoint"],
        Endpoint.END_SESSION: found["end_session_endpoint"],
    }
    down = {
        each
        for each, address in addresses.items()
        if call("POST" if each is Endpoint.TOKEN else "GET", address).status_code == 503
    }
    assert down == {endpoint}
    assert call("GET", f"{simulator.auth}/").status_code == 200, "the page of the switches always answers"


@pytest.mark.parametrize(("switch", "said"), [
    (Switch.RESPONSE_WRONG_ISS, {"iss": ANOTHER}),
    (Switch.RESPONSE_WITHOUT_ISS, {"iss": None}),
    (Switch.AUTHORIZATION_ERROR, {"error": "temporarily_unavailable", "code": None}),
])  # fmt: skip
def test_the_response(simulator, person, switch, said):
    usual = answer(person.logs_in(url()))
    assert usual["iss"] == simulator.issuer
    simulator.behaviour.become(switch)
    answered = answer(person.logs_in(url()))
    assert {name: answered.get(name) for name in said} == said
    assert answered["state"] == "the-state"


def test_the_token_endpoint_refuses_a_good_code(simulator, person):
    code = answer(person.logs_in(url()))["code"]
    simulator.behaviour.become(Switch.TOKEN_REFUSED)
    refused = redeem(simulator, code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


# --- it signs badly ---

FORGERIES: tuple[tuple[Switch, type[Exception]], ...] = (
    (Switch.UNKNOWN_KID, KeyError),
    (Switch.BAD_SIGNATURE, jwt.InvalidSignatureError),
    (Switch.ALG_NONE, jwt.InvalidAlgorithmError),
    (Switch.HS256, jwt.InvalidAlgorithmError),
    (Switch.WRONG_ISS, jwt.InvalidIssuerError),
    (Switch.WRONG_AUDIENCE, jwt.InvalidAudienceError),
    (Switch.EXPIRED, jwt.ExpiredSignatureError),
)


def one_of_each(simulator: Simulator, told: list[tuple[str, str]]) -> dict[Signed, str]:
    got = tokens(simulator, Professional(simulator))
    found = {Signed.ID_TOKEN: got["id_token"], Signed.USERINFO: userinfo(simulator, got["access_token"]).text}
    simulator.end(unread(got["id_token"])["sid"])
    return {**found, Signed.LOGOUT_TOKEN: told[-1][1]}


@pytest.mark.parametrize("forged", Signed)
@pytest.mark.parametrize(("switch", "refusal"), FORGERIES)
def test_a_forgery_touches_one_jwt(simulator, told, switch, refusal, forged):
    simulator.behaviour.become(Switch.USERINFO_SIGNED, switch, forged=forged)
    for kind, token in one_of_each(simulator, told).items():
        with pytest.raises(refusal) if kind is forged else nullcontext():
            verified(simulator, token)


def test_alg_none_and_hs256_are_what_a_careless_client_takes(simulator, person):
    simulator.behaviour.become(Switch.ALG_NONE)
    unsigned = tokens(simulator, person)["id_token"]
    assert (jwt.get_unverified_header(unsigned)["alg"], unsigned[-1]) == ("none", ".")
    simulator.behaviour.become(Switch.HS256)
    text, _, mac = tokens(simulator, person)["id_token"].rpartition(".")
    public_key = simulator.keys.of("RS256").as_pem(private=False)
    assert base64.urlsafe_b64decode(mac + "=") == hmac.digest(public_key, text.encode(), "sha256")
    header = json.loads(base64.urlsafe_b64decode(text.partition(".")[0] + "=="))
    assert header["kid"] in {key["kid"] for key in simulator.keys.jwks()["keys"]}


def test_keys_rotate_and_the_earlier_ones_stay_published():
    with running(keys=None) as fresh:
        before = tokens(fresh, Professional(fresh))["id_token"]
        fresh.keys.rotate()
        after = tokens(fresh, Professional(fresh))["id_token"]
        kids = [jwt.get_unverified_header(each)["kid"] for each in (before, after)]
        assert kids[0] != kids[1]
        assert verified(fresh, before)["sub"] == verified(fresh, after)["sub"]


# --- claims ---


@pytest.mark.parametrize(("switch", "said"), [
    (Switch.WRONG_NONCE, {"nonce": "another-nonce"}),
    (Switch.WITHOUT_NONCE, {"nonce": None}),
    (Switch.ACR_MISSING, {"acr": None}),
    (Switch.ACR_UNEXPECTED, {"acr": "0"}),
])  # fmt: skip
def test_a_claim_of_the_id_token(simulator, person, switch, said):
    usual = verified(simulator, tokens(simulator, person)["id_token"])
    simulator.behaviour.become(switch)
    claims = verified(simulator, tokens(simulator, person)["id_token"])
    assert {name: claims.get(name) for name in said} == said
    assert {"nonce": usual["nonce"], "acr": usual["acr"]} == {"nonce": "the-nonce", "acr": "eidas3"}
    assert usual.keys() - said.keys() == claims.keys() - said.keys()


def test_other_claims_of_the_id_token(simulator, person, clock):
    usual = tokens(simulator, person)["id_token"]
    simulator.behaviour.become(Switch.WRONG_AT_HASH, Switch.OLD_AUTH_TIME, Switch.UUID_SUBJECT)
    claims, before = verified(simulator, tokens(simulator, person)["id_token"]), verified(simulator, usual)
    assert claims["at_hash"] == verified(simulator, tokens(simulator, person)["id_token"])["at_hash"]
    assert before["auth_time"] - claims["auth_time"] == 3 * 3600
    assert before["sub"].startswith("f:")
    assert len(claims["sub"]) == 36


def test_userinfo_of_another_subject_signed_or_not_and_an_unknown_mode(simulator, person):
    got = tokens(simulator, person)
    simulator.behaviour.become(Switch.OTHER_SUBJECT, Switch.MODE_UNKNOWN)
    plain = userinfo(simulator, got["access_token"])
    assert plain.headers["Content-Type"] == "application/json"
    assert plain.json()["sub"] != verified(simulator, got["id_token"])["sub"]
    assert plain.json()["authMode"] == "IDENTITY_BROKER"
    simulator.behaviour.become(Switch.USERINFO_SIGNED)
    answered = userinfo(simulator, got["access_token"])
    assert answered.headers["Content-Type"] == "application/jwt"
    claims = verified(simulator, answered.text)
    assert claims["sub"] == verified(simulator, got["id_token"])["sub"]
    assert claims["SubjectNameID"].startswith("8")


def test_a_test_may_put_any_claim_over_the_others():
    behaviour = Behaviour(
        id_token={"azp": "another", "at_hash": None}, userinfo={"SubjectNameID": "8", "otherIds": None}
    )
    with running(behaviour=behaviour) as simulator:
        got = tokens(simulator, Professional(simulator))
        claims = verified(simulator, got["id_token"])
        assert (claims["azp"], claims["aud"]) == ("another", CLIENT_ID)
        assert "at_hash" not in claims
        said = userinfo(simulator, got["access_token"]).json()
        assert said["SubjectNameID"] == "8"
        assert "otherIds" not in said


def test_an_unknown_setting_is_an_error():
    with pytest.raises(TypeError):
        Behaviour(speed=3)
