"""The UserInfo endpoint (OIDC Core §5.3, RFC 6750)."""

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from idp.domain.account import AccountStatus
from idp.flows.operators import accounts, clients
from tests.fakes.provider import ALL_SCOPES, Provider
from tests.fakes.relying_party import RelyingParty, bearer

PROFILE: dict[str, Any] = {
    "middle_name": "Marie",
    "nickname": "Annie",
    "profile": "https://chu.example/anne",
    "picture": "https://chu.example/anne.png",
    "website": "https://anne.example/",
    "gender": "female",
    "birthdate": "1980-02-29",
    "zoneinfo": "Europe/Paris",
    "locale": "fr-FR",
    "phone_number": "+33 5 56 00 00 00",
    "phone_number_verified": False,
    "address": {"formatted": "12 place Pey-Berland, 33000 Bordeaux", "locality": "Bordeaux"},
}
GROUPS = {
    "profile": {
        "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
        "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
    },
    "email": {"email", "email_verified"},
    "address": {"address"},
    "phone": {"phone_number", "phone_number_verified"},
    "identite_ps": {"SubjectNameID", "rpps", "otherIds", "identite_ps_origine"},
}  # fmt: skip


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider)


@pytest.fixture
def full(provider: Provider) -> RelyingParty:
    """A service whose user `full` owns every claim; give `login="full"` at the login."""
    provider.add_account("full", profile=PROFILE, rpps="10101010101")
    return RelyingParty(provider)


def info_of(rp: RelyingParty, login: str = "full", **changes: str | None) -> dict[str, Any]:
    code = rp.give_password(rp.open_login(**changes), login=login).headers["Location"].split("code=")[1].split("&")[0]
    response = rp.userinfo(rp.redeem(code)["access_token"])
    assert response.status_code == 200
    return dict(response.json or {})


def refusal_of(response: TestResponse) -> tuple[int, str]:
    """Status and code; the code is in the challenge of RFC 6750 §3 too."""
    code = (response.json or {})["error"]
    assert f'error="{code}"' in response.headers["WWW-Authenticate"]
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")
    return response.status_code, code


@pytest.mark.spec("OIDC Core §5.3.1, RFC 6750 §2")
def test_get_post_header_and_post_body(rp: RelyingParty) -> None:
    tokens, browser = rp.tokens(), rp.provider.browser()
    token = tokens["access_token"]
    answers = [
        browser.get("/userinfo", headers=bearer(token)),
        browser.get("/userinfo", headers={"Authorization": f"bearer  {token}"}),
        browser.post("/userinfo", headers=bearer(token)),
        browser.post("/userinfo", data={"access_token": token}),
    ]
    for response in answers:
        assert response.status_code == 200
        assert response.mimetype == "application/json"
        assert response.headers["Cache-Control"] == "no-store"
        assert (response.json or {})["sub"] == tokens["claims"]["sub"]


@pytest.mark.spec("OIDC Core §5.4")
@pytest.mark.parametrize("scope", [*GROUPS, ""])
def test_each_scope_gives_its_claims_and_no_others(full: RelyingParty, scope: str) -> None:
    assert info_of(full, scope=f"openid {scope}").keys() == {"sub"} | GROUPS.get(scope, set())


@pytest.mark.spec("OIDC Core §5.1")
def test_all_claims_with_their_types(full: RelyingParty) -> None:
    info = info_of(full, scope=" ".join(ALL_SCOPES))
    assert info.keys() == {"sub"}.union(*GROUPS.values())
    assert info["name"] == "Full Dupont"
    assert info["updated_at"] == int(full.provider.clock.now().timestamp())
    assert (info["email_verified"], info["phone_number_verified"]) == (True, False)
    assert info["address"] == PROFILE["address"]
    assert (info["rpps"], info["SubjectNameID"]) == ("10101010101", "810101010101")
    assert info["otherIds"] == [{"identifiant": "810101010101", "origine": "RPPS", "qualite": 1}]
    others = info.keys() - {"updated_at", "email_verified", "phone_number_verified", "address"}
    others -= {"otherIds", "identite_ps_origine"}
    assert all(isinstance(info[name], str) and info[name] for name in others)


@pytest.mark.spec("OIDC Core §5.3.2")
def test_what_is_unknown_is_left_out_never_null_or_empty(provider: Provider) -> None:
    provider.add_account("bare", profile={"nickname": "", "address": {}, "gender": None, "unheard_of": "x"}, email="")
    info = info_of(RelyingParty(provider), login="bare", scope=" ".join(ALL_SCOPES))
    assert info.keys() == {"sub", "name", "family_name", "given_name", "preferred_username", "updated_at"}


