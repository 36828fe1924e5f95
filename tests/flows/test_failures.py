"""What people and applications see when something fails: a sentence and a reference, and nothing of the inside."""

import re
from collections.abc import Callable
from typing import Any

import flask
import pytest
import structlog

from idp.web.headers import SECURITY_HEADERS
from tests.fakes.outage import Outage
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty

UNAVAILABLE = "Service momentanément indisponible"
PARTS = ["database", "ephemeral_store"]


def cut(outage: Outage, part: str) -> Any:
    return outage.of_database() if part == "database" else outage.of_ephemeral_store()


# -- a part does not answer --------------------------------------------------------


@pytest.mark.parametrize("part", PARTS)
def test_a_new_login_gets_a_page_that_says_so_and_works_again_after(provider: Provider, part: str) -> None:
    outage = Outage.of(provider)
    rp = RelyingParty(outage.provider)
    with cut(outage, part):
        page = rp.authorize()
        assert page.status_code == 503
        assert UNAVAILABLE in page.text
        assert page.headers["Retry-After"] == "5"
        assert page.headers["Cache-Control"] == "no-store"
        assert "Location" not in page.headers
    assert rp.login()["state"] == "af0ifjsldkj"  # in the same browser, without a restart


@pytest.mark.parametrize("part", PARTS)
def test_a_login_that_was_open_goes_on_after(provider: Provider, part: str) -> None:
    outage = Outage.of(provider)
    rp = RelyingParty(outage.provider)
    path = rp.open_login()
    with cut(outage, part):
        assert rp.browser.get(path).status_code == 503
    assert "code" in rp.give_password(path).headers["Location"]


@pytest.mark.parametrize(
    "part",
    [
        "database",
        "ephemeral_store",
    ],
)
@pytest.mark.spec("RFC 6749 §5.2")
def test_an_application_gets_json_and_may_try_its_code_again(provider: Provider, part: str) -> None:
    outage = Outage.of(provider)
    rp = RelyingParty(outage.provider)
    code = rp.login()["code"]
    with cut(outage, part):
        answer = rp.token(code)
        assert (answer.status_code, answer.json) == (503, {"error": "temporarily_unavailable"})
        assert answer.headers["Cache-Control"] == "no-store"
    assert rp.token(code).status_code == 200, "the outage must not have used the code up"


def test_userinfo_without_its_stores(provider: Provider) -> None:
    outage = Outage.of(provider)
    rp = RelyingParty(outage.provider)
    token = (rp.token(rp.login()["code"]).json or {})["access_token"]
    for part in PARTS:
        with cut(outage, part):
            assert rp.userinfo(token).status_code == 503
    assert rp.userinfo(token).status_code == 200


def test_a_session_is_enough_without_the_ephemeral_store(provider: Provider) -> None:
    outage = Outage.of(provider)
    rp = RelyingParty(outage.provider)
    rp.login()
    with outage.of_ephemeral_store():
        assert "code=" in rp.authorize().headers["Location"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "path",
    ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks", "/static/page.css"],
)
def test_what_is_public_still_answers(provider: Provider, part: str, path: str) -> None:
    outage = Outage.of(provider)
    with cut(outage, part):
        assert outage.provider.browser().get(path, buffered=True).status_code == 200


# -- something unexpected ----------------------------------------------------------


def explode() -> flask.Response:
    raise RuntimeError("hunter2 in /srv/secret.py")


def exploding(provider: Provider, endpoint: str) -> None:
    for name in provider.app.view_functions:
        if name.startswith(endpoint):
            provider.app.view_functions[name] = lambda **_: explode()


def test_an_unexpected_error_is_a_page_with_a_reference(provider: Provider) -> None:
    exploding(provider, "authorize.")
    with structlog.testing.capture_logs() as logs:
        page = RelyingParty(provider).authorize()
    assert page.status_code == 500
    reference = page.headers["X-Request-Id"]
    assert reference in page.text
    assert not re.search("hunter2|RuntimeError|Traceback|/srv/", page.text)
    (error,) = [line for line in logs if line["log_level"] == "error"]
    assert str(error["exc_info"]) == "hunter2 in /srv/secret.py"  # the log says it


