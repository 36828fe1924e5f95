"""An Interaction as one request sees it: loaded, checked against the browser, and put together with what SQL knows."""

from dataclasses import dataclass, fields, replace
from datetime import timedelta

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.client import Client
from idp.domain.decide import ConfirmLink, Decision, Facts, Issue, Login, decide, max_age_of
from idp.domain.ids import new_token
from idp.domain.interaction import LIFETIME, Interaction, Purpose
from idp.domain.policy import MethodEntry, Policy
from idp.domain.request import AuthorizationRequest
from idp.domain.session import Session
from idp.errors import JourneyError, ProtocolError, ReturnPath
from idp.flows import own_means, pushed
from idp.flows.services import Services
from idp.flows.signup import proving
from idp.flows.subjects import subject
from idp.store import Tx

KIND = "interaction"


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of a request at one instant. `account` is the session's; its identities are left out.

    subject: the account's `sub` for the client. remembered: scopes that it consented to, where that is asked once.
    """

    client: Client
    policy: Policy
    session: Session | None
    account: Account | None
    subject: str | None
    entitled: bool
    remembered: frozenset[str]

    def facts(self) -> Facts:
        return Facts(
            account=self.account,
            subject=self.subject,
            earlier=self.session.proofs if self.session else (),
            entitled=self.entitled,
            consent=self.client.consent,
            remembered=self.remembered,
        )


def look_up(
    services: Services,
    tx: Tx,
    client: Client,
    account_id: str | None = None,
    *,
    redirect: ReturnPath | None = None,
    hold: bool = False,
) -> Situation:
    """The situation of this browser before a client. `account_id`: whom to look at if not the session's holder.

    hold: keep the session's account, and its access, what they are to the end of the unit, which writes.
    Raises ProtocolError("unauthorized_client"), to `redirect`, for a client without a policy in force.
    """
    now, client_id, cookie = services.now(), client.client_id, services.browser.read("session")
    policy = services.configuration.policy(client_id)
    if policy is None:
        raise ProtocolError("unauthorized_client", "The client has no policy in force.", redirect=redirect)
    policy = policy.within(services.registry.only_after)
    idle = services.settings.session_idle
    found = tx.sessions.find_with_holder(cookie, client_id, now, idle, hold=hold) if cookie else None
    session, account, is_listed = found or (None, None, False)
    if account_id and (account is None or account.account_id != account_id):
        account, is_listed = tx.accounts.get(account_id), tx.accounts.is_entitled(account_id, client_id, now)
    if account is None:
        return Situation(client, policy, session, None, None, False, frozenset())
    sub = subject(services, client, account.account_id)
    asked_once = client.consent == "first"
    remembered = tx.consents.scopes(account.account_id, client_id) if asked_once else frozenset()
    return Situation(client, policy, session, account, sub, is_listed or not client.needs_entitlement, remembered)


def current_session(services: Services, tx: Tx) -> Session | None:
    """The live session of this browser."""
    cookie = services.browser.read("session")
    return tx.sessions.find(cookie, services.now(), services.settings.session_idle) if cookie else None


def judge(services: Services, request: AuthorizationRequest, policy: Policy, facts: Facts) -> Decision:
    """`decide`, with what the settings say."""
    return decide(policy, request, facts, now=services.now(), reach=services.registry.reach, acr=services.acr)


@dataclass(frozen=True, slots=True)
class Visit(Situation):
    """One request to a login in progress. `account` is the one proven in it, else the session's.

    asks_own_means: what is asked now is a proof of the account itself, for the portal or before a means is linked;
    `policy` is then one of `own_means`, and not the client's.
    """

    interaction: Interaction
    asks_own_means: bool = False

    @property
    def request(self) -> AuthorizationRequest:
        return self.interaction.request

    @property
    def is_conflict(self) -> bool:
        """Another account was proven than the one that is signed in here."""
        proven = self.interaction.account_id
        return bool(self.interaction.fresh and self.session and proven and self.session.account_id != proven)

    @property
    def max_age(self) -> timedelta | None:
        """How long ago the person may have signed in elsewhere: as the request and the policy have it, and a new login
        where it is to be somebody else than before.
        """
        is_another = self.account is not None and self.request.expected_sub not in (None, self.subject)
        return timedelta() if is_another or self.interaction.asks_anew else max_age_of(self.policy, self.request)

    def facts(self) -> Facts:
        proven = self.interaction.account_id
        same = self.session is not None and proven in (None, self.session.account_id)
        known = Situation.facts(self)
        return replace(
            known,
            earlier=known.earlier if same else (),
            fresh=self.interaction.fresh,
            account_chosen=self.interaction.account_chosen,
            consented_by=self.interaction.consented_by,
        )

    def decision(self, services: Services, facts: Facts | None = None) -> Decision:
        """facts: as they are now, if more is known than this visit says."""
        facts = facts or self.facts()
        if not self.asks_own_means:
            return judge(services, self.request, self.policy, facts)
        earlier, fresh = (tuple(p for p in each if p.until is None) for each in (facts.earlier, facts.fresh))
        facts = replace(facts, entitled=True, consent="never", earlier=() if self.is_linking else earlier, fresh=fresh)
        decision = judge(services, self.request.plain, self.policy, facts)
        if isinstance(decision, Login):
            return replace(decision, reason="link" if self.is_linking else "register" if self.draft_id else "confirm")
        if not isinstance(decision, Issue) or not self.is_linking:
            return decision
        if self.interaction.unlinked:
            return ConfirmLink()
        return Login((MethodEntry(self.linked_method),), "add_means")

    @property
    def draft_id(self) -> str | None:
        """The registration that gets what is proven here; None where somebody signs in."""
        return self.interaction.purpose.registration if self.interaction.purpose else None

    @property
    def is_linking(self) -> bool:
        """A means is to be linked to the account: the proofs of its session, made earlier, do not count for that."""
        return bool(self.linked_method)

    @property
    def linked_method(self) -> str:
        """The method whose means is to be linked; empty if none is."""
        purpose, unlinked = self.interaction.purpose, self.interaction.unlinked
        return unlinked.proof.method if unlinked else (purpose and purpose.method) or ""


def open_interaction(services: Services, request: AuthorizationRequest, purpose: Purpose | None = None) -> Interaction:
    """Store a new Interaction for this browser."""
    interaction = Interaction(
        id=new_token(),
        request=request,
        browser_hash=services.browser.hash,
        expires_at=services.now() + LIFETIME,
        purpose=purpose,
    )
    services.ephemeral.put(KIND, interaction.id, interaction.to_json(), LIFETIME)
    return interaction


def load(services: Services, handle: str) -> Visit:
    """The visit of this browser to its Interaction. Raises JourneyError if it is gone or another browser's."""
    found = services.ephemeral.get_versioned(KIND, handle)
    if found is None:
        raise JourneyError("interaction_gone", status=410)
    interaction = Interaction.from_json(handle, found[1], found[0])
    if interaction.browser_hash != services.browser.hash:
        raise JourneyError("interaction_foreign", status=403)
    services.pages.prefer(interaction.request.ui_locales)
    with services.db.read() as tx:
        client = services.configuration.client(interaction.request.client_id)
        if client is None or not _still_asks_what_it_may(client, interaction.request):
            raise JourneyError("interaction_gone", status=410, detail="client disabled or changed meanwhile")
        added = interaction.purpose.method if interaction.purpose else None
        if added and added not in services.registry:
            raise JourneyError("interaction_gone", status=410, detail="the method to be linked is enabled no more")
        if added and services.configuration.suspensions().end(services.now(), added):
            raise JourneyError("method_suspended", status=403, detail="the method to be linked is suspended")
        path = interaction.request.return_path
        situation = look_up(services, tx, client, interaction.account_id, redirect=path)
        if _has_ended(services, interaction, situation.session):
            interaction = restart(services, interaction)
            situation = look_up(services, tx, client, redirect=path)
        if interaction.purpose and interaction.purpose.registration:  # whoever is signed in here may be somebody else
            situation = replace(situation, session=None, account=None, subject=None)
        known = {item.name: getattr(situation, item.name) for item in fields(Situation)}
        visit = Visit(**known, interaction=interaction)
        own = _own_policy(services, tx, visit)
    return replace(visit, policy=own, asks_own_means=True) if own else visit


