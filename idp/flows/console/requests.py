"""The desk's list of requests for access, and the page of one: what is verified, what is declared, and the decision."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import flask

from idp.domain.access_request import AccessRequest
from idp.domain.account import Account
from idp.domain.rights import Right
from idp.domain.service_access import ServiceAccess, declared, given_roles
from idp.domain.texts import N_, Text
from idp.domain.working_hours import PARIS
from idp.errors import InvalidOperation, JourneyError
from idp.flows.access.asking import form_of
from idp.flows.console.door import Operator, allowed
from idp.flows.console.frame import done, draw
from idp.flows.console.request_list import LEVELS, LIST, STATES, show_list, waited
from idp.flows.operators.access_requests import DECIDES, AccessDesk, is_own
from idp.flows.services import Services
from idp.store import Tx

ONE = LIST + "/{request_id}"
ORIGINS: dict[str, Text] = {"support": N_("saisi par l'assistance")}
PROBLEMS: dict[str, Text] = {
    "changed": N_("Cette demande a changé depuis que vous l'avez ouverte. Relisez-la avant de décider."),
    "not_yours": N_("Cette étape est décidée par d'autres que vous."),
    "own": N_("Une autre personne que vous décide de votre propre demande."),
    "same_person": N_("Vous avez déjà donné le premier accord : une autre personne donne le second."),
    "claimed": N_("Une autre personne s'occupe de cette demande. Reprenez-la d'abord."),
    "inactive": N_("Le compte de cette personne n'est pas actif : aucun accès ne lui a été donné."),
    "text_missing": N_("Écrivez un texte de 1 000 caractères au plus : la personne le recevra."),
    "until_past": N_("La date de fin doit être à venir."),
    "until_unsound": N_("La date de fin ne peut pas être lue. Exemple : 2027-12-31"),
    "role_unknown": N_("Ce rôle n'existe pas pour ce service."),
    "role_missing": N_("Choisissez au moins un rôle."),
    "perimeter_unsound": N_("Un numéro FINESS compte neuf caractères. Exemple : 330781196"),
    "too_many_roles": N_("Trop de rôles et d'établissements à la fois."),
}
ROLES, UNTIL = "request-roles", "request-until"
DECIDED: Text = N_("%(operator)s en a décidé entre-temps.")
TYPED_IN = {  # what the page keeps as it was typed, and the field that it is about
    "changed": None,
    "until_past": UNTIL,
    "until_unsound": UNTIL,
    "role_unknown": ROLES,
    "role_missing": ROLES,
    "perimeter_unsound": ROLES,
    "too_many_roles": ROLES,
}
TEXT_OF = {"ask": "request-question", "refuse": "request-reason"}
DONE: dict[str, Text] = {
    "claim": N_("Vous vous occupez de cette demande."),
    "release": N_("Vous ne vous occupez plus de cette demande."),
    "ask": N_("La question est envoyée."),
    "refuse": N_("La demande est refusée, et la personne prévenue."),
    "approve": N_("L'accès est donné, et la personne prévenue."),
    "forward": N_("Votre accord est enregistré. L'équipe du service décide maintenant."),
}


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The list, one request, and what is done with it."""

    @bp.get(LIST)
    @allowed(services, Right.REQUESTS_SEE, LIST)
    def access_requests(operator: Operator) -> flask.Response:
        return show_list(services, operator)

    @bp.get(f"{LIST}/<uuid:request_id>")
    @allowed(services, Right.REQUESTS_SEE, ONE)
    def access_request(operator: Operator, request_id: UUID) -> flask.Response:
        return _show(services, operator, str(request_id))

    @bp.post(f"{LIST}/<uuid:request_id>/<action>")
    @allowed(services, Right.REQUESTS_SEE, ONE)
    def access_request_decided(operator: Operator, request_id: UUID, action: str) -> flask.Response:
        if action not in ACTIONS:
            raise JourneyError("not_found", status=404)
        return _act(services, operator, str(request_id), action)


def _act(services: Services, operator: Operator, request_id: str, action: str) -> flask.Response:
    desk = AccessDesk(services, operator.desk(services), operator.rights)
    form, page = flask.request.form, f"{LIST}/{request_id}"
    with services.db.read() as tx:
        found = _found(tx, operator, request_id)
        asked = form_of(tx, found.client_id)
    version = int(form["version"]) if form.get("version", "").isdecimal() and len(form["version"]) < 9 else -1
    try:
        if version != found.version:
            raise InvalidOperation("changed")
        said = ACTIONS[action](desk, found, version, asked)
    except InvalidOperation as error:
        if str(error) in TYPED_IN or str(error) == "text_missing":
            return _show(services, operator, request_id, refused=(action, str(error)))
        return done(services, operator, PROBLEMS[str(error)], page, is_refused=True)
    return done(services, operator, DONE[said], page)


def _claim(desk: AccessDesk, found: AccessRequest, version: int, _asked: ServiceAccess) -> str:
    desk.claim(found.request_id, version)
    return "claim"


