"""The desk's list of registrations, and what is done with one of them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import flask

from idp.domain.audit import AuditEvent
from idp.domain.registration import Registration, RegistrationStatus
from idp.domain.rights import Right
from idp.domain.texts import N_, Text
from idp.errors import JourneyError
from idp.flows import answer
from idp.flows.console import registration_page
from idp.flows.console.door import Operator, allowed
from idp.flows.console.frame import done, draw
from idp.flows.console.registration_page import LIST, STATES
from idp.flows.console.request_list import waited
from idp.flows.operators import registrations as operations
from idp.flows.operators.desk import Desk
from idp.flows.services import Services
from idp.flows.signup import proving
from idp.store import Tx
from idp.store.desk_registrations import NOBODY, Filter

ONE = LIST + "/{registration_id}"
PAGE_SIZE = 50
MAX_PAGE = 10_000
MAX_SEARCH = 100
WAITING = RegistrationStatus.SUBMITTED
PROBLEMS: dict[type[Exception], Text] = {
    operations.Changed: N_("Cette inscription a changé depuis que vous l'avez ouverte. Relisez-la avant de décider."),
    operations.NotYours: N_("Cette inscription est la vôtre : une autre personne en décide."),
    operations.NotClaimed: N_("Prenez d'abord cette inscription : « Je m'en occupe »."),
    operations.BirthLost: N_(
        "Le jour et le mois de naissance ne peuvent plus être lus : la clé qui les protège n'est plus là. "
        "Demandez-les à la personne, et prévenez l'exploitation."
    ),
    operations.BadText: N_("Écrivez un texte de 2 000 caractères au plus : la personne le recevra."),
}
DECIDED: Text = N_("%(name)s a déjà décidé de cette inscription.")
DONE: dict[str, Text] = {
    "claim": N_("Vous vous occupez de cette inscription."),
    "release": N_("Vous ne vous occupez plus de cette inscription."),
    "ask": N_("La question est envoyée."),
    "approve": N_("L'inscription est acceptée. La personne reçoit un lien valable 7 jours."),
    "refuse": N_("L'inscription est refusée, et la personne prévenue."),
    "resend": N_("Un nouveau lien, valable 7 jours, est envoyé. L'ancien ne fonctionne plus."),
}
Action = Callable[[Services, Desk, str, int, str], None]
ACTIONS: dict[str, Action] = {
    "claim": lambda _services, desk, this, version, _text: operations.claim(desk, this, version),
    "release": lambda _services, desk, this, version, _text: operations.release(desk, this, version),
    "ask": operations.ask,
    "approve": lambda services, desk, this, version, _text: operations.approve(services, desk, this, version),
    "refuse": operations.refuse,
    "resend": lambda services, desk, this, version, _text: operations.resend(services, desk, this, version),
}


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The list, one registration, and what is done with it."""

    @bp.get(LIST)
    @allowed(services, Right.REGISTRATIONS_SEE, LIST)
    def registrations(operator: Operator) -> flask.Response:
        return _list(services, operator)

    @bp.get(f"{LIST}/<uuid:registration_id>")
    @allowed(services, Right.REGISTRATIONS_SEE, ONE)
    def registration(operator: Operator, registration_id: UUID) -> flask.Response:
        this = str(registration_id)
        shown = registration_page.show(services, operator, this)
        services.append(AuditEvent("registration.seen", operator.actor, this))
        return shown

    @bp.post(f"{LIST}/<uuid:registration_id>/birth")
    @allowed(services, Right.REGISTRATIONS_DECIDE, ONE)
    def registration_birth(operator: Operator, registration_id: UUID) -> flask.Response:
        this = str(registration_id)
        registration_page.require(services, this)
        try:
            birth = operations.birth(services, operator.desk(services), this)
        except tuple(PROBLEMS) as problem:
            return done(services, operator, PROBLEMS[type(problem)], f"{LIST}/{this}", is_refused=True)
        return registration_page.show(services, operator, this, birth=birth)

    @bp.post(f"{LIST}/<uuid:registration_id>/<action>")
    @allowed(services, Right.REGISTRATIONS_DECIDE, ONE)
    def registration_decided(operator: Operator, registration_id: UUID, action: str) -> flask.Response:
        if action not in ACTIONS:
            raise JourneyError("not_found", status=404)
        return _act(services, operator, str(registration_id), action)


