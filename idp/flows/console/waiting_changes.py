"""Changes of what identifies a person that wait for a second operator, or for that person: as lists show them."""

from typing import Any

import flask

from idp.domain.account import Account
from idp.domain.identity_change import ChangeState, IdentityChange
from idp.domain.rights import Right
from idp.domain.texts import N_, Text
from idp.flows.console.door import HOME, Operator, allowed
from idp.flows.console.frame import draw
from idp.flows.identity_changes import linked_to
from idp.flows.services import Services
from idp.store import Tx

LIST = f"{HOME}/identity-changes"
MOST = 100
KINDS: dict[str, Text] = {
    "email": N_("Nouvelle adresse e-mail"),
    "rpps": N_("Carte, par son numéro RPPS"),
    "adeli": N_("Carte, par son numéro ADELI"),
    "employee": N_("Carte d'établissement, par son numéro"),
}
MARKS = {ChangeState.PROPOSED: "wait", ChangeState.APPROVED: "good"}
STATES: dict[ChangeState, Text] = {
    ChangeState.PROPOSED: N_("Attend un second opérateur"),
    ChangeState.APPROVED: N_("Approuvé, attend la personne"),
}


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The list of all that waits: where a second operator finds it."""

    @bp.get(LIST)
    @allowed(services, Right.PEOPLE_CHANGE_IDENTITY, LIST)
    def identity_changes(operator: Operator) -> flask.Response:
        with services.db.read() as tx:
            found = tx.identity_changes.waiting(MOST)
            lines = [line(services, tx, operator, each) for each in found]
        return draw(services, operator, "console/identity_changes.html", here="people", lines=lines, most=MOST)


def count(operator: Operator, tx: Tx) -> int:
    """How many wait for a second operator; 0 for whoever may not be that."""
    may = operator.rights.may(Right.PEOPLE_CHANGE_IDENTITY)
    return tx.identity_changes.count(ChangeState.PROPOSED) if may else 0


def of_account(services: Services, tx: Tx, operator: Operator, account: Account) -> list[dict[str, Any]]:
    """Those of one person."""
    return [line(services, tx, operator, each) for each in tx.identity_changes.open_of(account.account_id)]


def line(services: Services, tx: Tx, operator: Operator, change: IdentityChange) -> dict[str, Any]:
    """What is asked, of whom, and what this operator may do about it."""
    account, say = tx.accounts.get(change.account_id), services.pages.say
    is_mine = operator.name == change.proposed_by
    is_proposed = change.state is ChangeState.PROPOSED
    is_about_me = operator.account.account_id == change.account_id
    return {
        "id": change.change_id,
        "url": f"{HOME}/people/{change.account_id}/changes/{change.change_id}",
        "person_url": f"{HOME}/people/{change.account_id}",
        "person": account.full_name if account else "-",
        "login": account.login_name if account else "-",
        "kind": say(KINDS[change.kind]),
        "value": change.value,
        "method": say(linked_to(services, change)),
        "reason": change.reason,
        "state": say(STATES[change.state]) if change.is_open else "",
        "mark": MARKS.get(change.state, ""),
        "proposed_by": change.proposed_by,
        "proposed_at": change.proposed_at,
        "approved_by": change.approved_by,
        "due_at": change.due_at,
        "expires_at": change.expires_at,
        "is_proposed": is_proposed,
        "is_told": change.told is not None,
        "is_mine": is_mine,
        "may_approve": is_proposed and not is_mine and not is_about_me,
        "version": change.version,
    }
