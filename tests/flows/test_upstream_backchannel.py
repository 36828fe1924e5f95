"""Pro Santé Connect says that a session ended there: the sessions here that rest on it end."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from demo.look_alike import ANNE as RPPS
from demo.pro_sante_connect.behaviour import Conduct, Signed, Switch
from idp.errors import Unavailable
from idp.store.schema import outbox
from tests.fakes.federated import PSC, through, with_upstreams
from tests.fakes.leaving import RECEIVER, at_upstream, is_signed_in, kept, leave_link, registered, sign_out, signed_in
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, hidden_of, path_of
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.spec("OIDC Back-Channel Logout 1.0 §2.6")
PATH = f"/upstream/{PSC}/backchannel-logout"
ERRORS = {503: "temporarily_unavailable"}
EVENTS: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}


def fails() -> None:
    raise Unavailable("database")


@pytest.fixture
def psc() -> FakeUpstream:
    return registered(FakeUpstream(backchannel_logout=True))


@pytest.fixture
def provider(start: Callable[..., Provider], psc: FakeUpstream) -> Provider:
    made = with_upstreams(start(), psc)
    made.add_account("anne.pierre", rpps=RPPS)
    return made


def logout_token(psc: FakeUpstream, conduct: Conduct | None = None, *, typ: str = "logout+jwt", **changed: Any) -> str:
    """Of the newest session there; None takes a claim away."""
    session = psc.simulator.sessions.open(psc.simulator.now())[-1]
    now = int(psc.simulator.now())
    claims = {
        "iss": psc.simulator.issuer,
        "aud": "sesame",
        "sub": psc.simulator.tokens._sub(session.person, Conduct()),
        "sid": session.sid,
        "iat": now,
        "exp": now + 120,
        "jti": str(uuid.uuid4()),
        "events": EVENTS,
        **changed,
    }
    present = {name: value for name, value in claims.items() if value is not None}
    return psc.simulator.keys.sign(Signed.LOGOUT_TOKEN, present, conduct or Conduct(), typ=typ)


def told(provider: Provider, token: str, path: str = PATH) -> int:
    response = provider.browser().post(path, data={"logout_token": token})
    assert response.headers["Cache-Control"] == "no-store"
    if response.status_code != 200:
        assert response.json
        assert response.json["error"] == ERRORS.get(response.status_code, "invalid_request")
        assert ("Retry-After" in response.headers) == (response.status_code == 503)
    return response.status_code


# -- refusals ----------------------------------------------------------------------------------------


@pytest.mark.embedded  # refused before anything is written
@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://attacker.example"},
        {"aud": "another-client"},
        {"aud": ["sesame", "another-client"]},
        {"iat": None},
        {"iat": -330},
        {"iat": 40},
        {"exp": None},
        {"exp": -40},
        {"jti": None},
        {"jti": 5},
        {"jti": "x" * 256},
        {"events": None},
        {"events": {"http://schemas.openid.net/event/another": {}}},
        {"events": {next(iter(EVENTS)): None}},
        {"events": [next(iter(EVENTS))]},
        {"nonce": "n"},
        {"sub": None, "sid": None},
        {"sub": 5},
        {"sid": 5},
        {"sid": ""},
    ],
    ids=str,
)
def test_each_claim_is_checked(provider: Provider, psc: FakeUpstream, changed: dict[str, Any]) -> None:
    rp, _ = signed_in(provider, psc)
    now = int(psc.simulator.now())
    since = {name: now + value for name, value in changed.items() if name in {"iat", "exp"} and value is not None}
    assert told(provider, logout_token(psc, **{**changed, **since})) == 400
    assert is_signed_in(rp)
    assert told(provider, logout_token(psc)) == 200


@pytest.mark.parametrize(
    "switch", [Switch.ALG_NONE, Switch.HS256, Switch.UNKNOWN_KID, Switch.BAD_SIGNATURE], ids=lambda each: each.value
)
def test_the_signature_is_checked(provider: Provider, psc: FakeUpstream, switch: Switch) -> None:
    rp, _ = signed_in(provider, psc)
    forged = Conduct(switches=frozenset({switch}), forged=Signed.LOGOUT_TOKEN)
    assert told(provider, logout_token(psc, forged)) == 400
    assert is_signed_in(rp)


def test_an_id_token_is_no_logout_token(provider: Provider, psc: FakeUpstream) -> None:
    rp, _ = signed_in(provider, psc)
    assert told(provider, logout_token(psc, typ="at+jwt")) == 400
    assert is_signed_in(rp)


def test_a_token_that_comes_again_or_late_ends_no_newer_session(provider: Provider, psc: FakeUpstream) -> None:
    signed_in(provider, psc)
    token, late = logout_token(psc, sid=None), logout_token(psc, sid=None)
    assert told(provider, token) == 200
    provider.clock.advance(seconds=100)
    rp, _ = signed_in(provider, psc)
    assert [told(provider, each) for each in (token, late)] == [200, 200]
    assert is_signed_in(rp)


def test_what_could_not_be_written_may_be_told_again(
    provider: Provider, psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    rp, _ = signed_in(provider, psc)
    token = logout_token(psc)
    with monkeypatch.context() as down:
        down.setattr(provider.services.db, "write", fails)
        assert told(provider, token) == 503
    assert is_signed_in(rp)
    assert told(provider, token) == 200
    assert not is_signed_in(rp)


def test_what_is_no_form_or_too_large_is_refused(provider: Provider, psc: FakeUpstream) -> None:
    rp, _ = signed_in(provider, psc)
    assert told(provider, "") == 400
    assert told(provider, "x" * 8193) == 400
    token, browser = logout_token(psc), provider.browser()
    assert browser.post(PATH, json={"logout_token": token}).status_code == 400
    assert browser.post(f"{PATH}?logout_token={token}", data={}).status_code == 400
    assert browser.post(PATH, data={"logout_token": [token, token]}).status_code == 400
    assert browser.get(PATH).status_code == 405
    assert is_signed_in(rp)


def test_it_is_off_unless_a_setting_says_so(start: Callable[..., Provider]) -> None:
    psc = registered(FakeUpstream())
    provider = with_upstreams(start(), psc)
    provider.add_account("anne.pierre", rpps=RPPS)
    rp, _ = signed_in(provider, psc)
    calls = len(psc.transport.calls)
    for path in (PATH, "/upstream/email_otp/backchannel-logout", "/upstream/nothing/backchannel-logout"):
        assert told(provider, logout_token(psc), path) == 404
    assert len(psc.transport.calls) == calls
    assert is_signed_in(rp)


def test_strangers_ask_the_upstream_little_and_keep_nobody_from_logging_in(
    provider: Provider, psc: FakeUpstream
) -> None:
    signed_in(provider, psc)
    forged = Conduct(switches=frozenset({Switch.UNKNOWN_KID}), forged=Signed.LOGOUT_TOKEN)
    provider.clock.advance(minutes=2)
    calls = len(psc.transport.calls)
    assert {told(provider, logout_token(psc, forged)) for _ in range(5)} == {400}
    assert len(psc.transport.calls) == calls + 1  # the keys, once a minute
    connection = psc.method._connection
    assert connection
    with connection._ears:
        assert told(provider, logout_token(psc)) == 503
        rp = RelyingParty(provider, "psc")
        assert "code" in answer_of(through(rp, psc, rp.open_login()))
    assert told(provider, logout_token(psc)) == 200


# -- what ends ---------------------------------------------------------------------------------------


def test_the_session_that_rests_on_it_ends_and_services_are_told(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_client("told", methods=(PSC,), backchannel_logout_uri="https://told.example/backchannel")
    rp = RelyingParty(provider, "told")
    rp.redeem(answer_of(through(rp, psc, rp.open_login()))["code"])
    assert told(provider, logout_token(psc)) == 200
    assert not is_signed_in(rp)
    (event,) = provider.events("session.ended")
    assert (event.actor, event.detail["reason"], event.detail["method"]) == (f"upstream:{PSC}", "upstream", PSC)
    with provider.services.db.read() as tx:
        assert len(tx._connection.execute(select(outbox).where(outbox.c.kind == "logout")).all()) == 1


@pytest.mark.parametrize("typ", ["logout+jwt", "JWT"])
def test_by_sid_one_session_ends_and_by_sub_all_of_the_person(provider: Provider, psc: FakeUpstream, typ: str) -> None:
    provider.add_account("karim.haddad", email="karim@chu.example")
    other = RelyingParty(provider, "ror")
    other.give_otp(other.open_login(), "karim.haddad")
    first, _ = signed_in(provider, psc)
    psc.pages = type(psc.pages)(psc.pages.application)  # another browser there: another session
    second, _ = signed_in(provider, psc)
    assert told(provider, logout_token(psc, typ=typ)) == 200
    assert (is_signed_in(first), is_signed_in(second)) == (True, False)
    psc.pages = type(psc.pages)(psc.pages.application)
    second, _ = signed_in(provider, psc)
    assert told(provider, logout_token(psc, typ=typ, sid=None, sub="f:somebody:else")) == 200
    assert (is_signed_in(first), is_signed_in(second)) == (True, True)
    assert told(provider, logout_token(psc, typ=typ, sid=None)) == 200
    assert (is_signed_in(first), is_signed_in(second)) == (False, False)
    assert is_signed_in(other)


def test_a_sid_of_somebody_else_ends_nothing(provider: Provider, psc: FakeUpstream) -> None:
    rp, _ = signed_in(provider, psc)
    assert told(provider, logout_token(psc, sub="f:somebody:else")) == 200
    assert is_signed_in(rp)
    assert told(provider, logout_token(psc, sub=None)) == 200
    assert not is_signed_in(rp)


@pytest.mark.parametrize("without", [{"sid": None}, {"sub": None}, {}], ids=str)
def test_a_login_that_is_not_finished_yet_comes_to_nothing(
    provider: Provider, psc: FakeUpstream, without: dict[str, Any]
) -> None:
    provider.add_account("karim.benali")
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    through(rp, psc, path, "karim")  # linked to nobody: a code is asked for
    provider.clock.advance(seconds=10)
    assert told(provider, logout_token(psc, **without)) == 200
    rp.give_otp(path, "karim.benali")
    confirmed = rp.browser.post(f"{path}/link", data={**hidden_of(rp.browser.get(path)), "decision": "link"})
    assert confirmed.status_code == 410
    assert kept(provider, "karim.benali") == []


@pytest.mark.parametrize(
    "other", [{"sid": None, "sub": "f:somebody:else"}, {"sub": "f:somebody:else"}, {"sid": None, "iat": -1}], ids=str
)
def test_another_end_is_none_of_that_login(provider: Provider, psc: FakeUpstream, other: dict[str, Any]) -> None:
    provider.add_account("karim.benali")
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    through(rp, psc, path, "karim")
    since = {"iat": int(psc.simulator.now()) - 1} if "iat" in other else {}
    assert told(provider, logout_token(psc, **{**other, **since})) == 200
    rp.give_otp(path, "karim.benali")
    rp.browser.post(f"{path}/link", data={**hidden_of(rp.browser.get(path)), "decision": "link"})
    assert len(kept(provider, "karim.benali")) == 1


def test_whoever_leaves_by_one_browser_is_signed_out_in_it_all_round(provider: Provider, psc: FakeUpstream) -> None:
    """End to end: our logout, the choice, the simulator's logout, and its notice to us for another session of ours."""
    leaving, _ = signed_in(provider, psc)
    staying, _ = signed_in(provider, psc)  # another browser here on the same session there
    found: list[int] = []

    def send(url: str, token: str) -> str:
        assert url == RECEIVER.format(PSC)
        found.append(told(provider, token, url.removeprefix(ISSUER)))
        return "sent"

    psc.simulator._send = send
    done = path_of(sign_out(leaving))
    assert is_signed_in(staying)
    at_upstream(psc, leaving.browser.get(leave_link(leaving.browser.get(done))).headers["Location"])
    assert found == [200]
    assert not is_signed_in(staying)


def test_another_upstreams_sessions_are_none_of_its_affair(start: Callable[..., Provider], psc: FakeUpstream) -> None:
    other = registered(FakeUpstream("other", backchannel_logout=True))
    provider = with_upstreams(start(), psc, other)
    provider.add_account("anne.pierre", rpps=RPPS)
    rp, _ = signed_in(provider, psc)
    token = logout_token(psc)
    assert told(provider, token, "/upstream/other/backchannel-logout") == 200  # the same issuer, in this test alone
    assert is_signed_in(rp)