def test_an_unexpected_error_is_json_for_an_application(provider: Provider) -> None:
    exploding(provider, "token.")
    answer = provider.browser().post("/token", data={"grant_type": "authorization_code"})
    assert (answer.status_code, answer.json) == (500, {"error": "server_error"})


# -- requests that nobody should send ----------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/login", 404),
        ("GET", "/static/../secret", 404),
        ("GET", "/static/%2e%2e/%2e%2e/secret", 404),
        ("PUT", "/authorize", 405),
        ("DELETE", "/compte", 405),
    ],
)
def test_a_request_for_nothing_gets_a_page(provider: Provider, method: str, path: str, status: int) -> None:
    page = provider.browser().open(path, method=method)
    assert page.status_code == status
    assert page.mimetype == "text/html"
    assert page.headers["X-Request-Id"] in page.text


@pytest.mark.parametrize(("method", "path"), [("GET", "/token"), ("PUT", "/userinfo"), ("POST", "/jwks")])
def test_a_wrong_method_is_json_for_an_application(provider: Provider, method: str, path: str) -> None:
    answer = provider.browser().open(path, method=method)
    assert (answer.status_code, answer.json) == (405, {"error": "invalid_request"})


@pytest.mark.parametrize("path", ["/token", "/authorize"])
def test_a_body_that_is_too_large_is_not_read(provider: Provider, path: str) -> None:
    answer = provider.browser().post(path, data={"x": "a" * 70_000})
    assert answer.status_code == 413
    assert answer.is_json is (path == "/token")


def test_a_form_with_too_many_fields_is_not_read(provider: Provider) -> None:
    fields = {f"x{n}": "a" for n in range(200)}
    answer = provider.browser().post("/authorize", data=fields, content_type="multipart/form-data")
    assert answer.status_code == 413


# -- headers -----------------------------------------------------------------------

ANSWERS: list[tuple[str, str]] = [
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/jwks"),
    ("GET", "/.well-known/openid-configuration"),
    ("GET", "/authorize"),
    ("POST", "/authorize"),
    ("POST", "/token"),
    ("GET", "/userinfo"),
    ("GET", "/logout"),
    ("GET", "/compte"),
    ("GET", "/password/forgot"),
    ("GET", "/login/unknown"),
    ("GET", "/nowhere"),
    ("PUT", "/token"),
    ("GET", "/static/page.css"),
    ("GET", "/static/brand.css"),
]
PUBLIC = ("/jwks", "/.well-known/", "/static/")


@pytest.mark.embedded  # asks nothing of a store
@pytest.mark.parametrize(("method", "path"), ANSWERS)
def test_every_answer_has_the_headers_of_security(provider: Provider, method: str, path: str) -> None:
    headers = provider.browser().open(path, method=method, buffered=True).headers
    own = {"Content-Security-Policy", "Cache-Control"} | (
        {"Cross-Origin-Resource-Policy"} if path.startswith(PUBLIC[:2]) else set()
    )
    for name, value in SECURITY_HEADERS.items():
        assert len(headers.getlist(name)) == 1, name
        assert headers[name] == value or name in own, name
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert "X-Request-Id" in headers
    assert (headers["Cache-Control"] == "no-store") is not path.startswith(PUBLIC)


def test_the_failure_itself_has_them_too(provider: Provider) -> None:
    exploding(provider, "authorize.")
    headers = RelyingParty(provider).authorize().headers
    assert headers["X-Frame-Options"] == "DENY"
    assert "form-action 'self'" in headers["Content-Security-Policy"]


def test_no_answer_asks_for_https_where_there_is_none(start: Callable[..., Provider]) -> None:
    plain = start(issuer="http://localhost:8000")
    assert "Strict-Transport-Security" not in plain.browser().get("/healthz").headers
    assert ISSUER.startswith("https://")
