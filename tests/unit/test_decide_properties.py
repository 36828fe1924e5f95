"""What holds of decide() whatever it is asked."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from idp.domain.account import AccountStatus
from idp.domain.authn import Assurance, Proof, compose
from idp.domain.client import CONSENT
from idp.domain.decide import Facts, Issue, Login, Refuse, decide
from idp.domain.policy import MethodEntry, Policy, entry_reach
from idp.domain.request import AuthorizationRequest
from tests.fakes import samples
from tests.fakes.clock import START
from tests.fakes.samples import ACR, CARD, CARD_LATER, OTP, OTP_ALONE, PASSWORD, REACH

USED = samples.account(signed_in_at=START)
PROMPTS = ("login", "consent", "select_account")
AGES = st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=5))


def _proof(kind: str, ago: timedelta) -> Proof:
    match kind:
        case "password":
            return samples.password_proof(ago=ago)
        case "email_otp":
            return samples.otp_proof(ago=ago)
        case "both":
            return compose(samples.password_proof(ago=ago), samples.otp_proof(ago=ago))
        case "one mailbox":
            return compose(samples.password_proof(ago=ago, anchor="mailbox"), samples.otp_proof(ago=ago))
        case _:
            return samples.card_proof(ago=ago)


proofs = st.builds(_proof, st.sampled_from(["password", "email_otp", "both", "one mailbox", "cps_card"]), AGES)
ENTRIES = [PASSWORD, OTP, OTP_ALONE, CARD, CARD_LATER]
entries = st.lists(st.sampled_from(ENTRIES), min_size=1, max_size=3, unique_by=lambda entry: entry.id)
policies = st.builds(
    lambda methods, floor, age: samples.policy(*methods, min_assurance=floor, max_age=age),
    entries,
    st.sampled_from(Assurance),
    st.none() | AGES,
)
requests = st.builds(
    samples.request,
    prompt=st.just(("none",)) | st.lists(st.sampled_from(PROMPTS), unique=True).map(tuple),
    max_age=st.none() | st.integers(0, 20_000),
    acr_values=st.lists(st.sampled_from([*ACR.names.values(), "urn:other"]), max_size=3).map(tuple),
    acr_essential=st.booleans(),
    hint_sub=st.sampled_from([None, "sub-of-anne", "sub-of-karim"]),
    scope=st.sampled_from([("openid",), ("openid", "email")]),
    claims_scopes=st.sampled_from([(), ("email",), ("phone",)]),
)
facts = st.builds(
    Facts,
    account=st.sampled_from([samples.account(), USED, samples.account(status=AccountStatus.SUSPENDED)]),
    earlier=st.lists(proofs, max_size=3),
    fresh=st.lists(proofs, max_size=2),
    entitled=st.booleans(),
    subject=st.just("sub-of-anne"),
    account_chosen=st.booleans(),
    consent=st.sampled_from(CONSENT),
    remembered=st.frozensets(st.sampled_from(["openid", "email", "phone"])),
    consented_by=st.sampled_from([None, "anne", "karim"]),
) | st.just(Facts())
reaches = st.sets(st.sampled_from(sorted(REACH))).map(lambda names: {name: REACH[name] for name in names})


@given(policies, requests, facts, reaches)
def test_a_silent_request_shows_no_page(
    policy: Policy, request: AuthorizationRequest, known: Facts, reach: dict[str, Assurance]
) -> None:
    silent = replace(request, prompt=("none",))
    assert isinstance(decide(policy, silent, known, now=START, reach=reach, acr=ACR), Issue | Refuse)


@given(policies, requests, facts, reaches)
def test_what_is_issued_satisfies_everything_that_was_asked(
    policy: Policy, request: AuthorizationRequest, known: Facts, reach: dict[str, Assurance]
) -> None:
    decision = decide(policy, request, known, now=START, reach=reach, acr=ACR)
    if not isinstance(decision, Issue):
        return
    proof = decision.proof
    assert policy.accepts(proof)
    assert known.account
    waits = any(entry.wants_prior_login for entry in policy.methods)
    assert proof.method != "cps_card" or not waits or known.account.signed_in_at
    assert known.account.is_active
    assert known.entitled
    assert request.hint_sub in {None, known.subject}
    if known.consented_by != known.account.account_id:
        assert "consent" not in request.prompt
        assert known.consent != "always"
        assert known.consent == "never" or known.remembered >= {*request.scope, *request.claims_scopes}
    if proof not in known.fresh:
        assert proof in known.earlier
        assert "login" not in request.prompt
        assert request.max_age is None or (request.max_age and START - proof.at <= timedelta(seconds=request.max_age))
        assert policy.max_age is None or START - proof.at <= policy.max_age
    if request.acr_essential:
        wanted = ACR.lowest(request.acr_values)
        assert wanted
        assert proof.assurance >= wanted
        assert ACR.report(proof.assurance, request.acr_values) in request.acr_values


@given(policies, requests, facts, reaches)
def test_what_is_offered_is_accepted_enabled_and_good_enough(
    policy: Policy, request: AuthorizationRequest, known: Facts, reach: dict[str, Assurance]
) -> None:
    decision = decide(policy, request, known, now=START, reach=reach, acr=ACR)
    if not isinstance(decision, Login):
        return
    assert decision.methods
    offered: list[MethodEntry] = [entry for entry in policy.methods if entry in decision.methods]
    assert tuple(offered) == decision.methods  # all of the policy's list, in its order
    for entry in offered:
        assert entry.id in reach
        assert entry_reach(entry, reach) >= policy.min_assurance


@given(policies, requests, reaches)
def test_a_login_that_was_asked_for_ends(
    policy: Policy, request: AuthorizationRequest, reach: dict[str, Assurance]
) -> None:
    """The best that an offered method can prove, made here, is never answered by the same login again."""
    start = decide(policy, request, Facts(), now=START, reach=reach, acr=ACR)
    if not isinstance(start, Login):
        return
    for entry in start.methods:
        made = _proof("both" if entry.after else entry.id, timedelta(0))
        done = Facts(USED, "sub-of-anne", fresh=(made,), entitled=True, consented_by="anne")
        after = decide(policy, request, done, now=START, reach=reach, acr=ACR)
        assert isinstance(after, Issue) or request.hint_sub == "sub-of-karim"
