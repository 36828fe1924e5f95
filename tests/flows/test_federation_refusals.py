"""Each way in which the answer of an upstream is refused."""

from typing import Any

import pytest

from demo.pro_sante_connect import simulator
from demo.pro_sante_connect.behaviour import Endpoint, Signed, Switch
from demo.pro_sante_connect.people import EDIT
from idp.domain.authn import IdentityRef
from idp.methods.base import Refused, TooManyAttempts
from tests.fakes.federated_method import code_of, come_back, context, done, leave, login
from tests.fakes.upstream import FakeUpstream, sandbox

pytestmark = pytest.mark.embedded  # asks nothing of a store


SIGNED_FAULTS: list[tuple[Switch, str]] = [
    (Switch.WRONG_ISS, "meant_for_others"),
    (Switch.WRONG_AUDIENCE, "meant_for_others"),
    (Switch.EXPIRED, "expired"),
    (Switch.UNKNOWN_KID, "key_unknown"),
    (Switch.BAD_SIGNATURE, "signature_wrong"),
    (Switch.ALG_NONE, "signature_wrong"),
    (Switch.HS256, "signature_wrong"),
]
FAULTS: list[tuple[Switch, str]] = [
    (Switch.DOWN, "down"),
    (Switch.AUTHORIZATION_ERROR, "upstream_error"),
    (Switch.TOKEN_REFUSED, "code_refused"),
    (Switch.RESPONSE_WRONG_ISS, "iss_wrong"),
    (Switch.RESPONSE_WITHOUT_ISS, "iss_missing"),
    *SIGNED_FAULTS,
    (Switch.WRONG_NONCE, "nonce_wrong"),
    (Switch.WITHOUT_NONCE, "token_malformed"),
    (Switch.WRONG_AT_HASH, "signature_wrong"),
    (Switch.ACR_UNEXPECTED, "acr_unexpected"),
    (Switch.OTHER_SUBJECT, "other_subject"),
]


@pytest.mark.parametrize(("switch", "code"), FAULTS)
def test_each_failure_is_a_refusal_of_its_own(psc: FakeUpstream, switch: Switch, code: str) -> None:
    ctx = context(psc)
    url = leave(psc, ctx)
    psc.behaviour.become(switch, endpoints=frozenset(Endpoint) - {Endpoint.AUTHORIZATION})
    assert code_of(come_back(psc, ctx, psc.sign_in(url))) == code
    assert not ctx.state
    psc.behaviour.become()
    psc.pages.delete_cookie("psc_session")
    done(login(psc))


@pytest.mark.parametrize(("switch", "code"), SIGNED_FAULTS)
def test_a_signed_userinfo_is_verified_as_an_id_token_is(psc: FakeUpstream, switch: Switch, code: str) -> None:
    psc.behaviour.become(Switch.USERINFO_SIGNED, switch, forged=Signed.USERINFO)
    assert code_of(login(psc)) == code


ID_TOKENS: list[tuple[dict[str, Any], str]] = [
    ({"sub": None}, "token_malformed"),
    ({"sub": 5}, "token_malformed"),
    ({"iss": None}, "token_malformed"),
    ({"aud": None}, "token_malformed"),
    ({"exp": None}, "token_malformed"),
    ({"iat": None}, "token_malformed"),
    ({"exp": "tomorrow"}, "token_malformed"),
    ({"exp": True}, "token_malformed"),
    ({"iat": 4_000_000_000}, "expired"),
    ({"nbf": 4_000_000_000}, "expired"),
    ({"azp": "another"}, "meant_for_others"),
    ({"aud": ["sesame", "another"], "azp": None}, "meant_for_others"),
    ({"aud": ["another"]}, "meant_for_others"),
    ({"aud": ["sesame", "another"]}, "meant_for_others"),  # azp is ours
    ({"nonce": 5}, "nonce_wrong"),
    ({"at_hash": 5}, "signature_wrong"),
    ({"acr": ["eidas1"]}, "acr_unexpected"),
]


@pytest.mark.parametrize(("claims", "code"), ID_TOKENS)
def test_claims_of_an_id_token_that_do_not_do(psc: FakeUpstream, claims: dict[str, Any], code: str) -> None:
    psc.behaviour.become(id_token=claims)
    assert code_of(login(psc)) == code


USERINFOS: list[tuple[dict[str, Any], str]] = [
    ({"sub": None}, "other_subject"),
    ({"SubjectNameID": None}, "identity_missing"),
    ({"SubjectNameID": 5}, "identity_missing"),
    ({"SubjectNameID": "810000000000"}, "identity_malformed"),  # the key of the number is wrong
    ({"SubjectNameID": "ANS20210107161422"}, "identity_malformed"),
    ({"SubjectNameID": "8' OR 1=1"}, "identity_malformed"),
]


@pytest.mark.parametrize(("claims", "code"), USERINFOS)
def test_claims_of_a_userinfo_that_do_not_do(psc: FakeUpstream, claims: dict[str, Any], code: str) -> None:
    psc.behaviour.become(userinfo=claims)
    assert code_of(login(psc)) == code


