"""Pushed authorization requests: what is refused, and that one is answered once (RFC 9126)."""

import json
import re
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from idp.flows import pushed
from idp.flows.operators import clients
from tests.fakes.provider import RP, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, basic, error_of, form_post_of, page_error_of, path_of

URN = re.compile(r"urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{43}")


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider)


def post(rp: RelyingParty, form: dict[str, str], headers: dict[str, str] | None = None) -> TestResponse:
    """POST /par, from the application: never with the browser's cookies."""
    return rp.provider.browser().post("/par", data=form, headers=rp.basic() if headers is None else headers)


def push(rp: RelyingParty, **changes: str | None) -> str:
    """Push a valid request; its request_uri."""
    response = post(rp, rp.request(**changes))
    assert response.status_code == 201, response.text
    return str((response.json or {})["request_uri"])


def load(rp: RelyingParty, request_uri: str, client_id: str | None = None, **more: str) -> TestResponse:
    return rp.browser.get(
        "/authorize", query_string={"client_id": client_id or rp.client_id, "request_uri": request_uri, **more}
    )


def refusal(response: TestResponse, status: int = 400) -> str:
    """The error of an answer to the application, which never leads a browser anywhere."""
    assert (response.status_code, response.mimetype) == (status, "application/json"), response.text
    assert "Location" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    return str((response.json or {})["error"])


def is_dead(response: TestResponse) -> bool:
    return page_error_of(response) == "invalid_request_uri"


# what is pushed


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


# what cannot be pushed


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


# what is loaded


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


def test_a_repeated_one_gets_a_page(rp: RelyingParty) -> None:
    pairs = [*rp.request().items(), ("request_uri", push(rp)), ("request_uri", push(rp))]
    assert page_error_of(rp.browser.get("/authorize?" + urlencode(pairs))) == "invalid_request"


def test_only_its_own_parameters_count(rp: RelyingParty) -> None:
    rp.login()
    answer = answer_of(
        load(
            rp, push(rp, state="pushed"), state="other", redirect_uri="https://evil.example/", prompt="login", scope="x"
        )
    )
    assert answer["state"] == "pushed"
    assert answer["code"]


def test_a_request_uri_of_another_kind_is_not_supported(rp: RelyingParty) -> None:
    assert error_of(rp.authorize(request_uri="https://rp.example/object")) == "request_uri_not_supported"
    assert error_of(rp.authorize(request_uri=push(rp).replace("oauth", "other"))) == "request_uri_not_supported"


