"""A proof that was accepted begins to count: for the session, and for what the Interaction is for."""

from dataclasses import replace

import flask

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.authn import Proof
from idp.domain.decide import Facts, Issue
from idp.flows import answer, visits
from idp.flows.services import Services
from idp.flows.subjects import subject
from idp.flows.visits import Visit
from idp.store import Tx


def count(services: Services, visit: Visit, proof: Proof, *, account: Account, bucket: str | None) -> flask.Response:
    """Open or strengthen the session with a proof that the policy accepts, and answer the client if that is all.

    visit: with the Interaction as it is to be, which is stored last: what `answer.keep_proof` refuses is never in it.
    bucket: where the try was counted, to be forgiven. Raises JourneyError, the Interaction being as it was.
    """
    client_id = visit.client.client_id
    if visit.is_conflict or not visit.policy.accepts(proof):
        with services.db.write() as tx:
            tx.throttle.forgive(bucket or "")
            if not visit.is_conflict:
                detail = {"method": proof.method, "reason": "too_weak", "assurance": proof.assurance.name}
                event = AuditEvent("login.failed", account.account_id, account.account_id, client_id, "refused", detail)
                services.record(tx, event)
            visits.save(services, visit.interaction)  # to be told why; `decide` takes it no more than this did
        return answer.see_other(f"/login/{visit.interaction.id}")
    with services.db.write() as tx:
        session_id, cookie = answer.keep_proof(
            services,
            tx,
            visit.session,
            proof,
            account=account,
            client_id=client_id,
            upstream=visit.interaction.upstream_of(proof.method),
            practice=visit.interaction.practice_of(proof),
            relatives=visit.interaction.relatives,
        )
        tx.throttle.forgive(bucket or "")  # the account is held before: a change of its password locks in this order
        decision = visit.decision(services, _facts(services, tx, visit, account))
        purpose = visit.interaction.purpose
        if isinstance(decision, Issue):
            visits.take(services, visit.interaction)
        if isinstance(decision, Issue) and purpose is None:
            code = answer.issue_code(
                services,
                tx,
                visit.request,
                decision.proof,
                session_id=session_id,
                account_id=account.account_id,
                consented=visit.interaction.consented_by == account.account_id,
            )
        if not isinstance(decision, Issue):
            visits.save(services, replace(visit.interaction, session_id=session_id))
    if isinstance(decision, Issue) and purpose:
        response = answer.see_other(purpose.page)
    elif isinstance(decision, Issue):
        response = answer.send(services, visit.request.return_path, {"code": code})
    else:
        response = answer.see_other(f"/login/{visit.interaction.id}")
    if cookie:
        services.browser.set(response, "session", cookie)
    return response


def _facts(services: Services, tx: Tx, visit: Visit, account: Account) -> Facts:
    """What is known once the account has proven itself; it is held, so that this stays true to the end of the unit."""
    client = visit.client
    is_entitled = not client.needs_entitlement or tx.accounts.is_entitled(
        account.account_id, client.client_id, services.now()
    )
    asked_once = client.consent == "first"
    return replace(
        visit.facts(),
        subject=subject(services, client, account.account_id),
        entitled=is_entitled,
        remembered=tx.consents.scopes(account.account_id, client.client_id) if asked_once else frozenset(),
    )
