"""Whatever an upstream says is refused or understood: never an exception, nor what no store can keep."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from demo.pro_sante_connect import tokens
from demo.pro_sante_connect.behaviour import Switch
from idp.methods.base import Done, Refused, Step
from tests.fakes.federated_method import code_of, done, login
from tests.fakes.upstream import FakeUpstream, sandbox

pytestmark = pytest.mark.embedded  # asks nothing of a store

ANYTHING: tuple[Any, ...] = (
    [], {}, [[]], [{}], [None], {"a": []}, 5, -1, 10**30, -(10**30), 0, 1.5, None, True, "", " ", "a\nb", "\ud800",
    "\u0000", "8\u0000", "é", "x" * 100_000,
)  # fmt: skip
OF_ID_TOKENS = (
    "iss", "sub", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "auth_time", "acr", "amr", "sid",
    "SubjectNameID", "authMode", "given_name", "family_name", "otherIds",
)  # fmt: skip
OF_USERINFO = (
    "sub", "SubjectNameID", "authMode", "given_name", "family_name", "otherIds", "SubjectRefPro", "SubjectRole",
    "SubjectOrganization", "iss", "aud", "exp", "iat", "auth_time",
)  # fmt: skip
OF_KEYS = ("kty", "kid", "use", "alg", "n", "e", "crv", "x", "y", "d")


@pytest.fixture
def psc(monkeypatch: pytest.MonkeyPatch) -> FakeUpstream:
    """Says `null` too; any `acr` is accepted."""
    monkeypatch.setattr(tokens, "over", lambda claims, others: {**claims, **others})
    return sandbox(accepted_acr=())


def tried(psc: FakeUpstream, *, anew: bool = False) -> Step:
    """By somebody who is not signed in there. anew: at a process that has just started, and knows no key."""
    psc.pages.delete_cookie("psc_session")
    if anew:
        psc.method = psc.new_method("pro_sante_connect")
    step = sound(login(psc))
    assert anew or not isinstance(step, Refused) or step.code != "down"  # then nothing would be tried any more
    return step


def sound(step: Step) -> Step:
    """What it leads to can be kept: it is UTF-8, has no NUL, and is short."""
    assert isinstance(step, Done | Refused), step
    kept: list[Any] = [dict(step.evidence)] if isinstance(step, Refused) else [step.proof.to_json()]
    if isinstance(step, Done):
        kept += [step.person and (step.person.given_name, step.person.family_name)]
        kept += [(each.kind, each.value) for each in step.related]
    written = json.dumps(kept, ensure_ascii=False).encode()
    assert b"\\u0000" not in written
    assert len(written) < 5000
    return step


@pytest.mark.parametrize("name", OF_ID_TOKENS)
def test_any_claim_of_an_id_token(psc: FakeUpstream, name: str) -> None:
    for value in ANYTHING:
        psc.behaviour.become(id_token={name: value})
        tried(psc)


@pytest.mark.parametrize("switches", [(), (Switch.USERINFO_SIGNED,)])
@pytest.mark.parametrize("name", OF_USERINFO)
def test_any_claim_of_userinfo(psc: FakeUpstream, name: str, switches: tuple[Switch, ...]) -> None:
    for value in ANYTHING:
        psc.behaviour.become(*switches, userinfo={name: value})
        tried(psc)


@pytest.mark.parametrize("name", ["identifiant", "origine", "qualite"])
def test_any_member_of_other_ids(psc: FakeUpstream, name: str) -> None:
    for value in ANYTHING:
        others = [{"identifiant": "336012345", "origine": "ADELI", name: value}, value]
        psc.behaviour.become(userinfo={"otherIds": others})
        done(tried(psc))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
@pytest.mark.parametrize("name", OF_KEYS)
def test_any_member_of_any_key(psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch, name: str, algorithm: Any) -> None:
    published = psc.simulator.keys.jwks()["keys"]
    psc.behaviour.become(algorithm=algorithm)
    for value in ANYTHING:
        keys = [{**key, name: value} for key in published]
        monkeypatch.setattr(psc.simulator.keys, "jwks", lambda keys=keys: {"keys": keys})
        tried(psc, anew=True)


@pytest.mark.parametrize("stranger", [{"kid": []}, {"kid": {}}, {"kid": None}, {"n": []}, {"alg": []}])
def test_a_key_that_is_none_stands_in_nobodys_way(
    psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch, stranger: Mapping[str, Any]
) -> None:
    published = psc.simulator.keys.jwks()["keys"]
    keys = [{**published[0], "kid": "another", **stranger}, *published]
    monkeypatch.setattr(psc.simulator.keys, "jwks", lambda: {"keys": keys})
    done(tried(psc))


@pytest.mark.parametrize("name", ["id_token", "access_token", "token_type", "expires_in", "expires_at", "error"])
def test_any_member_of_the_token_endpoints_answer(
    psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    answer = psc.simulator.issue_tokens
    for value in ANYTHING:
        monkeypatch.setattr(psc.simulator, "issue_tokens", lambda *given, value=value: {**answer(*given), name: value})
        tried(psc)


@pytest.mark.parametrize("said", [None, 3600.0, "soon", [1], 10**400])
@pytest.mark.parametrize("name", ["expires_in", "expires_at"])
def test_a_lifetime_that_nobody_uses_refuses_nobody(
    psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch, name: str, said: Any
) -> None:
    answer = psc.simulator.issue_tokens
    monkeypatch.setattr(psc.simulator, "issue_tokens", lambda *given: {**answer(*given), name: said})
    done(tried(psc))


@pytest.mark.parametrize("token", ["a b", "a\r\nX-Other: 1", "é", "", "\u0000"])
def test_an_access_token_goes_into_a_header_only_if_it_may_stand_there(
    psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    answer = psc.simulator.issue_tokens
    monkeypatch.setattr(psc.simulator, "issue_tokens", lambda *given: {**answer(*given), "access_token": token})
    assert code_of(tried(psc)) == "token_malformed"


@pytest.mark.spec("OIDC Core §2")
@pytest.mark.parametrize(("sub", "is_one"), [("x" * 255, True), ("x" * 256, False), ("é", False), ("a\u007f", False)])
def test_a_subject_has_255_printable_characters_at_most(psc: FakeUpstream, sub: str, is_one: bool) -> None:
    psc.behaviour.become(id_token={"sub": sub}, userinfo={"sub": sub})
    if is_one:
        done(tried(psc))
    else:
        assert code_of(tried(psc)) == "token_malformed"
