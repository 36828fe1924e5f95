"""Drives any method: runs its first factor before it, saves its state before its answer counts, composes one Proof."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

import flask
import structlog

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.authn import Assurance, Proof, compose
from idp.domain.ids import digest, new_token
from idp.domain.interaction import Unlinked
from idp.domain.means import Relatives, claimable
from idp.domain.policy import settle
from idp.errors import JourneyError
from idp.flows import answer, completion, contexts, counting, links, upstream_sessions, visits
from idp.flows.contexts import Pending
from idp.flows.outcomes import Outcome, pass_on, refuse
from idp.flows.running import Runner, runner
from idp.flows.services import Services
from idp.flows.signup import proven
from idp.flows.subjects import subject
from idp.flows.visits import Visit
from idp.methods.base import (
    Context,
    Done,
    Redirect,
    Refused,
    Show,
    Step,
    TooManyAttempts,
)
from idp.methods.bounds import OutOfBounds, check_bounds, check_order, check_target

AWAITED = "_callback"  # where a method's state keeps the digest of the Redirect's `state`
OF_ANOTHER = frozenset({"other_account", "link_refused", "link_names_differ"})  # whoever comes next is somebody else


def run(services: Services, visit: Visit, chosen: str, form: Mapping[str, str]) -> Outcome:
    """One POST: begin a method (an empty form) or hand it what was sent."""
    services.network.slow_down()
    return _run(services, visit, chosen, form)


def _run(services: Services, visit: Visit, chosen: str, form: Mapping[str, str]) -> Outcome:
    running = runner(services, visit, chosen)
    if running is None:
        return Outcome(_to(visit))
    if not form and _lacks_means(services, running):
        return Outcome(refused="means_missing", method=running.method)
    context, pending = _context(services, visit, running)
    method = running.method
    act = partial(method.submit, context, form) if form else partial(method.begin, context)
    return _answer(services, visit, running, act, context=context, pending=pending)


def come_back(
    services: Services, visit: Visit, chosen: str, *, method_id: str, state: str, query: Mapping[str, str]
) -> Outcome:
    """A GET: the person comes back from where the last Redirect of this method sent them with this `state`, once."""
    services.network.slow_down()
    if not any(AWAITED in kept for kept in visit.interaction.method_state.values()):
        # Spent before. The method may not even be accepted any more, for something is to be linked first.
        return Outcome(_to(visit, chosen if chosen in services.registry else None))
    running = runner(services, visit, chosen)
    if running is None or running.method.id != method_id:
        return Outcome(_to(visit))
    context, pending = _context(services, visit, running)
    awaited = context.state.pop(AWAITED, "")
    if not hmac.compare_digest(awaited, digest(state)):
        return Outcome(_to(visit, chosen))
    # Spent before the method asks anybody: of two callbacks at once the second stops here, and its code is never used.
    spent = visit.interaction.with_state(running.state_key, context.state)
    visit = replace(visit, interaction=visits.save(services, spent))
    act = partial(running.method.callback, context, query)
    return _answer(services, visit, running, act, context=context, pending=pending)


def _answer(
    services: Services, visit: Visit, running: Runner, act: Callable[[], Step], *, context: Context, pending: Pending
) -> Outcome:
    """Let the method act, and do what its step says."""
    try:
        step = act()
    except TooManyAttempts as refusal:
        _save(services, visit, running, context, pending)
        minutes = -(-refusal.wait // timedelta(minutes=1))
        return Outcome(refused="too_many_attempts", method=running.method, minutes=minutes)
    match step:
        case Done() as done:
            return _weigh(services, visit, running, done, pending)
        case Refused() as refused:
            context.state = {} if refused.final else context.state
            _save(services, visit, running, context, pending)
            return pass_on(services, visit, running, refused, pending)
        case Redirect(url):
            return _send_away(services, visit, running, url, context=context, pending=pending)
        case _:
            _save(services, visit, running, context, pending)
            return Outcome(_to(visit, running.entry.id))


def _send_away(
    services: Services, visit: Visit, running: Runner, url: str, *, context: Context, pending: Pending
) -> Outcome:
    """Fail closed: nobody is sent where the method did not declare."""
    try:
        check_target(running.method, url, running.method.origins_in(services.settings))
    except OutOfBounds as error:
        structlog.get_logger().error("redirect refused", cause=str(error))
        return refuse(services, visit, running, "internal", pending=pending)
    context.state[AWAITED] = digest(context.callback_state)
    _save(services, visit, running, context, pending)
    return Outcome(answer.see_other(url))


def show(services: Services, visit: Visit, running: Runner) -> Show:
    """What the current step looks like; changes nothing."""
    context, _ = _context(services, visit, running)
    step = running.method.show(context)
    if not isinstance(step, Show):
        raise JourneyError("interaction_gone", status=410, detail="nothing to show")
    return step


def _context(services: Services, visit: Visit, running: Runner) -> tuple[Context, Pending]:
    context, pending = contexts.build(services, visit, running.method, running.subject)
    known = visit.account.login_name if visit.account else ""
    if visit.account and (visit.asks_own_means or visit.request.expected_sub == visit.subject):
        context.expected = contexts.subject_of(visit.account)
    context.login_hint = completion.hint(visit) or context.login_hint or known
    context.callback_url = f"{services.settings.issuer}/login/callback/{running.method.id}"
    context.callback_state = ":".join((visit.interaction.id, running.entry.id, new_token()))
    context.max_age = visit.max_age
    context.options = settle(running.method.options, {} if running.is_first_factor else running.entry.options)
    return context, pending


def _lacks_means(services: Services, running: Runner) -> bool:
    """The person is known, and owns not what the method needs."""
    if running.holder is None:
        return False
    with services.db.read() as tx:
        owned = tx.accounts.owned(running.holder.account_id)
    return running.method.needs_for({} if running.is_first_factor else running.entry.options).missing(owned)


def _save(services: Services, visit: Visit, running: Runner, context: Context, pending: Pending) -> None:
    stored = visit.interaction.with_state(running.state_key, context.state)
    pending.outbox.store(lambda: visits.save(services, stored))


def _weigh(services: Services, visit: Visit, running: Runner, done: Done, pending: Pending) -> Outcome:
    """Fail closed: a proof beyond what its method declares counts for nothing."""
    try:
        check_bounds(running.method, done.proof, services.now())
        check_order(running.method, running.factor)
    except OutOfBounds as error:
        structlog.get_logger().error("proof refused", cause=str(error))
        visits.save(services, visit.interaction.with_state(running.state_key, {}))
        return refuse(services, visit, running, "internal", pending=pending)
    return _accept(services, visit, running, done, pending)


def _accept(services: Services, visit: Visit, running: Runner, done: Done, pending: Pending) -> Outcome:
    """A method is satisfied: go on to the one that follows, or let the proof count."""
    if visit.policy.suspensions.void(done.proof):  # a session elsewhere may be older than the suspension's end
        visits.save(services, replace(visit.interaction.with_state(running.state_key, {}), asks_anew=True))
        return refuse(services, visit, running, "proof_void", pending=pending)
    if visit.draft_id:
        return proven.keep(services, visit, running, done, pending)
    proof, account = done.proof, _holder(services, visit, running, done)
    noted = upstream_sessions.noted(services, visit.interaction, proof.method, done.upstream)
    noted = noted.with_practice(proof, done.practice)
    if isinstance(account, Unlinked):
        # A first factor that was given before counts no more: what proves the account is asked in its own order.
        visits.save(services, replace(noted, unlinked=account, factors=(), method_state={}))
        return Outcome(_to(visit))
    if isinstance(account, str):
        forgotten = visit.interaction.with_state(running.state_key, {})
        visits.save(services, replace(forgotten, asks_anew=forgotten.asks_anew or account in OF_ANOTHER))
        return refuse(services, visit, running, account, pending=pending, proof=proof)
    if running.is_first_factor:
        return _go_on(services, visit, running, _limited(services, running, proof), account=account, pending=pending)
    same_person = running.holder is None or running.holder.account_id == account.account_id
    sub = subject(services, visit.client, account.account_id)
    if not same_person or visit.request.expected_sub not in (None, sub):
        visits.save(services, replace(visit.interaction, factors=(), method_state={}, asks_anew=True))
        return refuse(services, visit, running, "other_account", pending=pending, proof=proof)
    proof = _limited(services, running, proof)
    earlier = visit.interaction.fresh if visit.interaction.account_id == account.account_id else ()
    # Of two answers at once the second stops here. The proof itself is kept with the session, or not at all.
    spent = visits.save(services, replace(visit.interaction, factors=(), method_state={}))
    interaction = replace(
        noted,
        account_id=account.account_id,
        session_id=visit.session.session_id if visit.session else None,
        relatives=Relatives(done.person, done.related) if done.person else None,
        fresh=(*earlier, proof),
        factors=(),
        method_state={},
        version=spent.version,
    )
    counted = replace(visit, interaction=interaction, account=account)
    return Outcome(counting.count(services, counted, proof, account=account, bucket=pending.bucket))


def _holder(services: Services, visit: Visit, running: Runner, done: Done) -> Account | Unlinked | str:
    """Whose proof it is, or the code of a refusal; see `links.resolve`."""
    if running.method.proves_national_identity:
        return links.resolve(services, visit, done)
    with services.db.read() as tx:
        found = tx.accounts.find(done.proof.identity)
    return found if found and found.is_active else "account_inactive"


def _limited(services: Services, running: Runner, proof: Proof) -> Proof:
    """A proof is worth no more than the proofs that enrolled its credentials; then the first factor is added to it."""
    enrolments: list[Assurance] = []
    if proof.credentials and (running.factor or proof.assurance > Assurance.LOW):
        with services.db.read() as tx:
            enrolments = tx.means.enrolments(proof.credentials)
    proof = replace(proof, assurance=claimable(proof.assurance, enrolments))
    return compose(running.factor, proof, most=claimable(Assurance.HIGH, enrolments)) if running.factor else proof


def _go_on(
    services: Services, visit: Visit, running: Runner, proof: Proof, *, account: Account, pending: Pending
) -> Outcome:
    """The first factor is right: keep it, and begin the method that the person chose."""
    factors = (*visit.interaction.factors, proof)
    interaction = visits.save(services, replace(visit.interaction.with_state(running.state_key, {}), factors=factors))
    with services.db.write() as tx:
        tx.throttle.forgive(pending.bucket or "")
        detail = {"method": proof.method}
        event = AuditEvent(
            "login.factor_accepted", account.account_id, account.account_id, visit.client.client_id, detail=detail
        )
        services.record(tx, event)
    visit, given = replace(visit, interaction=interaction), completion.given(visit, running.entry.id, account)
    following = runner(services, visit, running.entry.id) if given else None
    if given and following and not visit.policy.suspensions.void(given):
        return _weigh(services, visit, following, Done(given), pending)
    return _run(services, visit, running.entry.id, {})


def _to(visit: Visit, method_id: str | None = None) -> flask.Response:
    path = f"/login/{visit.interaction.id}"
    return answer.see_other(f"{path}/{method_id}" if method_id else path)