def test_by_post_it_is_taken_up_by_our_own_get(rp: RelyingParty) -> None:
    rp.login()
    form = {"client_id": "rp", "request_uri": push(rp), "scope": "ignored"}
    posted = rp.provider.browser().post("/authorize", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert posted.status_code == 303
    assert answer_of(rp.browser.get(path_of(posted)))["code"]


@pytest.mark.spec("RFC 9126 §2.2")
@pytest.mark.parametrize(("seconds", "is_good"), [(89.9, True), (90, False)])
def test_the_first_load_comes_within_ninety_seconds(rp: RelyingParty, seconds: float, is_good: bool) -> None:
    request_uri = push(rp)
    rp.provider.clock.advance(seconds=seconds)
    response = load(rp, request_uri)
    assert path_of(response).startswith("/login/") if is_good else is_dead(response)


def test_loaded_it_is_loaded_again_until_it_is_answered(rp: RelyingParty) -> None:
    request_uri = push(rp)
    rp.provider.clock.advance(seconds=80)
    first = path_of(load(rp, request_uri))
    rp.provider.clock.advance(minutes=10)
    second = path_of(load(rp, request_uri))
    assert first != second
    assert answer_of(rp.give_password(second))["code"]
    assert is_dead(load(rp, request_uri))


def test_it_dies_with_the_login_that_it_began(rp: RelyingParty) -> None:
    request_uri = push(rp)
    load(rp, request_uri)
    rp.provider.clock.advance(minutes=16, seconds=29)
    late = path_of(load(rp, request_uri))
    rp.provider.clock.advance(seconds=1)
    assert is_dead(load(rp, request_uri))
    assert rp.give_password(late).status_code == 410
    assert not rp.provider.events("authorization.issued")


# what is answered


def finish_by_password(rp: RelyingParty, path: str) -> TestResponse:
    return rp.give_password(path)


def finish_by_cancelling(rp: RelyingParty, path: str) -> TestResponse:
    return rp.post(f"{path}/cancel", page=path)


@pytest.mark.parametrize("finish", [finish_by_password, finish_by_cancelling])
def test_answered_it_is_dead_in_every_tab(
    rp: RelyingParty, finish: Callable[[RelyingParty, str], TestResponse]
) -> None:
    request_uri = push(rp, prompt="login")
    one, two = path_of(load(rp, request_uri)), path_of(load(rp, request_uri))
    assert answer_of(finish(rp, one))
    assert is_dead(load(rp, request_uri))
    assert finish_by_password(rp, two).status_code == 410
    assert len(rp.provider.events("authorization.issued")) == (finish is finish_by_password)


def test_answered_at_the_end_of_a_choice_it_is_dead(rp: RelyingParty) -> None:
    request_uri = push(rp, prompt="login consent")
    one, two = path_of(load(rp, request_uri)), path_of(load(rp, request_uri))
    for path in (one, two):
        rp.give_password(path)
        rp.consent(path)
    assert answer_of(rp.browser.get(one))["code"]
    assert rp.browser.get(two).status_code == 410
    assert len(rp.provider.events("authorization.issued")) == 1


def test_an_error_answers_it(rp: RelyingParty) -> None:
    request_uri = push(rp, prompt="none")
    assert error_of(load(rp, request_uri)) == "login_required"
    rp.login()
    assert is_dead(load(rp, request_uri))


def test_from_the_session_it_is_answered_once(rp: RelyingParty) -> None:
    rp.login()
    request_uri = push(rp)
    assert answer_of(load(rp, request_uri))["code"]
    assert is_dead(load(rp, request_uri))


def test_checked_again_when_it_is_loaded(rp: RelyingParty) -> None:
    request_uri = push(rp)
    clients.set_enabled(rp.provider.desk, "rp", False)
    assert page_error_of(load(rp, request_uri)) == "unauthorized_client"


@pytest.mark.parametrize("prompt", ["", "none"])
def test_of_two_at_once_one_is_answered(rp: RelyingParty, prompt: str) -> None:
    """Signed in, and the same request_uri in two threads: one code."""
    rp.login()
    before = len(rp.provider.events("authorization.issued"))
    request_uri = push(rp, prompt=prompt)
    jar = [rp.browser.get_cookie(f"__Host-sesame-{name}") for name in ("browser", "session")]
    barrier, got = Barrier(2), list[Any]()

    def ask() -> None:
        tab = RelyingParty(rp.provider)
        for cookie in jar:
            assert cookie
            tab.browser.set_cookie(cookie.key, cookie.value, secure=True)
        barrier.wait(10)
        got.append(load(tab, request_uri))

    threads = [Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(response.status_code for response in got) == [303, 400]
    assert len(rp.provider.events("authorization.issued")) == before + 1


# clients that must push


def test_a_client_that_must_push_is_refused_otherwise(rp: RelyingParty) -> None:
    rp.provider.add_client("strict", par_required=True)
    strict = RelyingParty(rp.provider, "strict")
    assert error_of(strict.authorize()) == "invalid_request"
    assert error_of(strict.browser.post("/authorize", data=strict.request())) == "invalid_request"
    assert page_error_of(strict.authorize(redirect_uri=f"{RP}/evil")) == "invalid_request"
    opened = load(strict, push(strict))
    assert answer_of(strict.give_password(path_of(opened)))["code"]


@pytest.mark.spec("RFC 9126 §5")
def test_discovery_says_so(provider: Provider) -> None:
    document = json.loads(provider.browser().get("/.well-known/openid-configuration").text)
    assert document["pushed_authorization_request_endpoint"] == "https://idp.example/par"
    assert document["require_pushed_authorization_requests"] is False