@pytest.mark.parametrize(
    "claims",
    [
        {"SubjectRefPro": None},
        {"SubjectRefPro": "text"},
        {"SubjectRole": []},
        {"otherIds": None},
        {"otherIds": "text"},
        {"otherIds": [None, 5, {}, {"origine": "RPPS"}, {"origine": "RPPS", "identifiant": 5}]},
        {"authMode": 5, "given_name": ["Anne"], "family_name": None, "new_claim": {"deep": [1]}},
    ],
)
def test_claims_may_be_missing_of_another_form_or_new(psc: FakeUpstream, claims: dict[str, Any]) -> None:
    psc.behaviour.become(userinfo=claims)
    done(login(psc))


def test_a_test_identity_is_accepted_where_a_setting_says_so(psc: FakeUpstream) -> None:
    assert code_of(login(psc, "edit")) == "identity_malformed"
    accepting = sandbox()
    assert done(login(accepting, "edit")).proof.identity == IdentityRef("employee", EDIT)


def test_an_answer_without_iss_is_accepted_where_a_setting_says_so_and_a_wrong_one_never() -> None:
    lenient = FakeUpstream(iss_required=False)
    lenient.behaviour.become(Switch.RESPONSE_WITHOUT_ISS)
    done(login(lenient))
    lenient.behaviour.become(Switch.RESPONSE_WRONG_ISS)
    lenient.pages.delete_cookie("psc_session")
    assert code_of(login(lenient)) == "iss_wrong"
    assert lenient.transport.calls.count("/auth/realms/esante-wallet/protocol/openid-connect/token") == 1


def test_the_person_who_gives_up_is_not_accused(psc: FakeUpstream) -> None:
    assert login(psc, mode="cancel") == Refused("declined")


@pytest.mark.parametrize(
    "query", [{}, {"code": ""}, {"code": "x" * 1025}, {"code": "a b"}, {"code": "a\u0000"}, {"code": "é"}]
)
def test_an_answer_without_a_code_is_refused_before_anybody_is_asked(psc: FakeUpstream, query: dict[str, str]) -> None:
    ctx = context(psc)
    leave(psc, ctx)
    asked = len(psc.transport.calls)
    step = come_back(psc, ctx, {"iss": psc.simulator.issuer, **query})
    assert code_of(step) == "answer_malformed"
    assert isinstance(step, Refused)
    assert step.evidence["upstream"] == psc.simulator.issuer
    assert len(psc.transport.calls) == asked


def test_nothing_was_begun(psc: FakeUpstream) -> None:
    ctx = context(psc)
    assert come_back(psc, ctx, {"code": "x", "iss": psc.simulator.issuer}) == Refused("stale")
    assert (ctx.attempts, psc.transport.calls) == (0, [])


def test_a_code_of_another_login_is_refused(psc: FakeUpstream) -> None:
    """Injected (RFC 9700 §4.5): the verifier and the nonce are of this login."""
    mine, theirs = context(psc), context(psc)
    stolen = psc.sign_in(leave(psc, theirs))
    leave(psc, mine)
    assert code_of(come_back(psc, mine, stolen)) == "code_refused"


def test_the_verifier_protects_where_the_nonce_would_not(psc: FakeUpstream) -> None:
    mine, theirs = context(psc), context(psc)
    stolen = psc.sign_in(leave(psc, theirs))
    leave(psc, mine)
    psc.behaviour.become(id_token={"nonce": mine.state["away"]["nonce"]})
    assert code_of(come_back(psc, mine, stolen)) == "code_refused"


def test_the_nonce_protects_where_the_verifier_does_not(psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upstream that does not look at the verifier."""
    monkeypatch.setattr(simulator, "proves", lambda *_: True)
    mine, theirs = context(psc), context(psc)
    stolen = psc.sign_in(leave(psc, theirs))
    leave(psc, mine)
    assert code_of(come_back(psc, mine, stolen)) == "nonce_wrong"


def test_too_many_tries_ask_nobody(psc: FakeUpstream) -> None:
    ctx = context(psc)
    query = psc.sign_in(leave(psc, ctx))
    asked, ctx.most_attempts = len(psc.transport.calls), 0
    with pytest.raises(TooManyAttempts):
        come_back(psc, ctx, query)
    assert len(psc.transport.calls) == asked


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({}, "token_malformed"),
        ({"access_token": "a"}, "token_malformed"),
        ({"access_token": 5, "id_token": "a.b.c"}, "token_malformed"),
        ({"access_token": "é", "id_token": "a.b.c"}, "token_malformed"),
        ({"access_token": "a", "id_token": "a.b.c"}, "token_malformed"),
        ({"access_token": "a", "id_token": "a.b.c.d.e"}, "token_malformed"),
        ({"access_token": "a", "id_token": "x" * 70_000}, "token_malformed"),
        ({"error": "server is on fire\n"}, "code_refused"),
        ({"error": 5}, "token_malformed"),
        (["no object"], "upstream_error"),
    ],
)
def test_answers_of_the_token_endpoint_that_are_none(
    psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch, answer: Any, code: str
) -> None:
    monkeypatch.setattr(psc.simulator, "issue_tokens", lambda *_: answer)
    assert code_of(login(psc)) == code