def _release(desk: AccessDesk, found: AccessRequest, version: int, _asked: ServiceAccess) -> str:
    desk.release(found.request_id, version)
    return "release"


def _ask(desk: AccessDesk, found: AccessRequest, version: int, _asked: ServiceAccess) -> str:
    desk.ask(found.request_id, version, flask.request.form.get("text", ""))
    return "ask"


def _refuse(desk: AccessDesk, found: AccessRequest, version: int, _asked: ServiceAccess) -> str:
    desk.refuse(found.request_id, version, flask.request.form.get("text", ""))
    return "refuse"


def _approve(desk: AccessDesk, found: AccessRequest, version: int, asked: ServiceAccess) -> str:
    if asked.after(found.step):
        desk.approve(found.request_id, version)
        return "forward"
    typed = flask.request.form
    perimeters = {role.code: typed.get(f"perimeter_{role.code}", "")[:4000] for role in asked.roles}
    roles = given_roles(asked, typed.getlist("role"), perimeters)
    desk.approve(found.request_id, version, roles=roles, until=_until(typed.get("until", "")))
    return "approve"


ACTIONS: dict[str, Callable[[AccessDesk, AccessRequest, int, ServiceAccess], str]] = {
    "claim": _claim,
    "release": _release,
    "ask": _ask,
    "refuse": _refuse,
    "approve": _approve,
}


def _until(typed: str) -> datetime | None:
    """The end of the day that was typed, in France; None for no end. Raises InvalidOperation."""
    if not typed.strip():
        return None
    try:
        last = date.fromisoformat(typed.strip())
        return datetime.combine(last + timedelta(days=1), time(), PARIS).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidOperation("until_unsound") from error


def _found(tx: Tx, operator: Operator, request_id: str) -> AccessRequest:
    """Raises JourneyError: one of another service is not there."""
    found = tx.access_requests.get(request_id)
    if found is None or not operator.rights.may(Right.REQUESTS_SEE, found.client_id):
        raise JourneyError("not_found", status=404)
    return found


def _show(
    services: Services, operator: Operator, request_id: str, refused: tuple[str, str] | None = None
) -> flask.Response:
    """refused: the action that was not done, and the key of PROBLEMS that says why."""
    action, wrong = refused or ("", "")
    with services.db.read() as tx:
        found = _found(tx, operator, request_id)
        account, client = tx.accounts.get(found.account_id), tx.clients.get(found.client_id)
        asked, said = form_of(tx, found.client_id), tx.access_requests.said(request_id)
        numbers = tx.practices.numbers(found.account_id)
    if account is None or client is None:
        raise JourneyError("not_found", status=404)
    mark, problem = STATES[found.status.value], _problem(services, operator, found, account)
    return draw(
        services,
        operator,
        "console/request.html",
        here="requests",
        request=found,
        account=account,
        service=client.name,
        verified=[
            {"label": number.ref.kind.upper(), "value": number.ref.value, "by": _origin(services, number.origin)}
            for number in numbers
        ],
        declared=declared(asked, found.answers),
        said=said,
        level=services.pages.say(LEVELS[found.step.value]),
        levels=LEVELS,
        age=waited(services, found.created_at),
        state={"mark": mark[0], "words": services.pages.say(mark[1])},
        roles=asked.roles if asked.after(found.step) is None else (),
        is_last=asked.after(found.step) is None,
        why_not=services.pages.say(PROBLEMS[problem]) if problem else None,
        may_claim=problem in {None, "claimed"},
        is_mine=found.claimed_by == operator.name,
        page=f"{LIST}/{request_id}",
        list_url=LIST,
        typed=flask.request.form,
        typed_in=action,
        wrong=services.pages.say(PROBLEMS[wrong]) if wrong else None,
        errors=_said(services, found, wrong) if wrong else [],
        error_field=TEXT_OF.get(action) if wrong == "text_missing" else TYPED_IN.get(wrong),
    )


def _said(services: Services, found: AccessRequest, wrong: str) -> list[str]:
    """Why it was not done; of what somebody else decided meanwhile, who did."""
    who = found.decided_by or (found.approvals[-1].by if found.approvals else None)
    decided = [services.pages.say(DECIDED, operator=who)] if wrong == "changed" and who else []
    return [services.pages.say(PROBLEMS[wrong]), *decided]


def _origin(services: Services, origin: str) -> str:
    method = services.registry.get(origin)
    return services.pages.say(method.offer.label if method else ORIGINS.get(origin, origin))


def _problem(services: Services, operator: Operator, found: AccessRequest, account: Account) -> str | None:
    """Why this operator does not decide: a key of PROBLEMS."""
    if not operator.rights.may(DECIDES[found.step], found.client_id):
        return "not_yours"
    if is_own(operator.desk(services), account):
        return "own"
    if operator.name in {approval.by for approval in found.approvals}:
        return "same_person"
    return "claimed" if found.claimed_by not in {None, operator.name} else None
