"""What support does to an account: its sessions end, it is suspended, or let in again. After a fresh proof, with a
reason, never to one's own, and only if the account is still what the page showed.
"""

from dataclasses import dataclass
from uuid import UUID

import flask

from idp.domain.account import Account, AccountStatus
from idp.domain.rights import Right
from idp.domain.texts import N_, Text
from idp.errors import InvalidOperation
from idp.flows.console.door import Operator, allowed
from idp.flows.console.frame import done, draw
from idp.flows.console.people import PAGE, STATUSES, account_of, is_own
from idp.flows.console.typed import MAX_REASON, reason_of
from idp.flows.operators import accounts
from idp.flows.services import Services

NOT_OWN: Text = N_("Un opérateur ne décide pas de son propre compte.")
IS_OPERATOR: Text = N_(
    "Cette personne a un rôle dans la console : son compte est suspendu ou réactivé par la ligne de commande "
    "(sesame account set-status)."
)
CHANGED: Text = N_("Le compte a changé entre-temps : rien n'a été fait.")


@dataclass(frozen=True, slots=True)
class Act:
    """title and button of its page; what comes of it; what is said afterwards. status: what the account becomes."""

    title: Text
    button: Text
    effects: tuple[Text, ...]
    said: Text
    before: AccountStatus | None = None
    after: AccountStatus | None = None


ACTS: dict[str, tuple[Right, Act]] = {
    "end-sessions": (
        Right.PEOPLE_END_SESSIONS,
        Act(
            N_("Fermer toutes les sessions de %(person)s ?"),
            N_("Fermer les sessions"),
            (
                N_("Toutes ses sessions se ferment, et les services qui le demandent en sont prévenus."),
                N_("Son compte reste actif : la personne peut se reconnecter."),
            ),
            N_("Les sessions de %(person)s sont fermées."),
        ),
    ),
    "suspend": (
        Right.PEOPLE_SUSPEND,
        Act(
            N_("Suspendre le compte de %(person)s ?"),
            N_("Suspendre"),
            (
                N_("Toutes ses sessions se ferment, et plus personne ne se connecte avec ce compte."),
                N_("Rien n'est effacé : le compte peut être réactivé."),
            ),
            N_("Le compte de %(person)s est suspendu."),
            AccountStatus.ACTIVE,
            AccountStatus.SUSPENDED,
        ),
    ),
    "activate": (
        Right.PEOPLE_SUSPEND,
        Act(
            N_("Réactiver le compte de %(person)s ?"),
            N_("Réactiver"),
            (N_("La personne peut de nouveau se connecter, avec les mêmes moyens qu'avant."),),
            N_("Le compte de %(person)s est réactivé."),
            AccountStatus.SUSPENDED,
            AccountStatus.ACTIVE,
        ),
    ),
}


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """One page and one form for each."""
    for name, (right, act) in ACTS.items():
        _add(bp, services, name, right, act)


def _add(bp: flask.Blueprint, services: Services, name: str, right: Right, act: Act) -> None:
    path = f"{PAGE}/<uuid:account_id>/{name}"

    @bp.route(path, methods=["GET", "POST"], endpoint=f"people_{name}")
    @allowed(services, right, PAGE + "/{account_id}/" + name, fresh=True)
    def view(operator: Operator, account_id: UUID) -> flask.Response:
        with services.db.read() as tx:
            account = account_of(tx, account_id)
            is_operator = bool(act.after and tx.operator_roles.of(account.account_id))
        page = f"{PAGE}/{account.account_id}"
        if is_own(operator, account):
            return done(services, operator, NOT_OWN, page, is_refused=True)
        if is_operator:
            return done(services, operator, IS_OPERATOR, page, is_refused=True)
        if act.before not in (None, account.status):
            return done(services, operator, CHANGED, page, is_refused=True)
        if flask.request.method == "GET":
            return _ask(services, operator, account, act, name)
        reason, problem = reason_of(flask.request.form)
        if problem:
            return _ask(services, operator, account, act, name, reason=reason, error=problem)
        try:
            _do(services, operator, account, act, reason)
        except accounts.IsOperatorError:
            return done(services, operator, IS_OPERATOR, page, is_refused=True)
        except InvalidOperation:
            return done(services, operator, CHANGED, page, is_refused=True)
        return done(services, operator, act.said, page, person=account.full_name)


def _do(services: Services, operator: Operator, account: Account, act: Act, reason: str) -> None:
    desk = operator.desk(services)
    if act.after is None:
        accounts.end_sessions(desk, account.login_name, reason)
    else:
        accounts.set_status(desk, account.login_name, act.after, reason, before=act.before, spares_operators=True)


def _ask(
    services: Services, operator: Operator, account: Account, act: Act, name: str, *, reason: str = "", error: str = ""
) -> flask.Response:
    say, page = services.pages.say, f"{PAGE}/{account.account_id}"
    errors = [say(error)] if error else []
    return draw(
        services,
        operator,
        "console/person_act.html",
        here="people",
        status=422 if errors else 200,
        errors=errors,
        error_field="reason",
        title=say(act.title, person=account.full_name),
        button=say(act.button),
        effects=[say(effect) for effect in act.effects],
        account=account,
        account_status=say(STATUSES[account.status]),
        reason=reason,
        max_reason=MAX_REASON,
        action=f"{page}/{name}",
        back_url=page,
    )
