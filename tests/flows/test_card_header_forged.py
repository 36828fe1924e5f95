"""Headers that state a certificate, from anybody but the card host's proxy: refused on every path, and audited."""

import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from flask.testing import FlaskClient

from idp.flows.card_dialog import AUDITED_AT_MOST
from idp.flows.oidc.discovery import KEYS, OAUTH, OPENID
from idp.web import logs
from idp.web.card_hop import CLIENT_CERT, NGINX_CLIENT_CERT
from tests.fakes import card_host
from tests.fakes.card import RPPS, anne, begin
from tests.fakes.card_host import PROXY_SECRET, by_proxy, escaped, hand_in, leave, rfc9440, stated, ticket_of, visit
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of

pytestmark = pytest.mark.embedded  # headers, and one line of the audit

WRONG = "x" * 40
FORGED: list[dict[str, str]] = [
    {CLIENT_CERT: rfc9440(anne())},
    {NGINX_CLIENT_CERT: escaped(anne())},
    {"X_Sesame_Client_Cert": escaped(anne())},
    {NGINX_CLIENT_CERT: stated("", WRONG)},
    {NGINX_CLIENT_CERT: stated(escaped(anne()), WRONG)},
]
BELIEVED = {NGINX_CLIENT_CERT: stated(escaped(anne()))}


