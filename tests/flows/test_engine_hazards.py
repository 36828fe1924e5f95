"""What Authlib 1.9 leaves open and `engine` closes, one test for each hazard (design/architecture.md §7)."""

import logging
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy
from authlib.oauth2.rfc7636 import CodeChallenge

from idp.domain.client import Client
from idp.domain.grant import Grant
from idp.domain.ids import digest
from idp.errors import ProtocolError
from idp.flows.oidc import engine
from idp.flows.oidc.engine import tokens
from idp.web.logs import quiet_authlib
from tests.fakes.clock import START
from tests.fakes.provider import ISSUER, RP, Provider
from tests.fakes.relying_party import CHALLENGE, VERIFIER, RelyingParty, basic, error_of

CLIENT = Client(client_id="rp", name="rp", redirect_uris=(f"{RP}/rp/callback",), secret_digest=digest("secret"))
GRANT = Grant(
    grant_id="g",
    account_id="a",
    client_id="rp",
    session_id="s",
    scope=("openid",),
    redirect_uri=f"{RP}/rp/callback",
    acr="eidas1",
    amr=("pwd",),
    auth_time=START,
    created_at=START,
    code_challenge=CHALLENGE,
)
FORM = {
    "grant_type": "authorization_code",
    "code": "c",
    "redirect_uri": GRANT.redirect_uri,
    "code_verifier": VERIFIER,
}


class Ports:
    """What the engine asked of us, in order. `first`: whether this use of the code is the first."""

    def __init__(self, grant: Grant = GRANT, *, first: bool = True) -> None:
        self.calls: list[str] = []
        self._grant, self._first = grant, first

    def answer(self, *, client_id: str = "rp", **changes: str) -> dict[str, Any]:
        """A token request, handed over with no Flask request anywhere."""
        clients = engine.ClientPorts(
            issuer=ISSUER,
            client=lambda name: self._note("client", CLIENT if name == CLIENT.client_id else None),
            keys=lambda client, anew: self._note("keys", {}),
            once=lambda name, ttl: self._note("once", True),
            epoch=lambda: self._note("epoch", START),
            now=lambda: START,
        )
        ports = engine.TokenPorts(
            clients=clients,
            grant=lambda code: self._note("grant", self._grant if code == "c" else None),
            is_expired=lambda grant: False,
            redeem=self._redeem,
            refresh=lambda client, token, scope: self._note("refresh", {}),
            client_credentials=lambda client, scope: self._note("client_credentials", {}),
        )
        return engine.answer(f"{ISSUER}/token", basic(client_id, "secret"), {**FORM, **changes}, ports)

    def _redeem(self, _client: Client, grant: Grant) -> dict[str, Any]:
        self._note("redeem", None)
        if not self._first:
            raise engine.CodeReplayed(grant)
        return {"access_token": "t"}

    def _note(self, name: str, result: Any) -> Any:
        self.calls.append(name)
        return result


@pytest.mark.parametrize("value", ['code"', "codé", 'é"\\', "'", "code\\"])
def test_response_type_with_a_quote_or_an_accent_is_no_500(provider: Provider, value: str) -> None:
    rp = RelyingParty(provider)
    assert error_of(rp.authorize(response_type=value)) in {"unsupported_response_type", "invalid_request"}


@pytest.mark.parametrize("value", ['authorization_code"', "codé", "\\", "'"])
def test_grant_type_with_a_quote_or_an_accent_is_no_500(provider: Provider, value: str) -> None:
    response = RelyingParty(provider).token("c", grant_type=value)
    assert response.status_code == 400
    assert (response.json or {})["error"] in {"unsupported_grant_type", "invalid_request"}
    with pytest.raises(ProtocolError) as refusal:
        Ports().answer(grant_type=value)
    assert refusal.value.code == "unsupported_grant_type"
    assert value not in refusal.value.description, "Authlib repeats it"


def test_authorize_without_a_pkce_challenge_gets_no_code(provider: Provider) -> None:
    rp = RelyingParty(provider)
    rp.login()
    response = rp.authorize(code_challenge=None, code_challenge_method=None, prompt="none")
    assert error_of(response) == "invalid_request"


@pytest.mark.parametrize(
    "changes", [{"response_type": None}, {"scope": None}, {"code_challenge": None}, {"prompt": "none"}]
)
def test_early_errors_have_iss(provider: Provider, changes: dict[str, str | None]) -> None:
    response = RelyingParty(provider).authorize(**changes)
    assert "iss=https%3A%2F%2Fidp.example" in response.headers["Location"]


def test_tokens_are_made_by_what_redeems_the_code() -> None:
    """Authlib looks a code up, makes tokens and then deletes it: two requests at once would both get tokens."""
    first = Ports()
    assert first.answer() == {"access_token": "t"}
    assert first.calls == ["client", "grant", "redeem"]
    second = Ports(first=False)
    with pytest.raises(engine.CodeReplayed):
        second.answer()
    assert second.calls == ["client", "grant", "redeem"]


def test_nonce_costs_no_query(provider: Provider) -> None:
    """`exists_nonce` would look every nonce up; a repeated one is the client's affair (OIDC Core §15.5.2)."""
    rp = RelyingParty(provider)
    rp.login()
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        rp.redeem(rp.silent()["code"])
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)
    assert statements
    assert not [text for text in statements if "nonce" in text.partition("WHERE")[2]]


def test_logs_at_debug_have_no_token_code_or_secret(
    provider: Provider, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet_authlib()
    caplog.set_level(logging.DEBUG)
    rp = RelyingParty(provider)
    code = rp.login()["code"]
    tokens = rp.redeem(code)
    rp.token(code)
    captured = capsys.readouterr()
    said = caplog.text + captured.out + captured.err
    assert "request" in said
    for secret in (code, tokens["access_token"], tokens["id_token"], provider.secrets["rp"], VERIFIER):
        assert secret not in said


def test_request_is_the_one_handed_over_not_flasks_global() -> None:
    """No Flask request exists here; and inside another one, it is not read."""
    assert Ports().answer()


def test_global_request_of_flask_is_not_read(provider: Provider) -> None:
    with provider.app.test_request_context("/token", method="POST", data={"grant_type": "password", "code": "other"}):
        assert Ports().answer()


def test_hooks_are_one_so_their_order_cannot_matter() -> None:
    """PKCE is the only hook, and it has spoken before the code is redeemed."""
    ((_grant, extensions),) = tokens._server._token_grants
    assert [type(extension) for extension in extensions] == [CodeChallenge]
    wrong = Ports()
    with pytest.raises(ProtocolError) as refusal:
        wrong.answer(code_verifier="w" * 43)
    assert refusal.value.code == "invalid_grant"
    assert "redeem" not in wrong.calls


def test_code_without_a_challenge_cannot_be_redeemed_with_a_verifier() -> None:
    ports = Ports(replace(GRANT, code_challenge=None))
    with pytest.raises(ProtocolError) as refusal:
        ports.answer()
    assert refusal.value.code == "invalid_request"
    assert "redeem" not in ports.calls


@pytest.mark.parametrize("client_id", ["%00", "rp%00", "r%C3%A9", "rp%0A", "%FF", ""])
def test_basic_credentials_that_are_not_printable_reach_no_store(client_id: str) -> None:
    """Authlib hands over what it decoded; PostgreSQL takes no NUL."""
    ports = Ports()
    with pytest.raises(ProtocolError) as refusal:
        ports.answer(client_id=client_id)
    assert (refusal.value.code, ports.calls) == ("invalid_client", [])