def _has_ended(services: Services, interaction: Interaction, session: Session | None) -> bool:
    """Its session is gone (log-out, new password, suspension), or the method of what is to be linked, or what that
    proved is void.
    """
    unlinked = interaction.unlinked
    if unlinked and unlinked.proof.method not in services.registry:
        return True
    if unlinked and services.configuration.suspensions().void(unlinked.proof):
        return True
    return interaction.session_id not in (None, session.session_id if session else None)


def _own_policy(services: Services, tx: Tx, visit: Visit) -> Policy | None:
    """What must be proven of the account itself, where that is what is asked now."""
    purpose = visit.interaction.purpose
    if visit.is_linking:
        return own_means.linking_policy(services, visit.client.client_id, visit.linked_method)
    if purpose and purpose.registration:
        entries = tuple(MethodEntry(name) for name in proving.accepted(services))
        policy = Policy("", visit.client.client_id, services.now(), entries, max_age=timedelta())  # a new login
        return policy.under(services.configuration.suspensions(), services.now())
    account = tx.accounts.get(purpose.account_id) if purpose else None
    if purpose is None or account is None:
        return None
    if purpose.without:
        means = own_means.to_remove(services, tx, account, purpose.without)
    else:
        means = own_means.of_account(services, tx, account)
    return means.policy(visit.client.client_id, services.now())


