"""The first page of the console: what one's roles are for."""

import flask

from idp.domain.registration import RegistrationStatus
from idp.domain.rights import ALL_SERVICES, Right, Role
from idp.domain.texts import N_, Text
from idp.flows.console import waiting_changes
from idp.flows.console.door import HOME, Operator, allowed
from idp.flows.console.frame import draw, menu_of
from idp.flows.services import Services
from idp.store import Tx

ROLES: dict[Role, Text] = {
    Role.SUPPORT: N_("Assistance régionale"),
    Role.APPROVER: N_("Approbateur"),
    Role.POLICY_OWNER: N_("Responsable de service"),
    Role.AUDITOR: N_("Auditeur"),
}
WHAT_FOR: dict[str, Text] = {
    "registrations": N_("Vérifier les inscriptions et décider"),
    "requests": N_("Accorder ou refuser l'accès à un service"),
    "people": N_("Chercher un compte, fermer ses sessions, le suspendre"),
    "services": N_("Déclarer un service, renouveler son secret"),
    "policies": N_("Choisir les modes d'authentification d'un service, à partir d'une date"),
    "reports": N_("Voir qui a accès à quel service"),
    "audit": N_("Retrouver ce qui s'est passé, et qui l'a décidé"),
}


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The start page."""

    @bp.get(HOME)
    @allowed(services, None, HOME)
    def home(operator: Operator) -> flask.Response:
        say = services.pages.say
        roles = [
            {"role": say(ROLES[role]), "scope": say(N_("tous les services")) if scope == ALL_SERVICES else scope}
            for role, scope in sorted(operator.rights.roles)
        ]
        with services.db.read() as tx:
            waiting = _waiting(tx, operator)
        pages = [
            {**item, "what_for": say(WHAT_FOR[item["key"]]), "waiting": waiting.get(item["key"])}
            for item in menu_of(services, operator)
        ]
        return draw(services, operator, "console/home.html", here="home", roles=roles, pages=pages)


def _waiting(tx: Tx, operator: Operator) -> dict[str, int]:
    """How many wait in each queue that the operator sees."""
    found = {"people": waiting_changes.count(operator, tx)}
    if operator.rights.may(Right.REGISTRATIONS_SEE):
        found["registrations"] = tx.registration_desk.counts().get(RegistrationStatus.SUBMITTED, 0)
    if scope := operator.rights.scope_of(Right.REQUESTS_SEE):
        found["requests"] = tx.access_requests.count(scope)
    return found
