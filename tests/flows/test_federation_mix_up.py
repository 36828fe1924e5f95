"""Mix-up (RFC 9207, RFC 9700 §4.4): an upstream that is an attacker's wants the code of an honest one."""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from demo.look_alike import ANNE as RPPS
from tests.fakes.federated import PSC, back, leave, shown, with_upstreams
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, path_of
from tests.fakes.upstream import FakeUpstream


@pytest.fixture
def hospital() -> FakeUpstream:
    """The attacker's: another issuer, other keys."""
    return FakeUpstream("hospital", host="hospital.example")


@pytest.fixture
def provider(start: Callable[..., Provider], psc: FakeUpstream, hospital: FakeUpstream) -> Provider:
    made = with_upstreams(start(), psc, hospital)
    made.add_account("anne.pierre", rpps=RPPS)
    return made


def led_on(url: str, psc: FakeUpstream) -> dict[str, str]:
    """The attacker's page sends the browser on to the honest upstream, by what it was asked itself: state, nonce and
    challenge are those of the login at hand. What the honest upstream answers.
    """
    asked = dict(parse_qsl(urlsplit(url).query))
    asked["redirect_uri"] = f"{ISSUER}/login/callback/{PSC}"  # the only one that is registered there
    return psc.sign_in(f"{psc.wallet}/auth?{urlencode(asked)}")


def redeemed(upstream: FakeUpstream) -> list[str]:
    return [path for path in upstream.transport.calls if path.endswith("/token")]


def test_the_honest_code_comes_to_its_own_callback_with_a_state_that_is_not_its(
    provider: Provider, psc: FakeUpstream, hospital: FakeUpstream
) -> None:
    rp = RelyingParty(provider, "psc")
    path = rp.open_login()
    query = led_on(leave(rp, path, "hospital"), psc)
    assert query["code"]
    assert path_of(back(rp, query)) == path
    assert (redeemed(psc), redeemed(hospital)) == ([], [])
    assert not provider.events("login.succeeded")


@pytest.mark.parametrize(
    ("with_iss", "said"), [(True, "n'est pas celle que nous attendions"), (False, "n'avons pas pu vérifier la réponse")]
)
def test_the_honest_code_is_not_handed_to_the_attacker(
    provider: Provider, psc: FakeUpstream, hospital: FakeUpstream, with_iss: bool, said: str
) -> None:
    rp = RelyingParty(provider, "psc")
    path = rp.open_login()
    query = led_on(leave(rp, path, "hospital"), psc)
    assert query["iss"] == psc.settings.issuer
    if not with_iss:
        del query["iss"]
    assert said in shown(back(rp, query, "hospital"))
    assert (redeemed(psc), redeemed(hospital)) == ([], [])
    assert not provider.events("login.succeeded")


def test_what_the_attacker_signs_is_not_the_honest_upstreams(
    provider: Provider, psc: FakeUpstream, hospital: FakeUpstream
) -> None:
    """The other way round: a code of the attacker's, brought as the honest upstream's answer."""
    rp = RelyingParty(provider, "psc")
    path = rp.open_login()
    theirs = hospital.sign_in(leave(rp, path, "hospital"))
    state = dict(parse_qsl(urlsplit(leave(rp, path)).query))["state"]
    back(rp, {**theirs, "state": state, "iss": psc.settings.issuer})
    assert len(redeemed(psc)) == 1  # asked, and it knows no such code
    assert redeemed(hospital) == []
    assert not provider.events("login.succeeded")
