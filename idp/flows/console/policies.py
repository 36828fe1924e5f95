"""Policies: what each service accepts, since when and from when on. Nothing is edited: a new one supersedes."""

from datetime import datetime
from typing import Any
from uuid import UUID

import flask

from idp.domain.authn import Assurance
from idp.domain.client import CLIENT_ID, Client
from idp.domain.policy import MethodEntry, Policy, in_force
from idp.domain.rights import Right
from idp.domain.suspension import NONE, Suspensions
from idp.domain.texts import N_, Text
from idp.errors import InvalidOperation, JourneyError
from idp.flows.console import methods
from idp.flows.console.door import HOME, Operator, allowed
from idp.flows.console.frame import done, draw
from idp.flows.console.methods import label_of
from idp.flows.operators import policies
from idp.flows.services import Services
from idp.store import Tx

PAGE = f"{HOME}/policies"
LEVELS: dict[Assurance, Text] = {
    Assurance.LOW: N_("Simple (un mot de passe suffit)"),
    Assurance.MEDIUM: N_("Renforcé (deux facteurs)"),
    Assurance.SUBSTANTIAL: N_("Élevé (carte, Pro Santé Connect)"),
    Assurance.HIGH: N_("Le plus élevé"),
}
CANCELLED: Text = N_("La politique à venir est annulée.")
TOO_LATE: Text = N_("Cette politique n'est plus à venir : rien n'a été annulé.")


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The services, and the time line of each; a new policy is made in `policy_form`."""

    @bp.get(PAGE)
    @allowed(services, Right.POLICIES_SEE, PAGE)
    def policy_list(operator: Operator) -> flask.Response:
        scope = operator.rights.scope_of(Right.POLICIES_SEE)
        with services.db.read() as tx:
            seen = [each for each in tx.clients.all() if each.client_id in scope]
            found = {each.client_id: tx.policies.of(each.client_id) for each in seen}
            suspensions = tx.method_suspensions.all()
        return draw(
            services,
            operator,
            "console/policies.html",
            here="policies",
            page=PAGE,
            rows=[_row(services, each, found[each.client_id], Suspensions.of(suspensions)) for each in seen],
            methods=methods.listed(services, suspensions),
            past=methods.past(services, suspensions),
            methods_page=methods.PAGE,
            may_suspend=operator.rights.may(Right.METHODS_SUSPEND),
        )

    @bp.get(f"{PAGE}/<client_id>")
    @allowed(services, Right.POLICIES_SEE, PAGE + "/{client_id}")
    def policy_line(operator: Operator, client_id: str) -> flask.Response:
        with services.db.read() as tx:
            client = client_of(tx, operator, Right.POLICIES_SEE, client_id)
            found, suspensions = tx.policies.of(client_id), Suspensions.of(tx.method_suspensions.all())
        return draw(
            services,
            operator,
            "console/policy_line.html",
            here="policies",
            page=f"{PAGE}/{client_id}",
            list_url=PAGE,
            client=client,
            may_edit=operator.rights.may(Right.POLICIES_EDIT, client_id),
            line=_line(services, found, suspensions),
        )

    cancel_path = f"{PAGE}/<client_id>/<uuid:policy_id>/cancel"

    @bp.route(cancel_path, methods=["GET", "POST"])
    @allowed(services, Right.POLICIES_EDIT, PAGE + "/{client_id}/{policy_id}/cancel", fresh=True)
    def cancel_policy(operator: Operator, client_id: str, policy_id: UUID) -> flask.Response:
        with services.db.read() as tx:
            client = client_of(tx, operator, Right.POLICIES_EDIT, client_id)
            found = next((each for each in tx.policies.of(client_id) if each.policy_id == str(policy_id)), None)
        if found is None:
            raise JourneyError("not_found", status=404, detail="no such policy of this service")
        page = f"{PAGE}/{client_id}"
        if found.cancelled_at or found.effective_from <= services.now():
            return done(services, operator, TOO_LATE, page, is_refused=True)
        if flask.request.method == "GET":
            return draw(
                services,
                operator,
                "console/policy_cancel.html",
                here="policies",
                client=client,
                policy=described(services, found),
                back_url=page,
            )
        try:
            policies.cancel(operator.desk(services), found.policy_id)
        except InvalidOperation:
            return done(services, operator, TOO_LATE, page, is_refused=True)
        return done(services, operator, CANCELLED, page)


def client_of(tx: Tx, operator: Operator, right: Right, client_id: str) -> Client:
    """A service for which the operator has this right; others are not found, as unknown ones. Raises JourneyError."""
    may = CLIENT_ID.fullmatch(client_id) and operator.rights.may(right, client_id)
    found = tx.clients.get(client_id) if may else None
    if found is None:
        raise JourneyError("not_found", status=404, detail="no such service, or not this operator's")
    return found


def described(services: Services, policy: Policy, suspensions: Suspensions = NONE) -> dict[str, Any]:
    """A policy in words. suspensions: those that stop what it accepts, now or when it begins."""
    say, begins = services.pages.say, max(services.now(), policy.effective_from)
    return {
        "id": policy.policy_id,
        "from_at": policy.effective_from,
        "methods": [
            _entry(services, entry, suspensions.end(begins, entry.id, entry.after)) for entry in policy.methods
        ],
        "level": say(LEVELS[policy.min_assurance]),
        "max_age_min": int(policy.max_age.total_seconds() // 60) if policy.max_age else None,
        "notice": policy.notice,
        "reason": policy.reason,
        "by": policy.created_by,
        "made_at": policy.created_at,
        "cancelled_at": policy.cancelled_at,
    }


def _entry(services: Services, entry: MethodEntry, suspended_until: datetime | None) -> dict[str, Any]:
    return {
        "label": label_of(services, entry.id),
        "suspended_until": suspended_until,
        "after": label_of(services, entry.after) if entry.after else None,
        "options": dict(entry.options),
    }


def _line(services: Services, found: list[Policy], suspensions: Suspensions) -> list[dict[str, Any]]:
    """Those to come first. state: "future", "now", "past" or "cancelled"."""
    now = services.now()
    current = in_force(found, now)
    states = {
        each.policy_id: "cancelled"
        if each.cancelled_at
        else "now"
        if each == current
        else "future"
        if each.effective_from > now
        else "past"
        for each in found
    }
    newest_first = sorted(found, key=lambda each: each.effective_from, reverse=True)
    return [
        {**described(services, each, suspensions if state in ("now", "future") else NONE), "state": state}
        for each, state in ((each, states[each.policy_id]) for each in newest_first)
    ]


def _row(services: Services, client: Client, found: list[Policy], suspensions: Suspensions) -> dict[str, Any]:
    now = services.now()
    current = in_force(found, now)
    coming = [each.effective_from for each in found if each.effective_from > now and not each.cancelled_at]
    return {
        "client": client,
        "current": described(services, current, suspensions) if current else None,
        "next_at": min(coming, default=None),
    }
