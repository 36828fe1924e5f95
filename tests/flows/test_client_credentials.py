"""The grant client_credentials: a service for itself (RFC 6749 §4.4)."""

from typing import Any

import pytest

from idp.errors import Unavailable
from idp.store import Database
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty

SCOPES = ("openid", "email", "directory:read", "directory:write")


@pytest.fixture
def machine(provider: Provider) -> RelyingParty:
    """A client that signs people in and acts for itself, with all grant types."""
    grants = ("authorization_code", "refresh_token", "client_credentials")
    provider.add_client("machine", grant_types=grants, scopes=SCOPES, audience="https://directory.example")
    return RelyingParty(provider, "machine")


def ask(rp: RelyingParty, **form: Any) -> Any:
    return rp.ask("/token", grant_type="client_credentials", **form)


def test_a_client_gets_a_token_for_itself_and_nothing_else(machine: RelyingParty) -> None:
    response = ask(machine)
    assert response.status_code == 200
    assert (response.headers["Cache-Control"], response.headers["Pragma"]) == ("no-store", "no-cache")
    body = response.json
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)
    assert body["scope"] == "directory:read directory:write"
    (event,) = machine.provider.events("token.issued_to_client")
    assert (event.actor, event.subject, event.client_id) == ("client:machine", None, "machine")


def test_it_is_introspected_as_the_clients_own(machine: RelyingParty) -> None:
    said = machine.ask("/introspect", token=ask(machine).json["access_token"]).json or {}
    assert (said["active"], said["sub"], said["client_id"]) == (True, "machine", "machine")
    assert said["aud"] == "https://directory.example"
    assert not {"acr", "auth_time", "username"} & said.keys()


def test_less_may_be_asked_for(machine: RelyingParty) -> None:
    assert ask(machine, scope="directory:read").json["scope"] == "directory:read"


@pytest.mark.parametrize("scope", ["openid", "email", "directory:read openid", "offline_access", "admin", "directory:"])
def test_what_speaks_of_people_or_is_not_its_own_is_refused(machine: RelyingParty, scope: str) -> None:
    response = ask(machine, scope=scope)
    assert (response.status_code, response.json["error"]) == (400, "invalid_scope")
    assert not machine.provider.events("token.issued_to_client")


def test_a_client_without_scopes_of_its_own_gets_a_bare_token(provider: Provider) -> None:
    provider.add_client("bare", grant_types=("client_credentials",), redirect_uris=(), scopes=(), methods=())
    assert ask(RelyingParty(provider, "bare")).json.keys() == {"access_token", "token_type", "expires_in"}


def test_userinfo_has_nothing_to_say(machine: RelyingParty) -> None:
    refused = machine.userinfo(ask(machine).json["access_token"])
    assert (refused.status_code, (refused.json or {})["error"]) == (403, "insufficient_scope")


def test_who_does_not_prove_itself_gets_nothing(machine: RelyingParty) -> None:
    refused = ask(machine, headers={})
    assert (refused.status_code, refused.json["error"]) == (401, "invalid_client")
    machine.provider.add_client("public", auth_method="none")
    refused = ask(machine, headers={}, client_id="public")
    assert (refused.status_code, refused.json["error"]) == (400, "unauthorized_client")


def test_a_token_whose_event_cannot_be_written_is_given_to_nobody(
    machine: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Database, "append", failing)
        refused = ask(machine)
    assert (refused.status_code, "access_token" in refused.text) == (503, False)


def test_an_event_tells_of_no_token_that_could_not_be_kept(
    machine: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(type(machine.provider.services.access_tokens), "put", failing)
        assert ask(machine).status_code == 503
    assert not machine.provider.events("token.issued_to_client")


def failing(*_: Any) -> None:
    raise Unavailable("away")
