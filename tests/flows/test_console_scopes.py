"""Which data a service may ask for, as the console changes it."""

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from idp.domain.client import Client
from tests.fakes.console import Console
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, hidden_of, path_of

PAGE, EDIT = "/console/services/ror", "/console/services/ror/edit"
FIELDS = {"name": "ROR", "redirect_uris": "https://ror.example/cb"}


@pytest.fixture
def console(start: Callable[..., Provider]) -> Console:
    made = Console.start(start)
    made.provider.add_client("ror", scopes=("openid", "email", "profile"))
    return made


def client_of(console: Console, client_id: str = "ror") -> Client:
    with console.provider.services.db.read() as tx:
        found = tx.clients.get(client_id)
    assert found
    return found


def root(console: Console) -> RelyingParty:
    return console.of("root", ("policy_owner", "*"))


def choose(rp: RelyingParty, *scopes: str, path: str = EDIT) -> TestResponse:
    form = {**hidden_of(rp.browser.get(path)), **FIELDS, "scope": list(scopes)}
    return rp.browser.post(path, data=form)


def test_whoever_looks_after_one_service_gives_it_no_more(console: Console) -> None:
    owner = console.policy_owner("ror")
    assert 'name="scope"' not in owner.browser.get(EDIT).text
    assert path_of(choose(owner, "openid", "phone")) == PAGE
    assert client_of(console).name == "ROR"
    assert client_of(console).scopes == ("openid", "email", "profile")


@pytest.mark.parametrize(
    ("scopes", "said"),
    [
        (("openid", "unknown"), "existe pas"),
        (("openid", "offline_access"), "existe pas"),
        (("openid", "<b>"), "existe pas"),
        (("email",), "est nécessaire"),
        ((), "est nécessaire"),
    ],
    ids=["unknown", "not offered", "markup", "without openid", "none"],
)
def test_what_no_service_can_ask_for_is_refused(console: Console, scopes: tuple[str, ...], said: str) -> None:
    before, page = client_of(console), choose(root(console), *scopes)
    assert page.status_code == 422
    assert said in page.text
    assert "<b>" not in page.text
    assert client_of(console) == before


@pytest.mark.parametrize("client_id", ["console", "portail"])
def test_our_own_sites_are_told_what_they_are_told(console: Console, client_id: str) -> None:
    path, before = f"/console/services/{client_id}/edit", client_of(console, client_id)
    form = {**hidden_of(root(console).browser.get(EDIT)), **FIELDS, "scope": ["openid", "phone"]}
    assert path_of(root(console).browser.post(path, data=form)) == f"/console/services/{client_id}"
    assert client_of(console, client_id) == before


def test_data_are_added_and_the_trail_says_which(console: Console) -> None:
    page = root(console).browser.get(EDIT).text
    assert page.count(" checked") == 3
    assert path_of(choose(root(console), "openid", "phone", "email", "profile")) == PAGE
    assert client_of(console).scopes == ("openid", "email", "profile", "phone")
    (event,) = console.provider.events("client.changed")
    assert event.detail["scopes_before"] == "openid email profile"
    assert event.detail["scopes_after"] == "openid email profile phone"
    assert path_of(choose(root(console), "phone", "profile", "email", "openid")) == PAGE
    assert len(console.provider.events("client.changed")) == 1  # nothing was changed


def test_what_was_given_ends_when_data_are_taken_away(console: Console) -> None:
    console.provider.add_account()
    person = RelyingParty(console.provider, "ror")
    token = person.tokens()["access_token"]
    assert person.userinfo(token).status_code == 200
    assert path_of(choose(root(console), "openid")) == PAGE
    assert client_of(console).scopes == ("openid",)
    assert person.userinfo(token).status_code == 401


def test_what_the_form_does_not_offer_stays(console: Console) -> None:
    scopes = ("directory:read", "openid", "email")
    grants = ("authorization_code", "client_credentials")
    console.provider.add_client("other", scopes=scopes, grant_types=grants)
    path = "/console/services/other/edit"
    assert path_of(choose(root(console), "openid", "phone", path=path)) == "/console/services/other"
    assert client_of(console, "other").scopes == ("directory:read", "openid", "phone")


def test_two_who_change_the_data_do_not_undo_each_other(console: Console) -> None:
    form = {**hidden_of(root(console).browser.get(EDIT)), **FIELDS}
    assert path_of(root(console).browser.post(EDIT, data={**form, "scope": ["openid"]})) == PAGE
    root(console).browser.post(EDIT, data={**form, "scope": ["openid", "phone"]})
    assert client_of(console).scopes == ("openid",)