def _still_asks_what_it_may(client: Client, request: AuthorizationRequest) -> bool:
    """What was checked of a request against its client's registration, which operators may have changed since."""
    return request.redirect_uri in client.redirect_uris and set(request.scope) <= set(client.scopes)


def save(services: Services, interaction: Interaction) -> Interaction:
    """Write under the version check: of two requests at once the second is refused and nothing of it counts."""
    saved = services.ephemeral.swap(
        KIND, interaction.id, interaction.version, interaction.to_json(), interaction.expires_at
    )
    if not saved:
        raise JourneyError("interaction_busy", status=409)
    return replace(interaction, version=interaction.version + 1)


def restart(services: Services, interaction: Interaction) -> Interaction:
    """Begin the same request anew: nothing that was proven or answered in this Interaction counts any more."""
    blank = replace(interaction, account_id=None, session_id=None, fresh=(), factors=(), unlinked=None, upstream=())
    return save(services, replace(blank, method_state={}, consented_by=None, relatives=None))


def take(services: Services, interaction: Interaction) -> None:
    """Complete or cancel: once. Raises JourneyError if another request did, or answered the same pushed request."""
    if services.ephemeral.take(KIND, interaction.id) is None or not pushed.spend(services, interaction.request.pushed):
        raise JourneyError("interaction_gone", status=410)


def note_suspended(services: Services, visit: Visit, method_id: str) -> None:
    """Somebody goes on with a method that was suspended meanwhile, or asks for one that is."""
    who = visit.account.account_id if visit.account else None
    detail = {"method": method_id, "reason": "suspended"}
    client_id = visit.client.client_id
    services.append(AuditEvent("login.failed", "anonymous", who, client_id, "refused", detail))


def refuse_method(services: Services, visit: Visit, method_id: str) -> JourneyError:
    """A method that the policy does not accept was asked for: no page offers that."""
    known = method_id if method_id in services.registry else "unknown"
    with services.db.write() as tx:
        event = AuditEvent(
            "login.method_refused",
            visit.account.account_id if visit.account else "anonymous",
            client_id=visit.client.client_id,
            outcome="refused",
            detail={"method": known},
        )
        services.record(tx, event)
    return JourneyError("method_refused", status=403)
