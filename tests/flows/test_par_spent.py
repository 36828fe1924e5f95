"""Pushed authorization requests (RFC 9126): loaded again, and answered once."""

import json
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from idp.flows.operators import clients
from tests.fakes.provider import RP, Provider
from tests.fakes.pushed_requests import (
    finish_by_cancelling,
    finish_by_password,
    is_dead,
    load,
    push,
)
from tests.fakes.relying_party import RelyingParty, answer_of, error_of, page_error_of, path_of


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider)


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
