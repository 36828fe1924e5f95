"""Somebody who signed in by the simulator of Pro Santé Connect, and leaves."""

from dataclasses import replace
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit

from werkzeug.test import TestResponse

from idp.domain.upstream_session import UpstreamSession
from tests.fakes.federated import through
from tests.fakes.provider import ISSUER, RP, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, error_of, path_of
from tests.fakes.upstream import AUTH, FakeUpstream

HOME = f"{RP}/ror/"
RETURN = f"{ISSUER}/logged-out"
RECEIVER = f"{ISSUER}/upstream/{{}}/backchannel-logout"
LEAVE = 'id="leave-upstream"'


def registered(psc: FakeUpstream) -> FakeUpstream:
    """With the addresses of a logout; what it sends to the receiver is noted in `sent`, and goes nowhere."""
    client = psc.simulator.clients["sesame"]
    psc.simulator.clients["sesame"] = replace(
        client,
        post_logout_redirect_uris=(RETURN,),
        backchannel_logout_uri=RECEIVER.format(psc.method.id),
    )
    psc.simulator._send = lambda _url, _token: "unsent"
    return psc


def signed_in(provider: Provider, psc: FakeUpstream, mode: str = "MOBILE") -> tuple[RelyingParty, str]:
    """A browser that came to the ROR by Pro Santé Connect, and our ID Token."""
    rp = RelyingParty(provider, "ror")
    return rp, rp.redeem(answer_of(through(rp, psc, rp.open_login(), mode=mode))["code"])["id_token"]


def sign_out(rp: RelyingParty, **values: str) -> TestResponse:
    """Confirmed; where that leads."""
    page = path_of(rp.browser.get("/logout?" + urlencode(values)))
    return rp.post(page, page=page, decision="confirm")


def is_signed_in(rp: RelyingParty) -> bool:
    response = rp.authorize(prompt="none")
    return "code=" in response.headers["Location"] or error_of(response) != "login_required"


def leave_link(page: TestResponse) -> str:
    """The address of « Se déconnecter aussi de … »."""
    tag = page.text[page.text.index(LEAVE) :]
    return unescape(tag[tag.index('href="') + 6 :].partition('"')[0])


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def at_upstream(psc: FakeUpstream, url: str) -> str:
    """Open an address of its end_session; where it sends the browser."""
    assert url.startswith(f"{AUTH}/"), url
    answer = psc.transport.peers[AUTH].get(url.removeprefix(AUTH), base_url="http://localhost")
    assert answer.status_code in {302, 303}, answer.text
    return str(answer.headers["Location"])


def kept(provider: Provider, login: str = "anne.pierre") -> list[UpstreamSession]:
    """What is kept of the upstream sessions of somebody's sessions."""
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        idle, now = provider.services.settings.session_idle, provider.clock.now()
        sessions = tx.own_data.open_sessions(account.account_id, now, idle)
        return [found for each in sessions for found in tx.upstream_sessions.of(each.session_id)]
