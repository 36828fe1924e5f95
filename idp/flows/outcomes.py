"""What a step of a login comes to: a page to go to, or what was refused, which is audited."""

from collections.abc import Mapping
from dataclasses import dataclass

import flask

from idp.domain.audit import AuditEvent
from idp.domain.authn import Proof
from idp.flows.contexts import Pending
from idp.flows.running import Runner
from idp.flows.services import Services
from idp.flows.visits import Visit
from idp.methods.base import Method, Refused


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to answer: go to a page of the login, or show what was refused.

    method: which one ran, the first factor or what follows it. is_own: it refused with this code, and not the driver.
    """

    response: flask.Response | None = None
    refused: str | None = None
    method: Method | None = None
    is_own: bool = False
    minutes: int = 0


def pass_on(services: Services, visit: Visit, running: Runner, refused: Refused, pending: Pending) -> Outcome:
    """The method's own refusal."""
    if refused.guess:
        services.network.note_failure()
        _record_failure(services, visit, running, refused.code, pending=pending, evidence=refused.evidence)
    return Outcome(refused=refused.code, method=running.method, is_own=True)


def refuse(
    services: Services, visit: Visit, running: Runner, code: str, *, pending: Pending, proof: Proof | None = None
) -> Outcome:
    """A proof that does not count here."""
    _record_failure(services, visit, running, code, pending=pending, proof=proof)
    return Outcome(refused=code, method=running.method)


def _record_failure(
    services: Services,
    visit: Visit,
    running: Runner,
    code: str,
    *,
    pending: Pending,
    proof: Proof | None = None,
    evidence: Mapping[str, str] | None = None,
) -> None:
    """proof: what was proven nevertheless; its holder is who the event is about, where nobody else is known."""
    known = (each.account_id for each in (pending.subject, running.subject) if each and each.account_id)
    who, shown = next(known, None), proof.evidence if proof else evidence or {}
    detail = {"method": running.method.id, "reason": code}
    with services.db.write() as tx:
        holder = tx.accounts.find(proof.identity) if proof and who is None else None
        who = holder.account_id if holder else who
        event = AuditEvent("login.failed", "anonymous", who, visit.client.client_id, "refused", detail, shown)
        services.record(tx, event)
