"""Pushed authorization requests: what is refused, and that one is answered once (RFC 9126)."""

from urllib.parse import urlencode

import pytest

from idp.flows import pushed
from idp.flows.operators import clients
from tests.fakes.provider import Provider
from tests.fakes.pushed_requests import URN, is_dead, load, post, push, refusal
from tests.fakes.relying_party import RelyingParty, answer_of, basic, form_post_of, page_error_of, path_of


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider)


@pytest.mark.spec("RFC 9126 §2.2")
def test_a_request_that_was_pushed(rp: RelyingParty) -> None:
    response = post(rp, rp.request())
    assert response.status_code == 201
    body = response.json or {}
    assert body.keys() == {"request_uri", "expires_in"}
    assert URN.fullmatch(body["request_uri"])
    assert body["expires_in"] == 90
    assert "no-store" in response.headers["Cache-Control"]
    assert push(rp) != body["request_uri"]


@pytest.mark.spec("RFC 9126 §4")
def test_a_whole_login(rp: RelyingParty) -> None:
    opened = load(rp, push(rp))
    answer = answer_of(rp.give_password(path_of(opened)))
    assert answer["state"] == rp.request()["state"]
    assert rp.redeem(answer["code"])["claims"]["nonce"] == rp.request()["nonce"]


def test_from_the_session(rp: RelyingParty) -> None:
    rp.login()
    assert answer_of(load(rp, push(rp)))["code"]
    assert form_post_of(load(rp, push(rp, response_mode="form_post", prompt="none")))["code"]


def test_a_client_without_a_secret(rp: RelyingParty) -> None:
    rp.provider.add_client("app", auth_method="none")
    app = RelyingParty(rp.provider, "app")
    response = post(app, app.request(), headers={})
    assert response.status_code == 201
    assert path_of(load(app, (response.json or {})["request_uri"])).startswith("/login/")


def test_the_secret_in_the_form_is_not_kept(rp: RelyingParty) -> None:
    rp.provider.add_client("post", auth_method="client_secret_post")
    client = RelyingParty(rp.provider, "post")
    secret = rp.provider.secrets["post"]
    response = post(client, {**client.request(), "client_secret": secret}, headers={})
    key = pushed.key_of((response.json or {})["request_uri"])
    stored = rp.provider.services.ephemeral.get(pushed.KIND, key)
    assert stored
    assert stored["values"] == client.request()


def test_client_id_is_that_of_the_client_if_it_is_left_out(rp: RelyingParty) -> None:
    assert path_of(load(rp, push(rp, client_id=None))).startswith("/login/")


def test_what_is_stored_is_not_what_the_browser_carries(rp: RelyingParty) -> None:
    request_uri = push(rp)
    load(rp, request_uri)
    store = rp.provider.services.ephemeral._redis
    held = str([(name, store.get(name)) for name in store.keys()])  # noqa: SIM118 - a command of Redis
    assert "code_challenge" in held
    assert request_uri.rpartition(":")[2] not in held


@pytest.mark.spec("RFC 9126 §2, RFC 6749 §5.2")
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Basic x"}, basic("rp", "wrong"), basic("nobody", "wrong"), basic("other", "wrong")],
)
def test_a_client_that_is_not_proven_pushes_nothing(rp: RelyingParty, headers: dict[str, str]) -> None:
    rp.provider.add_client("other")
    response = post(rp, rp.request(), headers)
    assert refusal(response, 401) == "invalid_client"
    assert "Basic" in response.headers["WWW-Authenticate"]


def test_a_client_that_is_disabled_pushes_nothing(rp: RelyingParty) -> None:
    clients.set_enabled(rp.provider.desk, "rp", False)
    assert refusal(post(rp, rp.request()), 401) == "invalid_client"


def test_a_client_pushes_for_itself_only(rp: RelyingParty) -> None:
    rp.provider.add_client("other")
    assert refusal(post(rp, RelyingParty(rp.provider, "other").request()), 401) == "invalid_client"


@pytest.mark.spec("RFC 9126 §2.1")
def test_a_request_uri_cannot_be_pushed(rp: RelyingParty) -> None:
    assert refusal(post(rp, rp.request(request_uri=push(rp)))) == "invalid_request"


@pytest.mark.embedded  # refused before anything is written
@pytest.mark.spec("RFC 9126 §2.1, §2.3")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"id_token_hint": "a.b.c"}, "invalid_request"),
        ({"nonce": "é"}, "invalid_request"),
        ({"state": "\r\n"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
    ],
)
def test_what_authorize_refuses_is_told_to_the_client(
    rp: RelyingParty, changes: dict[str, str | None], code: str
) -> None:
    assert refusal(post(rp, rp.request(**changes))) == code


def test_a_repeated_parameter_is_refused(rp: RelyingParty) -> None:
    body = urlencode([*rp.request().items(), ("nonce", "other")])
    headers = {**rp.basic(), "Content-Type": "application/x-www-form-urlencoded"}
    assert refusal(rp.provider.browser().post("/par", data=body, headers=headers)) == "invalid_request"


@pytest.mark.spec("RFC 9126 §2.3")
def test_other_ways_to_ask(rp: RelyingParty) -> None:
    got = rp.browser.get("/par", query_string=rp.request())
    assert refusal(got, 405) == "invalid_request"
    assert "POST" in got.headers["Allow"]
    other_body = rp.provider.browser().post(
        "/par", data=rp.request(), headers=rp.basic(), content_type="multipart/form-data"
    )
    assert refusal(other_body) == "invalid_request"
    assert refusal(rp.browser.post("/par", json=rp.request(), headers=rp.basic())) == "invalid_request"
    assert refusal(post(rp, rp.request(login_hint="x" * 70_000)), 413) == "invalid_request"
    in_url = rp.provider.browser().post("/par", query_string=rp.request(), headers=rp.basic())
    assert refusal(in_url) == "invalid_request"


@pytest.mark.parametrize("name", ["client_secret", "client_assertion"])
def test_credentials_in_the_url_are_refused(rp: RelyingParty, name: str) -> None:
    response = rp.provider.browser().post(f"/par?{name}=x", data=rp.request(), headers=rp.basic())
    assert refusal(response) == "invalid_request"


@pytest.mark.spec("RFC 9126 §4")
@pytest.mark.parametrize("request_uri", [pushed.URN, pushed.URN + "x" * 43, pushed.URN + "é", pushed.URN + "x" * 3000])
def test_an_invented_one_gets_a_page(rp: RelyingParty, request_uri: str) -> None:
    assert page_error_of(load(rp, request_uri, redirect_uri=rp.redirect_uri)) in {
        "invalid_request_uri",
        "invalid_request",
    }


def test_that_of_another_client_gets_a_page(rp: RelyingParty) -> None:
    rp.provider.add_client("other")
    request_uri = push(rp)
    assert is_dead(load(rp, request_uri, "other"))
    assert is_dead(load(rp, request_uri, "nobody"))
    assert is_dead(rp.browser.get("/authorize", query_string={"request_uri": request_uri}))
    assert path_of(load(rp, request_uri)).startswith("/login/")
