"""Services in the console: registered, changed, given a new secret, disabled, by whom they are entrusted to."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from idp.domain.client import Client
from idp.domain.ids import digest
from idp.flows.operators import clients
from tests.fakes.console import Console
from tests.fakes.console import send as send_csrf
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, hidden_of, path_of

PAGE = "/console/services"
FORMS = ("edit", "secret", "disable", "enable")
SOUND = {"client_id": "new", "name": "Nouveau", "redirect_uris": "https://new.example/cb", "scope": "openid"}


@pytest.fixture
def console(start: Callable[..., Provider]) -> Console:
    made = Console.start(start)
    for client_id in ("ror", "espace-pro"):
        made.provider.add_client(client_id)
    return made


def send(rp: RelyingParty, path: str, page: str, **fields: str) -> TestResponse:
    """POST a form with what its page hides in it."""
    return send_csrf(rp, path, page, **{**hidden_of(rp.browser.get(page)), **fields})


def client_of(console: Console, client_id: str = "ror") -> Client:
    with console.provider.services.db.read() as tx:
        found = tx.clients.get(client_id)
    assert found
    return found


@pytest.mark.parametrize("role", ["support", "approver"])
def test_other_roles_see_no_service(console: Console, role: str) -> None:
    other = console.of("karim", (role, "*"))
    for path in (PAGE, f"{PAGE}/ror", f"{PAGE}/register/new", *(f"{PAGE}/ror/{form}" for form in FORMS)):
        assert other.browser.get(path).status_code == 403, path


def test_an_auditor_changes_nothing(console: Console) -> None:
    before, auditor = client_of(console), console.auditor
    assert auditor.browser.get(f"{PAGE}/ror").status_code == 200
    csrf = csrf_of(auditor.browser.get("/console"))
    for path in (f"{PAGE}/register/new", *(f"{PAGE}/ror/{form}" for form in FORMS)):
        assert auditor.browser.get(path).status_code == 403
        assert auditor.browser.post(path, data={"csrf": csrf, **SOUND, "keep": "0"}).status_code == 403
    assert client_of(console) == before


@pytest.mark.parametrize("client_id", ["espace-pro", "console", "portail", "unknown", "%00", "*"])
def test_whoever_looks_after_a_service_touches_no_other(console: Console, client_id: str) -> None:
    owner = console.policy_owner("ror")
    csrf = csrf_of(owner.browser.get("/console"))
    assert owner.browser.get(f"{PAGE}/{client_id}").status_code == 404
    for form in FORMS:
        path = f"{PAGE}/{client_id}/{form}"
        assert owner.browser.get(path).status_code == 404
        assert owner.browser.post(path, data={"csrf": csrf, **SOUND, "keep": "0"}).status_code == 404
    assert owner.browser.post(f"{PAGE}/register/new", data={"csrf": csrf, **SOUND}).status_code == 403
    listed = owner.browser.get(PAGE).text
    assert "Service ror" in listed
    assert "espace-pro" not in listed


def test_a_secret_is_renewed_and_shown_once(console: Console) -> None:
    owner, before = console.policy_owner("ror"), client_of(console)
    path = f"{PAGE}/ror/secret"
    response = send(owner, path, path, keep="24")
    found = re.search(r'<code id="secret">([^<]+)</code>', response.text)
    assert found
    assert response.headers["Cache-Control"] == "no-store"
    after = client_of(console)
    assert after.secret_digest == digest(found[1])
    assert after.previous_secret_digest == before.secret_digest
    assert after.previous_secret_until == console.provider.clock.now() + timedelta(hours=24)
    assert found[1] not in owner.browser.get(path).text
    assert "ancien secret fonctionne" in owner.browser.get(f"{PAGE}/ror").text
    (event,) = console.provider.events("client.secret_changed")
    assert event.actor == "operator:owner.ror"
    assert found[1] not in str(event)


@pytest.mark.parametrize("keep", ["", "1", "-1", "169", "x", "9" * 500])
def test_the_overlap_is_one_of_the_list(console: Console, keep: str) -> None:
    owner, before = console.policy_owner("ror"), client_of(console)
    path = f"{PAGE}/ror/secret"
    assert send(owner, path, path, keep=keep).status_code == 400
    assert client_of(console) == before


def test_a_service_is_disabled_and_enabled(console: Console) -> None:
    owner = console.policy_owner("ror")
    assert path_of(send(owner, f"{PAGE}/ror/disable", f"{PAGE}/ror/disable")) == f"{PAGE}/ror"
    assert not client_of(console).enabled
    assert "Désactivé" in owner.browser.get(f"{PAGE}/ror").text
    send(owner, f"{PAGE}/ror/enable", f"{PAGE}/ror/enable")
    assert client_of(console).enabled
    csrf = csrf_of(owner.browser.get("/console"))
    owner.browser.post(f"{PAGE}/ror/enable", data={"csrf": csrf})  # a double click
    assert len(console.provider.events("client.enabled")) == 1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("client_id", ["console", "portail"])
def test_our_own_sites_are_not_changed_here(console: Console, client_id: str, form: str) -> None:
    root, before = console.of("root", ("policy_owner", "*")), client_of(console, client_id)
    page = f"{PAGE}/{client_id}"
    assert "ligne de commande" not in root.browser.get(page).text
    fields = {"csrf": csrf_of(root.browser.get("/console")), **SOUND, "keep": "0"}
    assert path_of(root.browser.get(f"{page}/{form}")) == page
    assert path_of(root.browser.post(f"{page}/{form}", data=fields)) == page
    assert "ligne de commande" in root.browser.get(page).text
    assert f"{page}/{form}" not in root.browser.get(page).text
    assert client_of(console, client_id) == before


def test_nor_is_one_registered_here(start: Callable[..., Provider]) -> None:
    console = Console.start(start, portal_client_id="later")
    root = console.of("root", ("policy_owner", "*"))
    path = f"{PAGE}/register/new"
    response = send(root, path, path, **{**SOUND, "client_id": "later"})
    assert response.status_code == 422
    assert "ligne de commande" in response.text
    assert not [each for each in console.provider.events("client.created") if each.client_id == "later"]


def test_a_secret_is_renewed_once(console: Console) -> None:
    owner, before = console.policy_owner("ror"), client_of(console)
    path = f"{PAGE}/ror/secret"
    form = {**hidden_of(owner.browser.get(path)), "keep": "168"}
    assert owner.browser.post(path, data=form).status_code == 200
    made = client_of(console)
    for again in (form, {**form, "seen": ""}):
        assert path_of(owner.browser.post(path, data=again)) == f"{PAGE}/ror"
        assert "a changé depuis" in owner.browser.get(f"{PAGE}/ror").text
    assert client_of(console) == made
    assert before.secret_digest in made.secret_digests(console.provider.clock.now())
    assert "déjà été renouvelé" in owner.browser.get(path).text
    assert form["seen"] not in (made.secret_digest, before.secret_digest)


def test_two_who_change_a_service_do_not_undo_each_other(console: Console) -> None:
    owner = console.policy_owner("ror")
    path = f"{PAGE}/ror/edit"
    form = {**hidden_of(owner.browser.get(path)), "name": "ROR", "redirect_uris": "https://a.example/cb"}
    assert path_of(owner.browser.post(path, data=form)) == f"{PAGE}/ror"
    late = owner.browser.post(path, data={**form, "redirect_uris": "https://b.example/cb"})
    assert path_of(late) == f"{PAGE}/ror"
    assert "a changé depuis" in owner.browser.get(f"{PAGE}/ror").text
    assert client_of(console).redirect_uris == ("https://a.example/cb",)
    assert len(console.provider.events("client.changed")) == 1


def test_the_trail_says_where_codes_went_and_go(console: Console) -> None:
    owner, (before,) = console.policy_owner("ror"), client_of(console).redirect_uris
    path = f"{PAGE}/ror/edit"
    after = ["https://a.example/cb", f"https://b.example/{'x' * 1900}"]
    tile = "https://a.example/tile"
    fields = {"name": "ROR", "redirect_uris": "\n".join(after), "initiate_login_uri": tile}
    kept = {"post_logout_redirect_uris": "\n".join(client_of(console).post_logout_redirect_uris)}
    assert path_of(send(owner, path, path, **fields, **kept)) == f"{PAGE}/ror"
    (event,) = console.provider.events("client.changed")
    assert event.detail == {
        "changed": "initiate_login_uri name redirect_uris",
        "redirect_uris_before": before,
        "redirect_uris_after": " ".join(after),
        "initiate_login_uri_after": tile,
    }
    clients.change(console.provider.desk, "ror", {"redirect_uris": tuple(f"{after[1]}{n}" for n in range(9))})
    assert all(
        len(text) <= clients.MAX_TOLD + 1 for text in console.provider.events("client.changed")[0].detail.values()
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"redirect_uris": "http://a.example/cb"}, "http://a.example/cb : une adresse commence par https"),
        ({"initiate_login_uri": "x"}, "x : une adresse commence par https"),
        ({"redirect_uris": ""}, "au moins une adresse de retour"),
        ({"name": ""}, "Le nom du service"),
        ({"scope": "email"}, "est nécessaire"),
        ({"client_id": "ror"}, "a déjà cet identifiant"),
    ],
)
def test_what_is_refused_is_said_in_the_language_of_the_page(
    console: Console, fields: dict[str, str], said: str
) -> None:
    root = console.of("root", ("policy_owner", "*"))
    path = f"{PAGE}/register/new"
    response = send(root, path, path, **{**SOUND, **fields})
    assert response.status_code == 422
    assert said in response.text
    assert "enregistré ainsi" not in response.text


def test_a_service_is_changed_without_more_data(console: Console) -> None:
    """Whoever looks after one service gives it no scope, and does not open it to everybody."""
    owner, before = console.policy_owner("ror"), client_of(console)
    path = f"{PAGE}/ror/edit"
    fields = {"name": "ROR", "redirect_uris": "https://a.example/cb\nhttps://b.example/cb", "scope": "offline_access"}
    assert path_of(send(owner, path, path, **fields, everybody="yes", auth="none")) == f"{PAGE}/ror"
    after = client_of(console)
    assert (after.name, after.redirect_uris) == ("ROR", ("https://a.example/cb", "https://b.example/cb"))
    assert (after.scopes, after.needs_entitlement, after.auth_method, after.secret_digest) == (
        before.scopes,
        before.needs_entitlement,
        before.auth_method,
        before.secret_digest,
    )


def test_a_service_is_registered(console: Console) -> None:
    root = console.of("root", ("policy_owner", "*"))
    path = f"{PAGE}/register/new"
    response = send(root, path, path, **SOUND)
    found = re.search(r'<code id="secret">([^<]+)</code>', response.text)
    assert found
    made = client_of(console, "new")
    assert (made.secret_digest, made.scopes, made.needs_entitlement) == (digest(found[1]), ("openid",), True)
    again = send(root, path, path, **SOUND)
    assert again.status_code == 422
    assert client_of(console, "new") == made


HOSTILE = ("<script>alert(1)</script>", "x\x00", "\u202eabc", "x" * 50_000)


@pytest.mark.embedded  # refused before anything is written
@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "name", ["client_id", "name", "redirect_uris", "post_logout_redirect_uris", "initiate_login_uri"]
)
def test_what_is_not_sound_is_refused_whole(console: Console, name: str, text: str) -> None:
    root = console.of("root", ("policy_owner", "*"))
    path = f"{PAGE}/register/new"
    response = send(root, path, path, **{**SOUND, name: text})
    if name == "name" and text.startswith("<"):
        assert response.status_code == 200
    else:
        assert response.status_code == 422
        assert not [each for each in console.provider.events("client.created") if each.client_id == "new"]
    assert "<script>alert" not in response.text


def test_a_form_that_says_nothing_is_refused(console: Console) -> None:
    root, before = console.of("root", ("policy_owner", "*")), client_of(console)
    for path in (f"{PAGE}/register/new", f"{PAGE}/ror/edit"):
        assert send(root, path, path).status_code == 422
    assert client_of(console) == before


def test_it_needs_a_fresh_proof_and_its_token(console: Console) -> None:
    owner, before = console.policy_owner("ror"), client_of(console)
    csrf = csrf_of(owner.browser.get("/console"))
    for form in FORMS:
        assert owner.browser.post(f"{PAGE}/ror/{form}", data={**SOUND, "keep": "0"}).status_code == 403
    console.provider.clock.advance(minutes=6)
    for form in FORMS:
        response = owner.browser.post(f"{PAGE}/ror/{form}", data={"csrf": csrf, **SOUND, "keep": "0"})
        assert path_of(response).startswith("/login/")
    assert client_of(console) == before
