"""The token endpoint: client authentication, PKCE, codes that work once."""

import base64
from datetime import timedelta
from urllib.parse import quote

import pytest

from idp.errors import InvalidOperation
from idp.flows.operators import clients
from tests.fakes.provider import RP, Provider
from tests.fakes.relying_party import VERIFIER, RelyingParty, basic, s256
from tests.fakes.token_requests import INVALID_CLIENT, INVALID_GRANT, INVALID_REQUEST, refusal_of


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider)


@pytest.mark.spec("OIDC Core §3.1.3.3")
def test_success_is_json_that_nobody_keeps(rp: RelyingParty) -> None:
    response = rp.token(rp.login()["code"])
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert (response.headers["Cache-Control"], response.headers["Pragma"]) == ("no-store", "no-cache")
    body = response.json or {}
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope", "id_token"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)
    assert body["scope"].split() == ["openid", "profile", "email"]
    assert len(body["access_token"]) >= 43


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_each_method_works_for_the_clients_that_registered_it_only(provider: Provider, method: str) -> None:
    provider.add_client("mine", auth_method=method)
    mine = RelyingParty(provider, "mine")
    secret = provider.secrets.get("mine", "no-secret")
    offered: dict[str, tuple[dict[str, str], dict[str, str]]] = {
        "client_secret_basic": (basic("mine", secret), {}),
        "client_secret_post": ({}, {"client_id": "mine", "client_secret": secret}),
        "none": ({}, {"client_id": "mine"}),
    }
    code = mine.login()["code"]
    for name, (headers, fields) in offered.items():
        if name != method:
            assert refusal_of(mine.token(code, headers=headers, **fields)) == INVALID_CLIENT
    headers, fields = offered[method]
    assert mine.token(code, headers=headers, **fields).status_code == 200


@pytest.mark.spec("RFC 6749 §5.2")
def test_wrong_secret_or_client_is_invalid_client(rp: RelyingParty) -> None:
    code, secret = rp.login()["code"], rp.provider.secrets["rp"]
    for headers in (
        {},
        basic("rp", secret[:-1]),
        basic("rp", secret + "a"),
        basic("rp", "%C3%A9%00"),
        basic("nobody", secret),
        basic("%00", secret),
        basic("%C3%A9", secret),
    ):
        assert refusal_of(rp.token(code, headers=headers)) == INVALID_CLIENT
    assert rp.token(code).status_code == 200


@pytest.mark.embedded  # no store is asked
@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + base64.b64encode(b"rp").decode(),
        "Basic " + base64.b64encode(b"rp:").decode(),
        "Basic " + base64.b64encode(b":secret").decode(),
        "Basic " + base64.b64encode("rp:é".encode()).decode(),
        "Basic " + base64.b64encode(b"rp:\xff").decode(),
        "Bearer abc",
        "é",
    ],
)
def test_malformed_authorization_is_invalid_client(rp: RelyingParty, header: str) -> None:
    rp.provider.add_client("app", auth_method="none")
    assert refusal_of(rp.token("x", headers={"Authorization": header})) == INVALID_CLIENT
    assert refusal_of(rp.token("x", headers={"Authorization": header}, client_id="app")) == INVALID_CLIENT


def test_basic_credentials_are_percent_decoded(rp: RelyingParty) -> None:
    raw = f"{quote('rp')}:{''.join(f'%{ord(c):02X}' for c in rp.provider.secrets['rp'])}"
    encoded = {"Authorization": "basic " + base64.b64encode(raw.encode()).decode()}
    assert rp.token(rp.login()["code"], headers=encoded).status_code == 200


@pytest.mark.spec("RFC 6749 §2.3")
def test_two_mechanisms_at_once_are_refused(rp: RelyingParty) -> None:
    secret = rp.provider.secrets["rp"]
    assert refusal_of(rp.token(rp.login()["code"], client_id="rp", client_secret=secret)) == INVALID_REQUEST


def test_client_id_beside_the_credentials_must_be_the_same(rp: RelyingParty) -> None:
    rp.provider.add_client("other")
    code = rp.login()["code"]
    assert refusal_of(rp.token(code, client_id="other")) == INVALID_CLIENT
    assert rp.token(code, client_id="rp").status_code == 200


def test_disabled_client_is_invalid_client(rp: RelyingParty) -> None:
    code = rp.login()["code"]
    clients.set_enabled(rp.provider.desk, "rp", False)
    assert refusal_of(rp.token(code)) == INVALID_CLIENT


def test_renewed_secret_replaces_the_one_before(rp: RelyingParty) -> None:
    code = rp.login()["code"]
    renewed = clients.renew_secret(rp.provider.desk, "rp")
    assert refusal_of(rp.token(code)) == INVALID_CLIENT
    assert rp.token(code, headers=basic("rp", renewed)).status_code == 200


def test_a_secret_that_is_kept_works_until_its_end(rp: RelyingParty) -> None:
    before = rp.provider.secrets["rp"]
    renewed = clients.renew_secret(rp.provider.desk, "rp", timedelta(hours=1))

    def status(secret: str) -> int:
        other = RelyingParty(rp.provider)
        return other.token(other.login()["code"], headers=basic("rp", secret)).status_code

    assert [status(secret) for secret in (before, renewed, "another")] == [200, 200, 401]
    rp.provider.clock.advance(hours=1)
    assert [status(secret) for secret in (before, renewed)] == [401, 200]


def test_the_secret_before_is_not_kept_for_long(rp: RelyingParty) -> None:
    with pytest.raises(InvalidOperation):
        clients.renew_secret(rp.provider.desk, "rp", timedelta(days=8))


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"grant_type": None}, INVALID_REQUEST),
        ({"grant_type": "refresh_token"}, (400, "unauthorized_client")),
        ({"grant_type": "client_credentials"}, (400, "unauthorized_client")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": "é"}, INVALID_REQUEST),
        ({"code": None}, INVALID_REQUEST),
        ({"code": "unknown"}, INVALID_GRANT),
        ({"redirect_uri": None}, INVALID_GRANT),
        ({"redirect_uri": f"{RP}/rp/callback/"}, INVALID_GRANT),
        ({"redirect_uri": f"{RP}/rp/second"}, INVALID_GRANT),
        ({"code_verifier": None}, INVALID_REQUEST),
        ({"code_verifier": VERIFIER[:-1] + "l"}, INVALID_GRANT),
        ({"code_verifier": s256(VERIFIER)}, INVALID_GRANT),
        ({"code_verifier": VERIFIER[:42]}, INVALID_REQUEST),
        ({"code_verifier": "a" * 129}, INVALID_REQUEST),
    ],
)
def test_one_thing_wrong(rp: RelyingParty, changes: dict[str, str | None], refusal: tuple[int, str]) -> None:
    rp.provider.add_client("two", redirect_uris=(f"{RP}/rp/callback", f"{RP}/rp/second"))
    code = rp.login()["code"]
    assert refusal_of(rp.token(**{"code": code, **changes})) == refusal  # type: ignore[arg-type]
    assert rp.token(code).status_code == 200, "a refused request does not use the code up"


@pytest.mark.embedded  # no store is asked
@pytest.mark.parametrize(
    "name", ["grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier", "scope"]
)
def test_repeated_parameter_is_refused(rp: RelyingParty, name: str) -> None:
    form = {"grant_type": "authorization_code", "code": "x", name: ["a", "b"]}
    response = rp.provider.browser().post("/token", data=form, headers=rp.basic())
    assert refusal_of(response) == INVALID_REQUEST
