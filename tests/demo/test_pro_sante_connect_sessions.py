"""The simulator of Pro Santé Connect: userinfo of each person, refreshing, and both ways to log out."""

from typing import Any

import jwt
import pytest
import requests

from demo.pro_sante_connect.behaviour import Switch
from demo.pro_sante_connect.people import EDIT, LEA, PEOPLE
from demo.pro_sante_connect.simulator import Simulator
from tests.demo.sandbox import call, metadata, redeem, tokens, url, userinfo, verified
from tests.fakes.pro_sante_connect import AFTER_LOGOUT

# --- userinfo ---


def test_userinfo_wants_a_living_access_token(simulator, person, clock):
    access_token = tokens(simulator, person)["access_token"]
    assert userinfo(simulator, "unknown").status_code == 401
    assert call("GET", metadata(simulator)["userinfo_endpoint"]).headers["WWW-Authenticate"].startswith("Bearer")
    assert userinfo(simulator, access_token).status_code == 200
    clock.now += 120
    assert userinfo(simulator, access_token).status_code == 401


def test_a_refresh_token_is_good_once_for_half_an_hour_of_its_session(simulator, person, clock):
    first = tokens(simulator, person)

    def refresh(token: str) -> Any:
        return redeem(simulator, "", grant_type="refresh_token", refresh_token=token)

    second = refresh(first["refresh_token"])
    assert userinfo(simulator, second.json()["access_token"]).status_code == 200
    assert refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    clock.now += 30 * 60
    assert refresh(second.json()["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("mode", ["CARD", "MOBILE"])
@pytest.mark.parametrize("who", PEOPLE)
def test_each_person_by_each_means(simulator, person, who, mode):
    claims = userinfo(simulator, tokens(simulator, person, who, mode)["access_token"]).json()
    assert claims["authMode"] == mode
    assert {name: claims[name] for name in PEOPLE[who].claims} == dict(PEOPLE[who].claims)
    assert "email" not in claims


def test_people_have_every_shape_of_claims():
    lea = PEOPLE["lea"].claims
    assert lea["SubjectNameID"] == f"8{LEA}"
    assert [len(each["activities"]) for each in lea["SubjectRefPro"]["exercices"]] == [2, 1]
    assert all(leaf == "" or isinstance(leaf, str) for leaf in lea["SubjectRefPro"]["exercices"][0]["activities"][0])
    assert [each["origine"] for each in PEOPLE["karim"].claims["otherIds"]] == ["RPPS", "ADELI"]
    assert PEOPLE["edit"].claims["otherIds"] == [{"identifiant": EDIT, "origine": "EDIT", "qualite": 1}]
    assert PEOPLE["nobody"].national_id == ""
    assert "SubjectRole" not in PEOPLE["sparse"].claims


# --- logout ---


def end_session(simulator: Simulator, method: str = "GET", **parameters: str) -> requests.Response:
    return call(method, metadata(simulator)["end_session_endpoint"], params=parameters)


@pytest.mark.parametrize("hint", ["", "a", "a.b.c", "e30.e30.e30"])
def test_a_logout_needs_a_hint_of_ours(simulator, hint):
    assert end_session(simulator, id_token_hint=hint).status_code == 400


def test_another_jwt_of_ours_is_no_hint(simulator, person):
    simulator.behaviour.become(Switch.USERINFO_SIGNED)
    signed = userinfo(simulator, tokens(simulator, person)["access_token"]).text
    assert end_session(simulator, id_token_hint=signed).status_code == 400


def test_a_logout_goes_to_registered_addresses_only(simulator, person):
    got = tokens(simulator, person)
    refused = (
        {"post_logout_redirect_uri": "https://attacker.example/"},
        {"client_id": "another", "post_logout_redirect_uri": AFTER_LOGOUT},
    )
    for parameters in refused:
        assert end_session(simulator, id_token_hint=got["id_token"], **parameters).status_code == 400
    assert userinfo(simulator, got["access_token"]).status_code == 200, "nothing was ended"


def test_a_logout_ends_the_session_its_tokens_and_tells_the_client(simulator, person, clock, told):
    clock.now -= 150
    got = tokens(simulator, person)
    clock.now += 150  # the ID Token is too old for a login, and still a hint
    left = end_session(
        simulator, id_token_hint=got["id_token"], post_logout_redirect_uri=AFTER_LOGOUT, state="of the logout"
    )
    assert left.headers["Location"] == f"{AFTER_LOGOUT}?state=of+the+logout"
    assert userinfo(simulator, got["access_token"]).status_code == 401
    assert redeem(simulator, "", grant_type="refresh_token", refresh_token=got["refresh_token"]).status_code == 400
    assert person.follows(url())[0] == 200
    [(where, logout_token)] = told
    assert where.endswith("/backchannel-logout")
    assert jwt.get_unverified_header(logout_token)["typ"] == "logout+jwt"
    claims, of_login = (
        verified(simulator, logout_token),
        jwt.decode(got["id_token"], options={"verify_signature": False}),
    )
    assert {name: claims[name] for name in ("sid", "sub")} == {name: of_login[name] for name in ("sid", "sub")}
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert "nonce" not in claims
    assert claims["jti"]


def test_a_logout_by_the_clients_server_needs_the_hint_only(simulator, person):
    got = tokens(simulator, person)
    assert "déconnecté" in end_session(simulator, "POST", id_token_hint=got["id_token"]).text
    assert userinfo(simulator, got["access_token"]).status_code == 401