@pytest.fixture
def provider(start: Callable[..., Provider], tmp_path: Path) -> Provider:
    made = card_host.provider(start, tmp_path, trusted_proxies=("127.0.0.1/32",))
    made.add_account("anne.pierre", rpps=RPPS)
    return made


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Logs as in production, at their most talkative."""
    before, buffer = structlog.get_config(), io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", buffer)
        logs.configure("DEBUG")
    yield buffer
    structlog.configure(**before)


def paths(provider: Provider) -> list[tuple[str, str]]:
    """Every rule, with a method that it takes; and what no rule is for."""
    rules = [
        (re.sub(r"<[^>]+>", "x", rule.rule), sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})[0])
        for rule in provider.app.url_map.iter_rules()
    ]
    return [*rules, ("/nowhere", "GET"), ("/", "GET"), ("//", "GET"), ("/static/card.js", "GET"), ("/token", "OPTIONS")]


def expect_refusals(provider: Provider, headers: dict[str, str], *, but: str = "") -> None:
    browser = provider.browser()
    tried = [(path, method) for path, method in paths(provider) if not but or not path.startswith(but)]
    assert len(tried) > 50
    for path, method in tried:
        answer = browser.open(path, method=method, headers=headers)
        assert answer.status_code == 400, (path, method, headers.keys(), answer.status_code)
        assert "Location" not in answer.headers


@pytest.mark.parametrize("headers", FORGED)
def test_every_path_refuses_them(provider: Provider, headers: dict[str, str]) -> None:
    expect_refusals(provider, headers)


def test_the_secret_itself_is_good_for_the_card_host_alone(provider: Provider) -> None:
    for headers in ({NGINX_CLIENT_CERT: stated()}, BELIEVED):
        expect_refusals(provider, headers, but="/carte/")


def test_a_provider_without_a_card_host_refuses_all_of_them(start: Callable[..., Provider]) -> None:
    provider = start()
    for headers in (*FORGED, BELIEVED):
        expect_refusals(provider, headers)


@pytest.mark.parametrize("path", [OPENID, OAUTH, KEYS])
def test_answers_that_are_kept_refuse_them_too(provider: Provider, path: str) -> None:
    browser = provider.browser()
    for _ in range(2):
        assert browser.get(path).status_code == 200
    for headers in (*FORGED, BELIEVED):
        assert browser.get(path, headers=headers).status_code == 400
    assert browser.get(path).status_code == 200, "the refusal is not kept"


@pytest.mark.parametrize(
    "said",
    [
        {CLIENT_CERT: stated(rfc9440(anne()))},
        {NGINX_CLIENT_CERT: f"{stated(escaped(anne()))},{stated(escaped(anne()))}"},
    ],
)
def test_what_the_proxy_itself_cannot_mean_is_refused(provider: Provider, said: dict[str, str]) -> None:
    rp = RelyingParty(provider, "ror")
    path = leave(rp, begin(rp, rp.open_login()))
    answer = visit(provider, path, headers={**by_proxy(), **said})
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_applications_are_told_in_json_and_people_on_a_page(provider: Provider) -> None:
    answer = provider.browser().post("/token", headers=FORGED[0])
    assert answer.json == {"error": "invalid_request"}
    page = provider.browser().get("/compte", headers=FORGED[0])
    assert "card_header_forged" in page.text
    assert answer.headers["X-Request-Id"] != page.headers["X-Request-Id"]


def test_nothing_is_done(provider: Provider) -> None:
    rp = RelyingParty(provider, "rp")
    path = rp.open_login()
    rp.browser.get(path)
    rp.browser.environ_base["HTTP_CLIENT_CERT"] = rfc9440(anne())
    assert rp.browser.post(f"{path}/password", data={"login": "anne.pierre"}).status_code == 400
    assert provider.events("login.failed") == []


# -- the audit ---------------------------------------------------------------------------------


def test_it_is_audited_with_its_network_and_never_with_what_was_said(provider: Provider) -> None:
    provider.browser().get("/token", headers={**FORGED[4], "X-Forwarded-For": "203.0.113.9"})
    (event,) = provider.events("card.header_forged")
    assert (event.actor, event.outcome, dict(event.detail)) == ("anonymous", "refused", {"reason": "wrong_secret"})
    assert event.personal["network"] == "203.0.113.0/24"
    assert WRONG not in repr(event)


@pytest.mark.parametrize(
    ("path", "headers", "reason"),
    [
        ("/jwks", {CLIENT_CERT: "x"}, "no_secret"),
        ("/jwks", BELIEVED, "other_path"),
        ("/carte/x", {**BELIEVED, CLIENT_CERT: "x"}, "two_certificates"),
    ],
)
def test_the_audit_says_why(provider: Provider, path: str, headers: dict[str, str], reason: str) -> None:
    provider.browser().get(path, headers=headers)
    assert [event.detail["reason"] for event in provider.events("card.header_forged")] == [reason]


def forge(browser: FlaskClient, network: int) -> int:
    address = f"203.{network // 250}.{network % 250}.7"
    return browser.get("/jwks", headers={**FORGED[0], "X-Forwarded-For": address}).status_code


def test_nobody_fills_the_trail(provider: Provider) -> None:
    browser = provider.browser()
    for _ in range(20):
        assert forge(browser, 1) == 400
    assert len(provider.events("card.header_forged")) == 1
    provider.clock.advance(hours=1, seconds=1)
    for network in range(AUDITED_AT_MOST + 20):
        assert forge(browser, network) == 400
    assert len(provider.events("card.header_forged")) == 1 + AUDITED_AT_MOST
    provider.clock.advance(hours=1, seconds=1)
    assert forge(browser, 500) == 400
    assert len(provider.events("card.header_forged")) == 2 + AUDITED_AT_MOST


def test_it_is_refused_whatever_becomes_of_the_audit(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr(type(provider.services), "append", fail)
    assert provider.browser().get("/jwks", headers=FORGED[0]).status_code == 500


# -- logs --------------------------------------------------------------------------------------


def test_no_line_holds_what_went_by(provider: Provider, written: io.StringIO) -> None:
    rp = RelyingParty(provider, "ror")
    page = begin(rp, rp.open_login())
    path = leave(rp, page)
    ticket = ticket_of(visit(provider, path, anne()))
    visit(provider, path, headers={**by_proxy(anne()), "Host": "idp.example"})
    visit(provider, path + "x", anne())
    visit(provider, path, headers=FORGED[4])
    visit(provider, path, headers={**by_proxy(anne()), CLIENT_CERT: rfc9440(anne())})
    hand_in(rp, page, ticket[:-5])
    leave(rp, page)
    ticket_used = ticket_of(visit(provider, leave(rp, page), anne()))
    code = answer_of(hand_in(rp, page, ticket_used))["code"]
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert "/carte/<visa>" in {line.get("route") for line in lines}
    said = written.getvalue()
    der = rfc9440(anne())[1:-1]
    secrets = (
        PROXY_SECRET,
        WRONG,
        ticket,
        ticket_used,
        code,
        path.removeprefix("/carte/"),
        der,
        der[:64],
        escaped(anne())[-120:],
    )
    for number, secret in enumerate(secrets):
        assert secret not in said, number
    assert PROXY_SECRET not in repr(provider.services)
    assert PROXY_SECRET.encode() not in repr(provider.services).encode()
