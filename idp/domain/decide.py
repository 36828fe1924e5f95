"""decide(): the one answer to "what now?", at /authorize and after each step of a login."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from idp.domain.account import Account
from idp.domain.authn import AcrNames, Assurance, Proof
from idp.domain.policy import MethodEntry, Policy, able
from idp.domain.request import AuthorizationRequest


@dataclass(frozen=True, slots=True)
class Issue:
    """Answer the request with this proof."""

    proof: Proof


@dataclass(frozen=True, slots=True)
class Login:
    """Ask the person to sign in by one of these entries; `reason` is said on the page."""

    methods: tuple[MethodEntry, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class SelectAccount:
    """prompt=select_account: ask which account."""


@dataclass(frozen=True, slots=True)
class AskConsent:
    """Ask whether the service may have the data."""


@dataclass(frozen=True, slots=True)
class Denied:
    """Signed in, but not entitled: the page « Accès refusé »."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer the client with an error."""

    code: str
    description: str


@dataclass(frozen=True, slots=True)
class ConfirmLink:
    """The account has proven itself: ask whether what was proven before is to sign it in from now on."""


@dataclass(frozen=True, slots=True)
class Suspended:
    """Every method that would do is suspended: the page that says until when."""


Decision = Issue | Login | SelectAccount | AskConsent | Denied | Refuse | ConfirmLink | Suspended


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the person at this moment.

    account: whose proofs these are, None when nobody is known yet. subject: its `sub` for this client.
    earlier: proofs of the session; fresh: proofs made inside the current Interaction. The two lists are kept
    apart rather than compared by time: with max_age=0 a comparison would loop for ever.
    consent: when the client's people are asked. remembered: scopes that this account gave it before (`first` only).
    consented_by: the account that consented inside the current Interaction; its consent counts for nobody else.
    """

    account: Account | None = None
    subject: str | None = None
    earlier: Sequence[Proof] = ()
    fresh: Sequence[Proof] = ()
    entitled: bool = False
    account_chosen: bool = False
    consent: str = "never"
    remembered: frozenset[str] = frozenset()
    consented_by: str | None = None

    def standing(self, policy: Policy) -> "Facts":
        """Without the proofs that a suspension made void."""
        void = policy.suspensions.void
        earlier, fresh = (tuple(p for p in each if not void(p)) for each in (self.earlier, self.fresh))
        return replace(self, earlier=earlier, fresh=fresh)


def decide(
    policy: Policy,
    request: AuthorizationRequest,
    facts: Facts,
    *,
    now: datetime,
    reach: Mapping[str, Assurance],
    acr: AcrNames,
) -> Decision:
    """What now? The order of the checks is the security order; `reach`: enabled methods and their ceilings."""
    silent = request.is_silent
    given, facts = facts, facts.standing(policy)
    # 1. Only an active account signs in.
    if facts.account is not None and not facts.account.is_active:
        return Refuse("access_denied", "The account is not active.")

    # 2. An essential acr must be one that some accepted method reaches.
    wanted = acr.lowest(request.acr_values)
    if request.acr_essential and wanted is None:
        return Refuse("unmet_authentication_requirements", "No requested acr is known here.")
    floor = max(policy.min_assurance, wanted) if request.acr_essential and wanted else policy.min_assurance
    methods = able(policy.methods, floor, reach)
    if not methods:
        return _closed(policy, floor, reach, silent=silent)

    # 3. The account is the one that the hint names, and the one that the person chose.
    if facts.account and request.expected_sub not in (None, facts.subject):
        return Refuse("login_required", "Another account is signed in.") if silent else Login(methods, "other_account")
    if "select_account" in request.prompt and facts.account and not facts.fresh and not facts.account_chosen:
        return SelectAccount()

    # 4. A proof that the policy accepts here and now.
    usable = _usable(policy, request, facts, now, floor=floor, reach=reach)
    if wanted and not facts.fresh and not silent and able(policy.methods, wanted, reach):
        # A voluntary acr is worth asking for once; a proof made for this very request is then taken as it is.
        usable = [p for p in usable if p.assurance >= wanted]
    if not usable:
        is_void = bool(given.fresh or given.earlier) and not (facts.fresh or facts.earlier)
        reason = "proof_void" if is_void else _reason(policy, request, facts, now, floor)
        return Refuse("login_required", "The person must sign in.") if silent else Login(methods, reason)

    # 5. The account may open the service.
    if not facts.entitled:
        return Refuse("access_denied", "The person has no access to this service.") if silent else Denied()
    # 6. Consent, where it is asked for.
    if _needs_consent(request, facts):
        return Refuse("consent_required", "The person must consent.") if silent else AskConsent()
    # 7. The best proof: the highest assurance, then the latest.
    return Issue(max(usable, key=lambda p: (p.assurance, p.at)))


def _closed(policy: Policy, floor: Assurance, reach: Mapping[str, Assurance], *, silent: bool) -> Decision:
    """No method will do: for a while, or never."""
    if not able((entry for entry, _ in policy.suspended), floor, reach):
        return Refuse("unmet_authentication_requirements", "No accepted method reaches the requested acr.")
    return Refuse("login_required", "Every accepted method is suspended.") if silent else Suspended()


def _usable(
    policy: Policy,
    request: AuthorizationRequest,
    facts: Facts,
    now: datetime,
    *,
    floor: Assurance,
    reach: Mapping[str, Assurance],
) -> list[Proof]:
    """Proofs good enough, by an accepted method that is enabled; one of the session must also be still valid:
    no prompt=login, young enough (OIDC Core §3.1.2.1).
    """
    still_valid: list[Proof] = []
    if "login" not in request.prompt:
        still_valid = [p for p in facts.earlier if not is_stale(p, policy, request, now)]
    enabled = able(policy.methods, Assurance.LOW, reach)
    good = [p for p in (*facts.fresh, *still_valid) if p.assurance >= floor and not p.has_ended(now)]
    return [p for p in good if any(entry.matches(p) and _is_due(entry, facts) for entry in enabled)]


def _is_due(entry: MethodEntry, facts: Facts) -> bool:
    return entry.is_due(facts.account.signed_in_at if facts.account else None)


def max_age_of(policy: Policy, request: AuthorizationRequest) -> timedelta | None:
    """How long ago a person may have signed in elsewhere, for this request; zero for a new login, None for any time."""
    return timedelta() if "login" in request.prompt else _limit(policy, request)


def _limit(policy: Policy, request: AuthorizationRequest) -> timedelta | None:
    asked = None if request.max_age is None else timedelta(seconds=request.max_age)
    return min((age for age in (asked, policy.max_age) if age is not None), default=None)


def is_stale(proof: Proof, policy: Policy, request: AuthorizationRequest, now: datetime) -> bool:
    """Older than the request's or the policy's max_age; max_age=0 asks as prompt=login does."""
    limit = _limit(policy, request)
    return limit is not None and (not limit or now - proof.at > limit)


def _needs_consent(request: AuthorizationRequest, facts: Facts) -> bool:
    """The request or the client asks for a consent, which this very account did not give."""
    if facts.account and facts.consented_by == facts.account.account_id:
        return False
    if "consent" in request.prompt or facts.consent == "always":
        return True
    return facts.consent != "never" and not request.shared_scopes <= facts.remembered


def _reason(policy: Policy, request: AuthorizationRequest, facts: Facts, now: datetime, floor: Assurance) -> str:
    waiting = [entry for entry in policy.methods if not _is_due(entry, facts)]
    if any(entry.matches(p) for entry in waiting for p in (*facts.fresh, *facts.earlier)):
        return "prior_login"
    if facts.fresh:
        return "too_weak"
    if not facts.earlier:
        return "no_session"
    if "login" in request.prompt:
        return "prompt_login"
    accepted = [p for p in facts.earlier if policy.accepts(p) and p.assurance >= floor]
    return "too_old" if accepted and all(is_stale(p, policy, request, now) for p in accepted) else "step_up"
