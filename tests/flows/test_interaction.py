"""The Interaction: one browser, a quarter of an hour, one answer; and forms that only our pages can send."""

from collections.abc import Iterator
from threading import Barrier, Thread
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from idp.domain.interaction import Interaction
from idp.flows.operators import clients
from tests.fakes.provider import ISSUER, PASSWORD, RP, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, path_of

GOOD = {"login": "anne.pierre", "password": PASSWORD}


def cookies(browser: FlaskClient) -> Iterator[tuple[str, str]]:
    for name in ("__Host-sesame-browser", "__Host-sesame-session"):
        found = browser.get_cookie(name)
        if found:
            yield name, found.value


def test_another_browser_is_refused(provider: Provider) -> None:
    rp, thief = RelyingParty(provider), provider.browser()
    path = rp.open_login()
    rp.browser.get(path)
    page = thief.get("/password/forgot")
    for response in (
        thief.get(path),
        thief.get(f"{path}/password"),
        thief.post(f"{path}/password", data={"csrf": csrf_of(page), **GOOD}),
        thief.post(f"{path}/cancel", data={"csrf": csrf_of(page)}),
    ):
        assert response.status_code == 403
        assert "interaction_foreign" in response.text
    assert "code" in answer_of(rp.give_password(path))


@pytest.mark.parametrize(("minutes", "status"), [(14.9, 200), (15, 410)])
def test_it_expires_after_a_quarter_of_an_hour(provider: Provider, minutes: float, status: int) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login()
    rp.browser.get(path)
    provider.clock.advance(minutes=minutes)
    assert rp.browser.get(path).status_code == status


def test_it_does_not_live_longer_for_being_used(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login()
    for _ in range(3):
        provider.clock.advance(minutes=4)
        rp.give_password(path, password="wrong")
    provider.clock.advance(minutes=3)
    assert rp.browser.get(path).status_code == 410


@pytest.mark.parametrize("handle", ["x", "é", "x" * 3000, "%00", "..", "'"])
def test_an_invented_one_is_gone(provider: Provider, handle: str) -> None:
    assert provider.browser().get(f"/login/{handle}").status_code in {404, 410}


def test_of_two_writes_at_once_the_second_is_refused(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login()
    page = rp.browser.get(path)
    fresh = Interaction.from_json
    monkeypatch.setattr(Interaction, "from_json", lambda handle, version, data: fresh(handle, version - 1, data))
    refused = rp.browser.post(f"{path}/password", data={"csrf": csrf_of(page), "login": "anne.pierre", "password": "x"})
    assert refused.status_code == 409
    assert "interaction_busy" in refused.text


def test_the_right_answer_twice_at_once_answers_once(provider: Provider) -> None:
    """Two threads send the same good form: one code, one session."""
    rp = RelyingParty(provider)
    path = rp.open_login()
    data = {"csrf": csrf_of(rp.browser.get(path)), **GOOD}
    jar, barrier, got = list(cookies(rp.browser)), Barrier(2), list[TestResponse]()

    def send() -> None:
        browser = provider.browser()
        for name, value in jar:
            browser.set_cookie(name, value, secure=True)
        barrier.wait(10)
        got.append(browser.post(f"{path}/password", data=data))

    threads = [Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    statuses = sorted(response.status_code for response in got)
    assert statuses[0] == 303
    assert statuses[1] in {409, 410}
    assert len(provider.events("authorization.issued")) == 1
    assert len(provider.events("login.succeeded")) == 1


def test_it_is_completed_once(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login()
    page = rp.browser.get(path)
    rp.give_password(path)
    assert rp.browser.get(path).status_code == 410
    assert rp.browser.post(f"{path}/password", data={"csrf": csrf_of(page), **GOOD}).status_code == 410
    assert rp.browser.post(f"{path}/cancel", data={"csrf": csrf_of(page)}).status_code == 410


@pytest.mark.spec("RFC 6749 §4.1.2.1")
def test_cancel_tells_the_service(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login()
    cancelled = rp.post(f"{path}/cancel", page=path)
    assert cancelled.status_code == 303
    answer = answer_of(cancelled)
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "af0ifjsldkj", ISSUER)
    assert provider.events("login.cancelled")[0].client_id == "rp"


def forms(rp: RelyingParty) -> list[str]:
    path = rp.open_login()
    steps = [f"{path}/{step}" for step in ("password", "cancel", "consent", "account")]
    return [*steps, "/password/forgot", "/password/reset/token", "/compte/logout", "/logout/handle"]


@pytest.mark.parametrize("csrf", [None, "", "0" * 64, "é", "another browser's"])
def test_a_form_without_this_browsers_token_is_refused(provider: Provider, csrf: str | None) -> None:
    rp = RelyingParty(provider)
    if csrf == "another browser's":
        csrf = csrf_of(provider.browser().get("/password/forgot"))
    for form in forms(rp):
        refused = rp.browser.post(form, data={**GOOD, **({} if csrf is None else {"csrf": csrf})})
        assert (refused.status_code, "form_foreign" in refused.text) == (403, True), form
    assert not provider.events("login.succeeded")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_of_another_site_is_refused_even_with_the_token(provider: Provider, site: str) -> None:
    rp = RelyingParty(provider)
    for form in forms(rp):
        csrf = csrf_of(rp.browser.get("/password/forgot"))
        refused = rp.browser.post(form, data={"csrf": csrf, **GOOD}, headers={"Sec-Fetch-Site": site})
        assert refused.status_code == 403, form


def test_every_redirect_of_a_login_is_a_303(provider: Provider) -> None:
    """A 302 or 307 may make a browser repeat a POST with the password (RFC 9700 §4.12)."""
    provider.add_client("ror", methods=("email_otp",))
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    assert rp.post(f"{path}/email_otp", page=path).status_code == 303
    assert rp.post(f"{path}/email_otp", page=f"{path}/email_otp", **GOOD).status_code == 303
    assert rp.post(f"{path}/email_otp", page=f"{path}/email_otp", code=provider.last_code()).status_code == 303
    asked = rp.post("/password/forgot", page="/password/forgot", login="x")
    assert (asked.status_code, path_of(asked)) == (303, "/password/sent")


def test_the_cookies(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login()
    rp.give_password(path)
    for name, _ in cookies(rp.browser):
        cookie = rp.browser.get_cookie(name)
        assert cookie
        assert (cookie.secure, cookie.http_only, cookie.same_site, cookie.path) == (True, True, "Lax", "/")
    assert len(dict(cookies(rp.browser))) == 2


def test_a_head_does_nothing(provider: Provider) -> None:
    """What a GET of a journey does, it does once."""
    rp = RelyingParty(provider)
    rp.login()
    assert rp.browser.head("/authorize", query_string=rp.request()).status_code == 405
    assert len(provider.events("authorization.issued")) == 1
    path = rp.open_login(prompt="login")
    assert rp.browser.head(path).status_code == 405
    assert rp.browser.head("/compte/callback").status_code == 405
    assert rp.browser.head("/logout").status_code == 405
    assert rp.browser.head("/.well-known/openid-configuration").status_code == 200


@pytest.mark.parametrize("change", [{"redirect_uris": (f"{RP}/elsewhere",)}, {"scopes": ("openid",)}])
def test_a_login_of_before_its_client_was_changed_is_gone(provider: Provider, change: dict[str, Any]) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login(scope="openid profile")
    clients.change(provider.desk, "rp", change)
    response = rp.browser.get(path)
    assert (response.status_code, "interaction_gone" in response.text) == (410, True)
