"""Token introspection (RFC 7662): who may ask about what."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from idp.flows.operators import clients
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty

AUDIENCE = "https://directory.example"
GRANTS = ("authorization_code", "refresh_token")
DEAD = {"active": False}


@pytest.fixture
def app(provider: Provider) -> RelyingParty:
    """A client whose tokens are for the directory."""
    provider.add_client("app", grant_types=GRANTS, audience=AUDIENCE)
    return RelyingParty(provider, "app")


def resource(provider: Provider, client_id: str = "directory", **changes: Any) -> RelyingParty:
    """The directory itself."""
    values = {
        "grant_types": ("client_credentials",),
        "redirect_uris": (),
        "post_logout_redirect_uris": (),
        "scopes": (),
        "methods": (),
        "audience": AUDIENCE,
        "introspects": "audience",
        **changes,
    }
    provider.add_client(client_id, **values)
    return RelyingParty(provider, client_id)


def ask(rp: RelyingParty, token: str, **form: str) -> dict[str, Any]:
    response = rp.ask("/introspect", token=token, **form)
    assert response.status_code == 200, response.text
    assert response.headers["Cache-Control"] == "no-store"
    return dict(response.json or {})


def refusal_of(response: TestResponse) -> tuple[int, str]:
    assert response.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in response.headers) == (response.status_code == 401)
    return response.status_code, (response.json or {})["error"]


@pytest.mark.spec("RFC 7662 §2.2")
def test_its_own_access_token(app: RelyingParty) -> None:
    tokens = app.tokens()
    claims = tokens["claims"]
    assert ask(app, tokens["access_token"]) == {
        "active": True,
        "scope": tokens["scope"],
        "client_id": "app",
        "token_type": "Bearer",
        "exp": claims["exp"],
        "iat": claims["iat"],
        "sub": claims["sub"],
        "aud": AUDIENCE,
        "iss": ISSUER,
        "auth_time": claims["auth_time"],
        "acr": claims["acr"],
    }


def test_its_own_refresh_token(app: RelyingParty) -> None:
    tokens = app.tokens()
    said = ask(app, tokens["refresh_token"])
    assert said == {
        "active": True,
        "scope": tokens["scope"],
        "client_id": "app",
        "exp": tokens["claims"]["auth_time"] + 4 * 3600,
        "iat": tokens["claims"]["iat"],
        "sub": tokens["claims"]["sub"],
        "iss": ISSUER,
    }
    app.refresh(tokens["refresh_token"])
    assert ask(app, tokens["refresh_token"]) == DEAD


def test_a_refresh_token_is_dead_with_its_session_or_by_the_policy(app: RelyingParty) -> None:
    token, provider = app.tokens()["refresh_token"], app.provider
    provider.clock.advance(seconds=1)
    provider.set_policy("app", ("email_otp",))
    assert ask(app, token) == DEAD
    provider.clock.advance(seconds=1)
    provider.set_policy("app", ("password",))
    assert ask(app, token)["active"]
    provider.clock.advance(minutes=30)
    assert ask(app, token) == DEAD


def test_a_resource_asks_about_the_tokens_that_are_for_it(app: RelyingParty) -> None:
    tokens, directory = app.tokens(), resource(app.provider)
    assert ask(directory, tokens["access_token"])["client_id"] == "app"
    assert ask(directory, tokens["refresh_token"]) == DEAD


def test_another_client_learns_nothing_of_a_refresh_token_that_its_own_policy_would_accept(app: RelyingParty) -> None:
    app.provider.add_client("curious", grant_types=GRANTS, audience=AUDIENCE, introspects="audience")
    curious, tokens = RelyingParty(app.provider, "curious", app.browser), app.tokens()
    assert ask(curious, curious.redeem(curious.silent()["code"])["refresh_token"])["active"]
    assert ask(curious, tokens["refresh_token"]) == DEAD
    assert ask(app, tokens["refresh_token"])["active"]


@pytest.mark.parametrize(
    "changes", [{"introspects": "own"}, {"audience": "https://other.example"}], ids=["its own only", "another audience"]
)
def test_others_learn_nothing(app: RelyingParty, changes: dict[str, Any]) -> None:
    assert ask(resource(app.provider, **changes), app.tokens()["access_token"]) == DEAD


def test_tokens_for_the_provider_are_nobody_elses_affair(provider: Provider) -> None:
    assert ask(resource(provider), RelyingParty(provider).tokens()["access_token"]) == DEAD


def test_a_disabled_clients_own_token_is_dead(provider: Provider) -> None:
    """It came of no grant that could be revoked."""
    machine, directory = resource(provider, "machine", introspects="own"), resource(provider)
    token = (machine.ask("/token", grant_type="client_credentials").json or {})["access_token"]
    assert ask(directory, token)["active"]
    clients.set_enabled(provider.desk, "machine", enabled=False)
    assert ask(directory, token) == DEAD


def test_what_is_dead_or_unknown_is_inactive_and_no_more(app: RelyingParty) -> None:
    tokens = app.tokens()
    for unknown in ("x", "é", tokens["id_token"], tokens["access_token"][:-1], "a.b.c", "x" * 8000):
        if unknown.isascii():
            assert ask(app, unknown) == DEAD
    app.provider.clock.advance(seconds=300)
    assert ask(app, tokens["access_token"]) == DEAD


@pytest.mark.spec("RFC 7662 §2.1")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
def test_a_wrong_hint_misleads_nobody(app: RelyingParty, hint: str) -> None:
    tokens = app.tokens()
    for name in ("access_token", "refresh_token"):
        assert ask(app, tokens[name], token_type_hint=hint)["active"]


# Refusals


def test_who_does_not_prove_itself_learns_nothing(app: RelyingParty) -> None:
    token = app.tokens()["access_token"]
    app.provider.add_client("public", auth_method="none")
    for headers, form in (({}, {}), ({}, {"client_id": "app"}), ({}, {"client_id": "public"})):
        refused = app.ask("/introspect", headers=headers, token=token, **form)
        assert refusal_of(refused) == (401, "invalid_client")


def test_the_request_is_a_form_with_one_token(app: RelyingParty) -> None:
    token = app.tokens()["access_token"]
    assert refusal_of(app.ask("/introspect")) == (400, "invalid_request")
    assert refusal_of(app.ask(f"/introspect?token={token}", token=token)) == (400, "invalid_request")
    browser = app.provider.browser()
    assert refusal_of(browser.post("/introspect", json={"token": token}, headers=app.basic())) == (
        400,
        "invalid_request",
    )
    doubled = browser.post("/introspect", data={"token": [token, token]}, headers=app.basic())
    assert refusal_of(doubled) == (400, "invalid_request")
    assert refusal_of(browser.get("/introspect", headers=app.basic())) == (405, "invalid_request")


def test_who_calls_the_provider_its_audience_is_not_told_of_the_tokens_of_all(provider: Provider) -> None:
    """The issuer is the audience of each token that names no other."""
    curious = resource(provider, "curious", audience=ISSUER)
    assert ask(curious, RelyingParty(provider).tokens()["access_token"]) == DEAD
