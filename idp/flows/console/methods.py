"""A method suspended for every service at once: end and reason are typed, then what it would do is confirmed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import flask

from idp.domain.rights import Right
from idp.domain.suspension import LONGEST, MethodSuspension, Suspensions
from idp.domain.texts import N_, Text
from idp.errors import InvalidOperation, JourneyError
from idp.flows import own_means
from idp.flows.console.door import HOME, Operator, allowed
from idp.flows.console.frame import done, draw
from idp.flows.console.typed import MAX_REASON, instant_of, reason_of
from idp.flows.operators import suspensions
from idp.flows.services import Services
from idp.store import Tx

PAGE, BACK = f"{HOME}/methods", f"{HOME}/policies"
BAD_END: Text = N_("La fin est une date à venir, dans %(days)s jours au plus.")
NO_LATER: Text = N_("Ce mode est déjà suspendu jusqu'à cette date, ou plus longtemps : rien n'a été changé.")
CLOSES_CONSOLE: Text = N_(
    "La console n'aurait plus aucun mode d'authentification : personne n'y entrerait pour mettre fin à la suspension. "
    "Faites d'abord accepter un autre mode par sa politique, ou utilisez la ligne de commande (sesame method suspend)."
)
DONE: Text = N_("Le mode « %(method)s » est suspendu pour tous les services.")
RESTORED: Text = N_("Le mode « %(method)s » est rétabli.")
NOT_SUSPENDED: Text = N_("Ce mode n'est plus suspendu : rien n'a été changé.")


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """Suspend, and end that; the list stands on the page of the policies."""

    @bp.route(f"{PAGE}/<method_id>/suspend", methods=["GET", "POST"])
    @allowed(services, Right.METHODS_SUSPEND, PAGE + "/{method_id}/suspend", fresh=True)
    def suspend_method(operator: Operator, method_id: str) -> flask.Response:
        _require(services, method_id)
        if flask.request.method == "GET":
            return _form(services, operator, method_id)
        return _suspend(services, operator, method_id)

    @bp.route(f"{PAGE}/<method_id>/restore", methods=["GET", "POST"])
    @allowed(services, Right.METHODS_SUSPEND, PAGE + "/{method_id}/restore", fresh=True)
    def restore_method(operator: Operator, method_id: str) -> flask.Response:
        _require(services, method_id)
        with services.db.read() as tx:
            found = _in_force(services, tx.method_suspensions.all(), method_id)
        if found is None:
            return done(services, operator, NOT_SUSPENDED, BACK, is_refused=True)
        label = label_of(services, method_id)
        if flask.request.method == "GET":
            shown: dict[str, Any] = {"method": label, "suspension": found, "back_url": BACK}
            return draw(services, operator, "console/method_restore.html", here="policies", **shown)
        try:
            suspensions.restore(operator.desk(services), method_id)
        except InvalidOperation:
            return done(services, operator, NOT_SUSPENDED, BACK, is_refused=True)
        return done(services, operator, RESTORED, BACK, method=label)


def _suspend(services: Services, operator: Operator, method_id: str) -> flask.Response:
    """What was typed: to be confirmed, or done."""
    form, now, say = flask.request.form, services.now(), services.pages.say
    until, (reason, problem) = instant_of(form, "until"), reason_of(form)
    if until is None or not now < until <= now + LONGEST:
        return _form(services, operator, method_id, say(BAD_END, days=LONGEST.days), "until")
    if problem:
        return _form(services, operator, method_id, say(problem), "reason")
    if "confirmed" not in form:
        return _confirm(services, operator, method_id, until, reason)
    try:
        spares = services.settings.console_client_id
        suspensions.suspend(operator.desk(services), method_id, until=until, reason=reason, spares=spares)
    except suspensions.ClosesConsole:
        return _form(services, operator, method_id, say(CLOSES_CONSOLE))
    except InvalidOperation:
        return done(services, operator, NO_LATER, BACK, is_refused=True)
    return done(services, operator, DONE, BACK, method=label_of(services, method_id))


def label_of(services: Services, method_id: str) -> str:
    method = services.registry.get(method_id)
    return services.pages.say(method.offer.label) if method else method_id


def listed(services: Services, found: Sequence[MethodSuspension]) -> list[dict[str, Any]]:
    """The enabled methods, each with the suspension that is in force, if one is."""
    return [
        {"id": method_id, "label": label_of(services, method_id), "now": _in_force(services, found, method_id)}
        for method_id in services.registry
    ]


def past(services: Services, found: Sequence[MethodSuspension]) -> list[dict[str, Any]]:
    """Those that are over, the latest first."""
    over = [each for each in found if not each.is_in_force(services.now())]
    latest_first = sorted(over, key=lambda each: each.ends_at, reverse=True)
    return [{"label": label_of(services, each.method), "suspension": each} for each in latest_first]


def _require(services: Services, method_id: str) -> None:
    if method_id not in services.registry:
        raise JourneyError("not_found", status=404, detail="no such method")


def _in_force(services: Services, found: Sequence[MethodSuspension], method_id: str) -> MethodSuspension | None:
    """The one that lasts longest."""
    now = services.now()
    current = [each for each in found if each.method == method_id and each.is_in_force(now)]
    return max(current, key=lambda each: each.ends_at, default=None)


def _form(
    services: Services, operator: Operator, method_id: str, problem: str = "", field: str | None = None
) -> flask.Response:
    """As it was typed. field: the one that the problem is of."""
    with services.db.read() as tx:
        found = _in_force(services, tx.method_suspensions.all(), method_id)
    form = flask.request.form
    return draw(
        services,
        operator,
        "console/method_suspend.html",
        here="policies",
        status=422 if problem else 200,
        errors=[problem] if problem else [],
        error_field=field,
        method=label_of(services, method_id),
        current=found,
        until=form.get("until", "")[:20],
        reason=form.get("reason", "")[: MAX_REASON * 2],
        max_reason=MAX_REASON,
        back_url=BACK,
    )


def _confirm(services: Services, operator: Operator, method_id: str, until: datetime, reason: str) -> flask.Response:
    """What it would do, before it is done."""
    desk = operator.desk(services)
    with services.db.read() as tx:
        effects = suspensions.effects(desk, tx, method_id, services.settings.console_client_id)
        sessions = tx.method_suspensions.sessions(method_id, services.now(), services.settings.session_idle)
        keeps_in = _keeps_in(services, tx, operator, method_id, until)
    if any(each.is_closed and each.client.client_id == services.settings.console_client_id for each in effects):
        return _form(services, operator, method_id, services.pages.say(CLOSES_CONSOLE))
    return draw(
        services,
        operator,
        "console/method_confirm.html",
        here="policies",
        method=label_of(services, method_id),
        until=until,
        typed_until=flask.request.form["until"],
        reason=reason,
        closed=[each.client for each in effects if each.is_closed],
        lessened=[each.client for each in effects if not each.is_closed],
        sessions=sessions,
        keeps_in=keeps_in,
        back_url=BACK,
    )


def _keeps_in(services: Services, tx: Tx, operator: Operator, method_id: str, until: datetime) -> bool:
    """Whether this very operator has something left that opens the console."""
    policy = services.configuration.policy(services.settings.console_client_id)
    if policy is None:
        return False
    found = Suspensions({**policy.suspensions.ends, method_id: until})
    left = policy.whole.within(services.registry.only_after).under(found, services.now())
    return own_means.opens(services, own_means.holdings(tx, operator.account), left)
