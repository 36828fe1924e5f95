"""The simulator of Pro Santé Connect: authorization and token endpoint, to Authlib's client and to wrong ones."""

import base64
import hashlib
from urllib.parse import quote_plus, urlsplit

import jwt
import pytest
from authlib.integrations.requests_client import OAuth2Session

from demo.pro_sante_connect.simulator import Simulator
from tests.demo.sandbox import ODD_SECRET, VERIFIER, answer, call, metadata, redeem, tokens, url, verified
from tests.fakes.pro_sante_connect import CALLBACK, CLIENT_ID, SECRET, Professional

# --- the authorization request ---


@pytest.mark.parametrize("changed", [
    {"client_id": "nobody"}, {"redirect_uri": CALLBACK + "/"}, {"redirect_uri": "https://attacker.example/"},
    {"redirect_uri": None}, {"client_id": "another"},
])  # fmt: skip
def test_an_unknown_client_or_address_is_sent_nowhere(person, changed):
    status, page = person.follows(url(**changed))
    assert status == 400
    assert "inconnu" in page


@pytest.mark.parametrize(("changed", "error"), [
    ({"response_type": "id_token"}, "unsupported_response_type"),
    ({"scope": "openid"}, "invalid_scope"),
    ({"scope": "scope_all"}, "invalid_scope"),
    ({"acr_values": None}, "invalid_request"),
    ({"acr_values": "eidas2"}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"prompt": "none"}, "login_required"),
])  # fmt: skip
def test_a_request_that_the_sandbox_refuses(simulator, person, changed, error):
    status, location = person.follows(url(**changed))
    assert status == 303
    assert location.startswith(CALLBACK)
    assert {name: answer(location)[name] for name in ("error", "state", "iss")} == {
        "error": error, "state": "the-state", "iss": simulator.issuer,
    }  # fmt: skip


def test_a_parameter_twice_is_refused(person):
    assert answer(person.follows(url() + "&nonce=another")[1])["error"] == "invalid_request"


def test_the_person_may_give_up(person):
    answered = answer(person.logs_in(url(), mode="cancel"))
    assert (answered["error"], answered["state"]) == ("access_denied", "the-state")


def test_the_page_is_answered_once(person):
    _, page = person.follows(url())
    person.chooses(page)
    with pytest.raises(AssertionError, match="déjà servi"):
        person.chooses(page)


@pytest.mark.parametrize("data", [{"person": "paul", "mode": "CARD"}, {"person": "anne", "mode": "FACE"}])
def test_a_choice_that_is_none_is_refused(person, data):
    with pytest.raises(AssertionError, match="choisir une personne"):
        person.chooses(person.follows(url())[1], **data)


@pytest.mark.parametrize("origin", [None, "null", "http://localhost:8000"])
def test_another_origin_chooses_nobody(simulator, origin):
    headers = {"Origin": origin} if origin else {}
    assert call("POST", f"{simulator.wallet}/auth/choice", headers=headers, data={"mode": "CARD"}).status_code == 403


def test_a_session_answers_without_a_page_until_it_is_idle_or_another_login_is_asked_for(person, clock):
    person.logs_in(url(), "lea")
    assert person.follows(url())[0] == person.follows(url(prompt="none"))[0] == 303
    assert person.follows(url(prompt="login"))[0] == 200
    clock.now += 60
    assert person.follows(url(max_age="59"))[0] == 200
    for _ in range(8):
        clock.now += 28 * 60
        assert person.follows(url())[0] == 303
    clock.now += 15 * 60
    assert person.follows(url())[0] == 200, "four hours at most"
    person.logs_in(url())
    clock.now += 30 * 60
    assert person.follows(url())[0] == 200, "thirty minutes idle"


# --- the token endpoint ---


def wrong_code(simulator: Simulator, person: Professional, **form: str) -> tuple[int, str]:
    code = answer(person.logs_in(url()))["code"]
    answered = redeem(simulator, form.pop("code", code), **form)
    return answered.status_code, answered.json()["error"]


