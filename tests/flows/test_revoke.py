"""Token revocation (RFC 7009): what dies, and what a client may not kill."""

import pytest
from werkzeug.test import TestResponse

from idp.errors import Unavailable
from tests.fakes.outage import Outage
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty

GRANTS = ("authorization_code", "refresh_token")


@pytest.fixture
def app(provider: Provider) -> RelyingParty:
    provider.add_client("app", grant_types=GRANTS)
    return RelyingParty(provider, "app")


def refusal_of(response: TestResponse) -> tuple[int, str]:
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, (response.json or {})["error"]


def revoke(rp: RelyingParty, token: str, **form: str) -> None:
    response = rp.ask("/revoke", token=token, **form)
    assert (response.status_code, response.data) == (200, b""), response.text


def test_an_access_token_dies_alone(app: RelyingParty) -> None:
    one = app.tokens()
    other = (app.refresh(one["refresh_token"]).json or {})["access_token"]
    revoke(app, one["access_token"])
    assert app.userinfo(one["access_token"]).status_code == 401
    assert app.userinfo(other).status_code == 200
    (event,) = app.provider.events("token.revoked")
    assert (event.actor, event.client_id, event.detail) == ("client:app", "app", {"kind": "access_token"})


def test_a_jwt_dies_here_too(provider: Provider) -> None:
    provider.add_client("app", access_token_format="jwt")
    app = RelyingParty(provider, "app")
    token = app.tokens()["access_token"]
    revoke(app, token)
    assert app.ask("/introspect", token=token).json == {"active": False}


@pytest.mark.spec("RFC 7009 §2.1")
@pytest.mark.parametrize("used", [False, True])
def test_a_refresh_token_takes_its_whole_grant_along(app: RelyingParty, used: bool) -> None:
    tokens = app.tokens()
    newest = (app.refresh(tokens["refresh_token"]).json or {}) if used else tokens
    revoke(app, tokens["refresh_token"])
    for access_token in (tokens["access_token"], newest["access_token"]):
        assert app.userinfo(access_token).status_code == 401
    assert refusal_of(app.refresh(newest["refresh_token"])) == (400, "invalid_grant")
    revoke(app, newest["refresh_token"])
    (event,) = app.provider.events("token.revoked")
    assert event.detail == {"kind": "refresh_token"}
    assert "code" in app.silent(), "the person is still signed in"


@pytest.mark.spec("RFC 7009 §2.2")
def test_a_token_that_nobody_knows_is_as_good_as_revoked(app: RelyingParty) -> None:
    tokens = app.tokens()
    for unknown in ("x", "a.b.c", tokens["id_token"], tokens["access_token"][:-1]):
        revoke(app, unknown)
    for _ in range(2):
        revoke(app, tokens["access_token"])
    assert len(app.provider.events("token.revoked")) == 1


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
def test_a_wrong_hint_misleads_nobody(app: RelyingParty, hint: str) -> None:
    for name in ("access_token", "refresh_token"):
        tokens = app.tokens() if name == "access_token" else app.redeem(app.silent()["code"])
        revoke(app, tokens[name], token_type_hint=hint)
        assert app.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.spec("RFC 7009 §2.1")
@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_another_clients_token_is_refused_and_lives_on(app: RelyingParty, name: str) -> None:
    tokens = app.tokens()
    app.provider.add_client("thief", grant_types=GRANTS)
    thief = RelyingParty(app.provider, "thief")
    assert refusal_of(thief.ask("/revoke", token=tokens[name])) == (400, "invalid_grant")
    assert app.userinfo(tokens["access_token"]).status_code == 200
    assert app.refresh(tokens["refresh_token"]).status_code == 200
    assert not app.provider.events("token.revoked")


def test_a_public_client_revokes_its_own(provider: Provider) -> None:
    provider.add_client("public", auth_method="none", grant_types=GRANTS)
    public = RelyingParty(provider, "public")
    tokens = public.token(public.login()["code"], headers={}, client_id="public").json or {}
    refused = public.ask("/revoke", headers={}, token=tokens["refresh_token"])
    assert refusal_of(refused) == (401, "invalid_client")
    response = public.ask("/revoke", headers={}, token=tokens["refresh_token"], client_id="public")
    assert response.status_code == 200
    assert public.userinfo(tokens["access_token"]).status_code == 401


def test_the_request_is_a_form_with_one_token(app: RelyingParty) -> None:
    assert refusal_of(app.ask("/revoke")) == (400, "invalid_request")
    assert refusal_of(app.ask("/revoke?token=x", token="x")) == (400, "invalid_request")
    browser = app.provider.browser()
    assert refusal_of(browser.post("/revoke", json={"token": "x"}, headers=app.basic())) == (400, "invalid_request")
    assert refusal_of(browser.get("/revoke", headers=app.basic())) == (405, "invalid_request")


def test_what_could_not_be_revoked_is_not_said_to_be(app: RelyingParty) -> None:
    outage = Outage.of(app.provider)
    rp = RelyingParty(outage.provider, "app")
    tokens = rp.tokens()
    with outage.of_ephemeral_store():
        assert refusal_of(rp.ask("/revoke", token=tokens["access_token"])) == (503, "temporarily_unavailable")
    assert not app.provider.events("token.revoked")
    assert rp.userinfo(tokens["access_token"]).status_code == 200


def test_a_revocation_that_could_not_be_written_is_not_said_to_be(
    app: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store still answered when the token was looked up."""

    def refuse(*_: object, **__: object) -> None:
        raise Unavailable("ephemeral store: gone")

    token = app.tokens()["access_token"]
    with monkeypatch.context() as patched:
        patched.setattr(app.provider.services.ephemeral, "take", refuse)
        assert refusal_of(app.ask("/revoke", token=token)) == (503, "temporarily_unavailable")
    assert not app.provider.events("token.revoked")
    assert app.userinfo(token).status_code == 200