@pytest.mark.spec("OIDC Core §5.5")
def test_claims_parameter_adds_what_it_names(full: RelyingParty) -> None:
    claims = json.dumps({"userinfo": {"name": {"essential": True}, "phone_number": None, "unheard_of": None}})
    assert info_of(full, scope="openid", claims=claims).keys() == {"sub", "name", "phone_number"}


def test_profile_cannot_speak_for_the_account(provider: Provider) -> None:
    """What the provider itself verifies is never taken from imported data."""
    provider.add_account(
        "sly", profile={"sub": "root", "email_verified": "yes", "email": "a@b.fr", "rpps": "1"}, email=""
    )
    info = info_of(RelyingParty(provider), login="sly", scope="openid email identite_ps")
    assert info.keys() == {"sub"}
    assert info["sub"] != "root"


# Refusals


@pytest.mark.spec("RFC 6750 §3")
def test_no_token_is_a_challenge_without_an_error_code(rp: RelyingParty) -> None:
    for response in (
        rp.browser.get("/userinfo"),
        rp.browser.post("/userinfo"),
        rp.browser.get("/userinfo", headers={"Authorization": "Bearer"}),
        rp.browser.get("/userinfo", headers=rp.basic()),
        rp.browser.post("/userinfo", json={"access_token": "x"}),
    ):
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="userinfo"'


@pytest.mark.parametrize("token", ["unknown", "é", "a b", "x" * 3000, "\xff"])
def test_unknown_token_is_refused(rp: RelyingParty, token: str) -> None:
    assert refusal_of(rp.userinfo(token.encode().decode("latin-1"))) == (401, "invalid_token")


def test_code_or_id_token_is_no_access_token(rp: RelyingParty) -> None:
    tokens = rp.tokens()
    for token in (tokens["id_token"], rp.silent()["code"]):
        assert refusal_of(rp.userinfo(token)) == (401, "invalid_token")


def test_token_dies_with_its_lifetime(rp: RelyingParty) -> None:
    token = rp.tokens()["access_token"]
    rp.provider.clock.advance(seconds=299)
    assert rp.userinfo(token).status_code == 200
    rp.provider.clock.advance(seconds=1)
    assert refusal_of(rp.userinfo(token)) == (401, "invalid_token")


def test_token_dies_with_its_account(rp: RelyingParty) -> None:
    token = rp.tokens()["access_token"]
    accounts.set_status(rp.provider.desk, "anne.pierre", AccountStatus.SUSPENDED, "left")
    assert refusal_of(rp.userinfo(token)) == (401, "invalid_token")
    accounts.set_status(rp.provider.desk, "anne.pierre", AccountStatus.ACTIVE, "back")
    assert refusal_of(rp.userinfo(token)) == (401, "invalid_token"), "what was revoked stays revoked"


def test_token_dies_with_the_access_to_the_service(provider: Provider) -> None:
    provider.add_client("closed", needs_entitlement=True)
    provider.add_account("paul.durand", services="closed")
    closed = RelyingParty(provider, "closed")
    code = closed.give_password(closed.open_login(), login="paul.durand").headers["Location"]
    token = closed.redeem(code.split("code=")[1].split("&")[0])["access_token"]
    assert closed.userinfo(token).status_code == 200
    accounts.withdraw(provider.desk, "paul.durand", "closed")
    assert refusal_of(closed.userinfo(token)) == (401, "invalid_token")


@pytest.mark.spec("RFC 9700 §4.3.2")
def test_token_in_the_url_is_refused(rp: RelyingParty) -> None:
    token = rp.tokens()["access_token"]
    in_url = f"/userinfo?access_token={token}"
    assert refusal_of(rp.browser.get(in_url)) == (400, "invalid_request")
    assert refusal_of(rp.browser.get(in_url, headers=bearer(token))) == (400, "invalid_request")


@pytest.mark.spec("RFC 6750 §2, §3.1")
def test_token_sent_twice_is_refused(rp: RelyingParty) -> None:
    token = rp.tokens()["access_token"]
    both = rp.browser.post("/userinfo", data={"access_token": token}, headers=bearer(token))
    assert refusal_of(both) == (400, "invalid_request")
    doubled = rp.browser.post("/userinfo", data={"access_token": [token, token]})
    assert refusal_of(doubled) == (400, "invalid_request")


def test_a_disabled_client_gets_nothing_more(provider: Provider) -> None:
    rp = RelyingParty(provider)
    token = rp.tokens()["access_token"]
    clients.set_enabled(provider.desk, "rp", enabled=False)
    assert rp.userinfo(token).status_code == 401
