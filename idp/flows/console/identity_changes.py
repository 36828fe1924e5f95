"""What support asks to change of what identifies a person: proposed by one operator, decided by another."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import flask

from idp.domain.account import Account
from idp.domain.identity_change import EMAIL, ChangeState, IdentityChange
from idp.domain.means import NATIONAL, Person
from idp.domain.rights import Right
from idp.domain.texts import N_, Text
from idp.errors import JourneyError
from idp.flows.console.door import Operator, allowed
from idp.flows.console.frame import done, draw
from idp.flows.console.people import IDENTITIES, PAGE, account_of
from idp.flows.console.people_acts import NOT_OWN
from idp.flows.console.typed import MAX_REASON, reason_of
from idp.flows.console.waiting_changes import KINDS, line
from idp.flows.operators import identity_changes
from idp.flows.operators.cards import METHOD
from idp.flows.operators.desk import Obstacle
from idp.flows.services import Services
from idp.store import Tx

MAX_VALUE = 320
FORMS = {"change-email": (EMAIL,), "link-identity": ("rpps", "adeli", "employee")}
VALUE_IS_WRONG = frozenset({"unsound_email", "unsound_identity", "taken", "unchanged", "own_identity"})
OBSTACLES: dict[str, Text] = {
    "own_account": NOT_OWN,
    "own_identity": N_("Cette adresse ou ce numéro est celui d'un des opérateurs : rien n'a été fait."),
    "same_operator": N_("Vous avez proposé ce changement : un autre opérateur en décide."),
    "is_operator": N_(
        "Cette personne a un rôle dans la console : son adresse et ses cartes sont changées par la ligne de commande "
        "(sesame account change)."
    ),
    "operator_inactive": N_("Le compte de l'opérateur qui a proposé ce changement n'est plus actif : refusez-le."),
    "inactive": N_("Ce compte n'est pas actif : rien n'a été fait."),
    "taken": N_("Un autre compte a déjà cette adresse ou ce numéro : rien n'a été fait."),
    "unchanged": N_("C'est déjà l'adresse de ce compte."),
    "other_identity": N_(
        "Ce compte porte un autre identifiant national : s'il n'est plus le bon, faites-le d'abord retirer (sesame "
        "account drop-identity)."
    ),
    "linked": N_("Ce compte est déjà relié à ce mode d'authentification."),
    "method_off": N_("Ce mode d'authentification n'est pas disponible ici."),
    "open": N_("Un changement de ce genre attend déjà pour cette personne."),
    "changed": N_("Ce changement a été décidé entre-temps : rien n'a été fait."),
    "unsound_kind": N_("Choisissez ce qu'il faut relier."),
    "unsound_email": N_(
        "Cette adresse e-mail n'est pas complète ou contient une erreur. Exemple : prenom.nom@hopital.fr"
    ),
    "unsound_identity": N_("Ce numéro n'est pas complet ou contient une erreur. Exemple de numéro RPPS : 10003456786"),
}
PROPOSED: Text = N_("Le changement est proposé : un second opérateur doit l'approuver.")
ASKED: Text = N_(
    "La personne est prévenue par e-mail : le changement est fait dès qu'elle confirme, ou au bout de 24 heures."
)
NOT_ASKED: Text = N_(
    "La personne n'a pas d'adresse e-mail sûre : aucun e-mail ne la prévient, appelez-la. Le changement est fait au "
    "bout de 24 heures."
)
REFUSED: Text = N_("Le changement est abandonné : rien n'est modifié.")


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """Two forms to propose, and what another operator decides."""
    for name, kinds in FORMS.items():
        _add_form(bp, services, name, kinds)
    _add_decision(bp, services, "approve", _approve, fresh=True)
    _add_decision(bp, services, "refuse", _refuse, fresh=False)


def _add_form(bp: flask.Blueprint, services: Services, name: str, kinds: tuple[str, ...]) -> None:
    @bp.route(f"{PAGE}/<uuid:account_id>/{name}", methods=["GET", "POST"], endpoint=f"identity_{name}")
    @allowed(services, Right.PEOPLE_CHANGE_IDENTITY, PAGE + "/{account_id}/" + name, fresh=True)
    def form(operator: Operator, account_id: UUID) -> flask.Response:
        with services.db.read() as tx:
            account = account_of(tx, account_id)
        if flask.request.method == "GET":
            return _form(services, operator, account, name)
        return _propose(services, operator, account, name, kinds)


def _propose(
    services: Services, operator: Operator, account: Account, name: str, kinds: tuple[str, ...]
) -> flask.Response:
    typed = flask.request.form
    kind = kinds[0] if len(kinds) == 1 else typed.get("kind", "")
    value = typed.get("value", "")[:MAX_VALUE]
    reason, problem = reason_of(typed)
    if problem:
        return _form(services, operator, account, name, problem=problem, field="reason", reason=reason)
    try:
        if kind not in kinds:
            raise Obstacle("unsound_kind", "not one of the form's")
        made = identity_changes.propose(
            services,
            operator.desk(services),
            account.login_name,
            kind=kind,
            typed=value,
            reason=reason,
            method=typed.get("method", METHOD),
            spares_operators=True,
        )
    except Obstacle as obstacle:
        words = OBSTACLES[obstacle.code]
        if obstacle.code in VALUE_IS_WRONG:
            return _form(services, operator, account, name, problem=words, field="value", reason=reason)
        return done(services, operator, words, f"{PAGE}/{account.account_id}", is_refused=True)
    return done(services, operator, _follows(made), f"{PAGE}/{account.account_id}")


def _form(
    services: Services,
    operator: Operator,
    account: Account,
    name: str,
    *,
    problem: Text | None = None,
    field: str = "",
    reason: str = "",
) -> flask.Response:
    page, say = f"{PAGE}/{account.account_id}", services.pages.say
    typed = flask.request.form
    methods = {key: say(each.offer.label) for key, each in services.registry.items() if each.proves_national_identity}
    return draw(
        services,
        operator,
        "console/identity_change_new.html",
        here="people",
        status=422 if problem else 200,
        errors=[say(problem)] if problem else [],
        error_field=field,
        account=account,
        identities=[(say(IDENTITIES[key]), value) for key, value in account.identities.items() if key in NATIONAL],
        is_email=name == "change-email",
        kinds=[(key, say(KINDS[key])) for key in FORMS[name]],
        methods=methods,
        typed={key: typed.get(key, "")[:MAX_VALUE] for key in ("kind", "value", "method")},
        reason=reason or typed.get("reason", "")[:MAX_REASON],
        max_reason=MAX_REASON,
        max_value=MAX_VALUE,
        needs_two=services.settings.two_operators,
        action=f"{page}/{name}",
        back_url=page,
    )


Decide = Callable[[Services, Operator, IdentityChange, str], Text]


def _add_decision(bp: flask.Blueprint, services: Services, name: str, decide: Decide, *, fresh: bool) -> None:
    path = f"{PAGE}/<uuid:account_id>/changes/<uuid:change_id>/{name}"
    page_of = PAGE + "/{account_id}/changes/{change_id}/" + name

    @bp.route(path, methods=["GET", "POST"], endpoint=f"identity_change_{name}")
    @allowed(services, Right.PEOPLE_CHANGE_IDENTITY, page_of, fresh=fresh)
    def view(operator: Operator, account_id: UUID, change_id: UUID) -> flask.Response:
        with services.db.read() as tx:
            account = account_of(tx, account_id)
            change = tx.identity_changes.get(str(change_id))
            if change is None or change.account_id != account.account_id:
                raise JourneyError("not_found", status=404, detail="no such change of this account")
            shown = {**line(services, tx, operator, change), "register": _register(tx, account, change)}
        page, typed = f"{PAGE}/{account.account_id}", flask.request.form
        if not change.is_open or (typed and typed.get("version") != str(change.version)):
            return done(services, operator, OBSTACLES["changed"], page, is_refused=True)
        reason, problem = ("", None) if name == "approve" else reason_of(typed)
        if flask.request.method == "GET" or problem:
            errors = [services.pages.say(problem)] if problem and typed else []
            return _ask(services, operator, account, shown, name=name, errors=errors, reason=reason)
        try:
            said = decide(services, operator, change, reason)
        except Obstacle as obstacle:
            return done(services, operator, OBSTACLES[obstacle.code], page, is_refused=True)
        return done(services, operator, said, page)


def _ask(
    services: Services,
    operator: Operator,
    account: Account,
    shown: dict[str, Any],
    *,
    name: str,
    errors: list[str],
    reason: str,
) -> flask.Response:
    return draw(
        services,
        operator,
        "console/identity_change.html",
        here="people",
        status=422 if errors else 200,
        errors=errors,
        error_field="reason",
        account=account,
        change=shown,
        is_approval=name == "approve",
        reason=reason,
        max_reason=MAX_REASON,
        action=f"{shown['url']}/{name}",
        back_url=shown["person_url"],
    )


def _approve(services: Services, operator: Operator, change: IdentityChange, _reason: str) -> Text:
    made = identity_changes.approve(services, operator.desk(services), change, spares_operators=True)
    return _follows(made)


def _refuse(services: Services, operator: Operator, change: IdentityChange, reason: str) -> Text:
    identity_changes.refuse(operator.desk(services), change, reason)
    return REFUSED


def _follows(made: IdentityChange) -> Text:
    if made.state is ChangeState.PROPOSED:
        return PROPOSED
    return ASKED if made.told else NOT_ASKED


def _register(tx: Tx, account: Account, change: IdentityChange) -> dict[str, Any] | None:
    """Whose the register says that an RPPS number is; None where there is nothing to ask."""
    if change.kind != "rpps" or tx.rpps_extract.imported_at() is None:
        return None
    found = tx.rpps_extract.get(change.value)
    person = Person(found.given_name, found.family_name) if found else Person("", "")
    return {"name": person.full_name, "agrees": person.agrees_with(account.given_name, account.family_name)}
