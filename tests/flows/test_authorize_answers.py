"""What every authorization response carries: `state` and `iss`, in success and in error."""

import pytest

from tests.fakes.provider import ISSUER, RP, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, error_of, form_post_of

EVERY_CHARACTER = "".join(chr(c) for c in range(0x20, 0x7F))
LONG_STATE = (EVERY_CHARACTER * 11)[:1000]


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider)


@pytest.mark.spec("RFC 6749 §4.1.2, RFC 9207 §2")
@pytest.mark.parametrize("state", [None, "s", EVERY_CHARACTER, LONG_STATE, "a" * 2048, "a+b%20c&d=e?f#g"])
def test_state_comes_back_byte_for_byte_with_iss(rp: RelyingParty, state: str | None) -> None:
    success = rp.login(state=state)
    assert success.keys() == {"code", "iss"} | ({"state"} if state else set())
    assert (success.get("state"), success["iss"]) == (state, ISSUER)
    assert error_of(rp.authorize(state=state, response_type="token"), state=state) == "unsupported_response_type"
    assert rp.silent(state=state).get("state") == state
    posted = form_post_of(rp.authorize(state=state, response_mode="form_post"))
    assert (posted.get("state"), posted["iss"]) == (state, ISSUER)


def test_empty_state_is_no_state(rp: RelyingParty) -> None:
    assert "state" not in rp.login(state="")


def test_cancel_and_refused_consent_answer_with_state_and_iss(rp: RelyingParty) -> None:
    path = rp.open_login()
    assert error_of(rp.post(f"{path}/cancel", page=path)) == "access_denied"
    rp.login()
    path = rp.open_login(prompt="consent")
    assert error_of(rp.consent(path, "deny")) == "access_denied"


@pytest.mark.spec("RFC 6749 §3.1.2")
def test_query_of_the_registered_redirect_uri_is_kept(rp: RelyingParty) -> None:
    target = f"{RP}/query/callback?region=na&x="
    rp.provider.add_client("query", redirect_uris=(target,))
    service = RelyingParty(rp.provider, "query")
    answer = answer_of(service.give_password(service.open_login(redirect_uri=target)))
    assert list(answer) == ["region", "x", "code", "state", "iss"]
    refused = answer_of(service.authorize(redirect_uri=target, scope="email"))
    assert (refused["region"], refused["error"]) == ("na", "invalid_scope")


def test_a_client_without_a_policy_is_told_so_at_its_redirect_uri(provider: Provider) -> None:
    provider.add_client("new", methods=())
    assert error_of(RelyingParty(provider, "new").authorize()) == "unauthorized_client"