def _act(services: Services, operator: Operator, this: str, action: str) -> flask.Response:
    """A text that is not sound is shown again; what somebody else changed meanwhile is not what was decided about."""
    form, page = flask.request.form, f"{LIST}/{this}"
    registration_page.require(services, this)
    version = int(form["version"]) if form.get("version", "").isdecimal() and len(form["version"]) < 9 else -1
    try:
        ACTIONS[action](services, operator.desk(services), this, version, form.get("text", ""))
    except operations.BadText as problem:
        said = services.pages.say(PROBLEMS[type(problem)])
        return registration_page.show(services, operator, this, wrong={action: said}, typed=form.get("text", ""))
    except tuple(PROBLEMS) as problem:
        if decided_by := _decided_by(services, this, action):
            return done(services, operator, DECIDED, page, is_refused=True, name=decided_by)
        return done(services, operator, PROBLEMS[type(problem)], page, is_refused=True)
    return done(services, operator, DONE[action], page)


def _decided_by(services: Services, this: str, action: str) -> str | None:
    """Who was faster, if that is why it was refused; a link is sent again after the decision."""
    with services.db.read() as tx:
        about = tx.registration_desk.get(this)
    return about.decided_by if about and about.status is not WAITING and action != "resend" else None


def _list(services: Services, operator: Operator) -> flask.Response:
    """The page that the address asks for."""
    asked = {name: value for name, value in flask.request.args.items() if value}
    page = _page_of(asked.get("page", ""))
    with services.db.read() as tx:
        clients = {client.client_id: client.name for client in tx.clients.all()}
        wanted = _wanted(operator, asked, clients)
        found = tx.registration_desk.page(wanted, PAGE_SIZE + 1, (page - 1) * PAGE_SIZE)
        lines = [_line(services, tx, each, clients) for each in found[:PAGE_SIZE]]
        counts = tx.registration_desk.counts()
    kept: dict[str, str] = {name: asked[name] for name in ("state", "claimed", "service", "q") if name in asked}
    say = services.pages.say
    states = [(status.value, f"{say(words)} ({counts.get(status, 0)})") for status, (_, words) in STATES.items()]
    return draw(
        services,
        operator,
        "console/registrations.html",
        here="registrations",
        lines=lines,
        states=[*states, ("all", say(N_("Toutes")))],
        choices=[{"id": each, "name": clients[each]} for each in sorted(clients, key=clients.__getitem__)],
        chosen=kept,
        is_waiting=wanted.status is WAITING,
        page=LIST,
        earlier_url=answer.with_query(LIST, {**kept, "page": str(page - 1)}) if page > 1 else None,
        later_url=answer.with_query(LIST, {**kept, "page": str(page + 1)}) if len(found) > PAGE_SIZE else None,
    )


def _wanted(operator: Operator, asked: dict[str, str], clients: dict[str, str]) -> Filter:
    """What is not known in an address counts as not asked."""
    statuses: dict[str, RegistrationStatus | None] = {each.value: each for each in STATES}
    claimed = {"me": operator.name, "nobody": NOBODY}
    service = asked.get("service", "")
    return Filter(
        status={**statuses, "all": None}.get(asked.get("state", ""), WAITING),
        claimed_by=claimed.get(asked.get("claimed", "")),
        text=asked.get("q", "")[:MAX_SEARCH].replace("\x00", ""),
        client_id=service if service in clients else None,
    )


def _line(services: Services, tx: Tx, about: Registration, clients: dict[str, str]) -> dict[str, Any]:
    mark, words = STATES[about.status]
    messages = tx.desk_messages.of(about.registration_id) if about.status is WAITING else []
    last = messages[-1].kind if messages else ""
    return {
        "url": f"{LIST}/{about.registration_id}",
        "person": about.full_name,
        "place": about.form.get("practice_place", ""),
        "email": about.email,
        "service": clients.get(about.client_id or ""),
        "proven": bool(proving.standing(services, about).proven),
        "submitted_at": about.submitted_at,
        "age": waited(services, about.submitted_at) if about.submitted_at else "",
        "claimed_by": about.claimed_by,
        "decided_by": about.decided_by,
        "decided_at": about.decided_at,
        "said": last,
        "mark": mark,
        "state": services.pages.say(words),
    }


def _page_of(typed: str) -> int:
    return min(max(int(typed), 1), MAX_PAGE) if typed.isdecimal() and len(typed) < 6 else 1
