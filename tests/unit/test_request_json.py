"""What is stored between two requests comes back as it was."""

import json
from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from idp.domain.authn import Assurance, IdentityRef, Proof
from idp.domain.interaction import Interaction, Unlinked
from idp.domain.means import Person
from idp.domain.request import AuthorizationRequest
from idp.errors import ReturnPath
from tests.fakes import samples
from tests.fakes.clock import START

texts = st.text(max_size=20)
maybe = st.none() | texts
names = st.lists(texts, max_size=3).map(tuple)
instants = st.datetimes(timezones=st.just(UTC))
facts = st.dictionaries(texts, texts, max_size=2)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
proofs = st.builds(
    Proof,
    method=texts,
    identity=st.builds(IdentityRef, texts, texts),
    assurance=st.sampled_from(Assurance),
    amr=names,
    at=instants,
    anchor=texts,
    after=maybe,
    evidence=facts,
)
requests = st.builds(
    AuthorizationRequest,
    client_id=texts,
    redirect_uri=texts,
    scope=names,
    asked_at=instants,
    response_mode=st.sampled_from(["query", "form_post"]),
    state=maybe,
    nonce=maybe,
    code_challenge=maybe,
    prompt=names,
    max_age=st.none() | st.integers(0, 10**9),
    acr_values=names,
    acr_essential=st.booleans(),
    userinfo_claims=names,
    id_token_claims=names,
    claims_scopes=names,
    login_hint=maybe,
    hint_sub=maybe,
    sub_wanted=maybe,
    ui_locales=names,
    pushed=maybe,
)
interactions = st.builds(
    Interaction,
    id=texts,
    request=requests,
    browser_hash=texts,
    expires_at=instants,
    account_id=maybe,
    fresh=st.lists(proofs, max_size=2).map(tuple),
    factors=st.lists(proofs, max_size=2).map(tuple),
    method_state=st.dictionaries(texts, st.dictionaries(texts, json_values, max_size=2), max_size=2),
    account_chosen=st.booleans(),
    consented_by=maybe,
    unlinked=st.none() | st.builds(Unlinked, proofs, st.builds(Person, texts, texts), st.booleans()),
    version=st.integers(0, 100),
)


@given(proofs)
def test_a_proof(proof: Proof) -> None:
    assert Proof.from_json(json.loads(json.dumps(proof.to_json()))) == proof


@given(requests)
def test_an_authorization_request(request: AuthorizationRequest) -> None:
    assert AuthorizationRequest.from_json(json.loads(json.dumps(request.to_json()))) == request


@given(interactions)
def test_an_interaction(interaction: Interaction) -> None:
    stored = json.loads(json.dumps(interaction.to_json()))
    assert Interaction.from_json(interaction.id, interaction.version, stored) == interaction


def test_the_id_of_an_interaction_is_its_key_only() -> None:
    interaction = Interaction("handle", samples.request(), "browser", START, method_state={"m": {"mac": "x"}})
    assert "handle" not in json.dumps(interaction.to_json())
    assert "handle" not in repr(interaction)
    assert "mac" not in repr(interaction)


def test_state_of_one_method_leaves_the_others_alone() -> None:
    before = Interaction("id", samples.request(), "browser", START, method_state={"a": {"x": 1}, "b": {"y": 2}})
    state = {"x": 3}
    after = before.with_state("a", state)
    state["x"] = 4
    assert after.method_state == {"a": {"x": 3}, "b": {"y": 2}}
    assert before.method_state == {"a": {"x": 1}, "b": {"y": 2}}


def test_what_a_request_says_of_itself() -> None:
    request = samples.request(state="s", prompt=("none",), hint_sub="anne")
    assert request.return_path == ReturnPath("https://ror.example/callback", "query", "s")
    assert request.is_silent
    assert request.expected_sub == "anne"
    assert samples.request(hint_sub="anne", sub_wanted="karim").expected_sub == "karim"
    assert not samples.request(prompt=("login",)).is_silent


@given(proofs)
def test_what_is_to_be_linked_and_was_stored_before_links_were_told_apart(proof: Proof) -> None:
    unlinked = Unlinked(proof, Person("ANNE", "PIERRE"))
    stored = {name: value for name, value in unlinked.to_json().items() if name != "was_linked"}
    assert Unlinked.from_json(stored) == unlinked
