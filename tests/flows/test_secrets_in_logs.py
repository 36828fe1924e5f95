"""A whole journey leaves no secret and no name in the logs, and each line says which request it is of."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator

import pytest
import structlog

from idp.web import logs
from tests.fakes import enrolling, phone_enrolling
from tests.fakes.authenticator import Authenticator, b64
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of

RANDOM = {"timestamp", "request_id", "letter"}  # where six digits may stand by chance
NEW = "quatre nouveaux mots ensemble"
IN_THE_WRONG_FIELD = "mon-mot-de-passe-dans-le-champ-identifiant"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[io.StringIO]:
    """Logs as in production, at their most talkative; libraries at DEBUG too."""
    before, buffer = structlog.get_config(), io.StringIO()
    caplog.set_level(logging.DEBUG)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", buffer)
        logs.configure("DEBUG")
    yield buffer
    structlog.configure(**before)


def journey(provider: Provider) -> dict[str, str]:
    """Log in with mistakes, use tokens, choose a new password; every secret that was in play, by a name."""
    provider.add_client("ror", methods=("email_otp",))
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    secrets = {"handle": path.rpartition("/")[2], "csrf": csrf_of(rp.browser.get(path))}
    rp.post(f"{path}/email_otp", page=path)
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login=IN_THE_WRONG_FIELD, password="x")
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre", password=PASSWORD)
    secrets["one-time code"] = provider.last_code()
    answered = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", code=secrets["one-time code"])
    code = answer_of(answered)["code"]
    tokens = rp.redeem(code)
    rp.userinfo(tokens["access_token"])
    rp.userinfo("a-token-nobody-gave")
    rp.token(code)
    rp.token("x", headers={"Authorization": "Basic cm9yOndyb25nLXNlY3JldA=="})
    rp.browser.get(f"/login/{secrets['handle']}")
    for kind in ("session", "browser"):
        cookie = rp.browser.get_cookie(f"__Host-sesame-{kind}")
        assert cookie
        secrets[f"{kind} cookie"] = cookie.value
    rp.post("/password/forgot", page="/password/forgot", login="anne.pierre@chu.example")
    reset = provider.last_reset_path()
    rp.post(reset, page=reset, password=NEW, confirmation=NEW)
    rp.browser.get(reset)
    provider.mails()
    return {
        **secrets,
        "authorization code": code,
        "access token": tokens["access_token"],
        "foreign token": "a-token-nobody-gave",
        "id token": tokens["id_token"],
        "client secret": provider.secrets["ror"],
        "wrong client secret": "cm9yOndyb25nLXNlY3JldA",
        "reset link": reset.rpartition("/")[2],
        "password": PASSWORD,
        "new password": NEW,
        "what was typed as a name": IN_THE_WRONG_FIELD,
        "name": "anne.pierre",
    }


def test_no_secret_is_logged(provider: Provider, written: io.StringIO, caplog: pytest.LogCaptureFixture) -> None:
    secrets = journey(provider)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert len(lines) > 20
    said = repr([{key: value for key, value in line.items() if key not in RANDOM} for line in lines])
    for name, secret in secrets.items():
        assert secret not in said, name
        assert secret not in caplog.text, name
    assert {line.get("route") for line in lines} >= {"/login/<handle>/<method_id>", "/password/reset/<token>", "/token"}


def test_what_is_enrolled_and_used_is_not_logged(
    start: Callable[..., Provider], written: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    provider = enrolling.with_authenticators(start)
    rp = enrolling.proven(provider)
    key, secret = enrolling.add_passkey(rp), enrolling.add_totp(rp)
    assert enrolling.register(rp, Authenticator(origin="https://evil.example")).status_code == 400
    visitor = RelyingParty(provider)
    answer_of(enrolling.give_passkey(visitor, visitor.open_login(), key))
    enrolling.give_passkey(visitor, visitor.open_login(prompt="login"), Authenticator())
    assert "passkey not registered" in written.getvalue()
    assert key.user_handle
    for hidden in (secret, b64(key.webauthn_id), b64(key.user_handle), b64(key.public_key), "Mon ordinateur"):
        assert hidden not in written.getvalue()
        assert hidden not in caplog.text


def test_what_a_phone_is_enrolled_with_is_not_logged(
    start: Callable[..., Provider], written: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    provider = phone_enrolling.with_phones(start)
    rp = phone_enrolling.at_computer(provider)
    scanning = phone_enrolling.scan(rp).claim()
    scanning.give_key(signature="")
    scanning.give_key()
    phone_enrolling.confirm(rp)
    scanning.post("/finish")
    token, cookie = scanning.path.rpartition("/")[2], scanning.cookie
    assert "phone not enrolled" in written.getvalue()
    assert cookie
    for hidden in (token, cookie, scanning.phone.pin, scanning.phone.posted_key, "Téléphone d'Anne"):
        assert hidden not in written.getvalue()
        assert hidden not in caplog.text


def test_every_line_names_its_request(start: Callable[..., Provider], written: io.StringIO) -> None:
    provider = start(trusted_proxies=("127.0.0.1/32",))
    provider.add_client("rp")
    provider.add_account("anne.pierre")
    rp = RelyingParty(provider)
    shown = rp.browser.get("/login/nowhere", headers={"X-Request-Id": "from-the-proxy-1234"})
    assert shown.headers["X-Request-Id"] == "from-the-proxy-1234"
    assert "from-the-proxy-1234" in shown.text
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["request_id"] for line in lines] == ["from-the-proxy-1234"] * len(lines)
    assert {line["event"] for line in lines} == {"journey stopped", "request"}
    rp.login()
    ids = [json.loads(line)["request_id"] for line in written.getvalue().splitlines()][len(lines) :]
    assert len(set(ids)) == 3
    with provider.services.db.read() as tx:
        assert tx.audit.latest(1)[0].request_id == ids[-1]


def test_only_our_proxy_names_a_request(start: Callable[..., Provider]) -> None:
    given = {"X-Request-Id": "from-somebody-1234"}
    behind_a_proxy, bare = start(trusted_proxies=("192.0.2.1/32",)), start()
    for browser, peer in ((behind_a_proxy.browser(), "192.0.2.2"), (bare.browser(), "127.0.0.1")):
        answer = browser.get("/healthz", headers=given, environ_overrides={"REMOTE_ADDR": peer})
        assert answer.headers["X-Request-Id"] != given["X-Request-Id"]
    forwarded = {**given, "X-Forwarded-For": "203.0.113.9"}
    answer = behind_a_proxy.browser().get("/healthz", headers=forwarded, environ_overrides={"REMOTE_ADDR": "192.0.2.1"})
    assert answer.headers["X-Request-Id"] == given["X-Request-Id"], "what counts is who connected to us"


@pytest.mark.parametrize("forged", ["short", "x" * 65, "a b c d e f g h", 'aaaaaaaa"injected', "éééééééééé"])
def test_a_request_id_that_is_not_one_is_replaced(provider: Provider, forged: str) -> None:
    shown = provider.browser().get("/healthz", headers={"X-Request-Id": forged.encode().decode("latin-1")})
    assert shown.headers["X-Request-Id"] != forged
    assert len(shown.headers["X-Request-Id"]) == 36


def test_a_secret_under_its_name_is_redacted(written: io.StringIO) -> None:
    structlog.get_logger().info("x", password="hunter2", Code="123456", access_token="abc", detail="kept")
    line = json.loads(written.getvalue())
    assert (line["password"], line["Code"], line["access_token"]) == ("[redacted]",) * 3
    assert line["detail"] == "kept"


def test_an_unexpected_failure_says_nothing_to_the_person(
    provider: Provider, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login()

    def fail(*_: object) -> None:
        raise RuntimeError("the inside of the machine")

    monkeypatch.setattr("idp.hashing.PasswordHasher.verify", fail)
    page = rp.give_password(path)
    assert page.status_code == 500
    assert "the inside of the machine" not in page.text
    assert page.headers["X-Request-Id"] in page.text
    logged = written.getvalue()
    assert "the inside of the machine" in logged
    assert PASSWORD not in logged