@pytest.mark.parametrize(("form", "refusal"), [
    ({"code": "unknown"}, (400, "invalid_grant")),
    ({"code_verifier": "a" * 43}, (400, "invalid_grant")),
    ({"code_verifier": ""}, (400, "invalid_grant")),
    ({"redirect_uri": "http://localhost:8000/"}, (400, "invalid_grant")),
    ({"grant_type": "password"}, (400, "unsupported_grant_type")),
    ({"client_secret": "wrong"}, (401, "invalid_client")),
    ({"client_secret": ""}, (401, "invalid_client")),
    ({"client_id": "nobody"}, (401, "invalid_client")),
    ({"client_id": "another", "client_secret": ODD_SECRET}, (400, "invalid_grant")),
])  # fmt: skip
def test_what_the_token_endpoint_refuses(simulator, person, form, refusal):
    assert wrong_code(simulator, person, **form) == refusal


def test_a_code_is_good_once_and_for_a_minute(simulator, person, clock):
    code = answer(person.logs_in(url()))["code"]
    assert redeem(simulator, code).status_code == 200
    assert redeem(simulator, code).json()["error"] == "invalid_grant"
    late = answer(person.logs_in(url()))["code"]
    clock.now += 60
    assert redeem(simulator, late).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(("credentials", "form", "error"), [
    (("another", quote_plus(ODD_SECRET)), {}, "invalid_grant"),  # right, but the code is not this client's
    (("another", ODD_SECRET), {}, "invalid_client"),  # to be form-encoded first (RFC 6749 §2.3.1)
    ((CLIENT_ID, "wrong"), {}, "invalid_client"),
    ((CLIENT_ID, SECRET), {"client_secret": SECRET}, "invalid_request"),
    ((CLIENT_ID, SECRET), {"client_id": "another"}, "invalid_client"),
    ((CLIENT_ID, SECRET), {}, None),
])  # fmt: skip
def test_basic_credentials(simulator, person, credentials, form, error):
    code = answer(person.logs_in(url()))["code"]
    assert redeem(simulator, code, credentials, **form).json().get("error") == error


def test_a_client_of_authlib_goes_the_whole_way(simulator, person):
    found = metadata(simulator)
    authorization, token = found["authorization_endpoint"], found["token_endpoint"]
    assert urlsplit(authorization).netloc != urlsplit(found["issuer"]).netloc
    with OAuth2Session(
        CLIENT_ID, SECRET, scope="openid scope_all", redirect_uri=CALLBACK, code_challenge_method="S256"
    ) as session:
        session.trust_env = False
        location, state = session.create_authorization_url(
            authorization, code_verifier=VERIFIER, nonce="n", acr_values="eidas1"
        )
        callback = person.logs_in(location)
        got = session.fetch_token(token, authorization_response=callback, state=state, code_verifier=VERIFIER)
        claims = verified(simulator, got["id_token"])
        assert session.get(found["userinfo_endpoint"]).json()["sub"] == claims["sub"]
    assert (claims["nonce"], claims["azp"], claims["acr"]) == ("n", CLIENT_ID, "eidas3")
    digest = hashlib.sha256(got["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert answer(callback)["iss"] == claims["iss"]
    assert claims["exp"] - claims["iat"] == got["expires_in"] == 120


def test_the_standard_discovery_path_has_nothing(simulator):
    assert call("GET", f"{simulator.issuer}/.well-known/openid-configuration").status_code == 404
    assert call("GET", f"{simulator.auth}/.well-known/openid-configuration").status_code == 404


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
def test_each_algorithm_and_no_signature_by_the_key_for_encryption(simulator, person, algorithm):
    simulator.behaviour.become(algorithm=algorithm)
    id_token = tokens(simulator, person)["id_token"]
    assert jwt.get_unverified_header(id_token)["alg"] == algorithm
    assert verified(simulator, id_token)["typ"] == "ID"
    uses = [key["use"] for key in simulator.keys.jwks()["keys"]]
    assert uses.count("enc") == 1
    assert not any("d" in key for key in simulator.keys.jwks()["keys"])
