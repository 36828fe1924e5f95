"""People: a list to search, and what support sees of one. Nobody chooses a password here, or acts as another."""

from typing import Any
from uuid import UUID

import flask

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.means import Credential, LoginLink
from idp.domain.rights import Right
from idp.domain.texts import N_, Text
from idp.errors import JourneyError
from idp.flows import own_means
from idp.flows.console import waiting_changes
from idp.flows.console.door import HOME, Operator, allowed
from idp.flows.console.event_words import told
from idp.flows.console.frame import draw
from idp.flows.console.home import ROLES
from idp.flows.console.typed import chosen, sought, with_filters
from idp.flows.own_means import Holdings
from idp.flows.portal import places
from idp.flows.portal.history import INSUFFICIENT, OUTCOMES
from idp.flows.services import Services
from idp.store import Tx
from idp.store.own_data import Attempt, OpenSession
from idp.web.texts import KINDS

PAGE = f"{HOME}/people"
LENGTH, LOGINS, CHANGES = 50, 20, 50
STATUSES: dict[str, Text] = {
    "active": N_("Actif"),
    "suspended": N_("Suspendu"),
    "pending": N_("En attente"),
    "closed": N_("Fermé"),
}
SORTS: dict[str, Text] = {"name": N_("Nom"), "login": N_("Identifiant"), "created": N_("Créé le")}
IDENTITIES: dict[str, Text] = {"rpps": N_("RPPS"), "adeli": N_("ADELI"), "employee": N_("Salarié d'établissement")}
# Of the trail of a person: what is said of logins elsewhere on the page, or of each request.
EVERYDAY = ("login.", "token.", "authorization.", "account.seen")


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The list and the page of one person; what is done to them is in `people_acts`."""

    @bp.get(PAGE)
    @allowed(services, Right.PEOPLE_SEE, PAGE)
    def people(operator: Operator) -> flask.Response:
        sort = flask.request.args.get("sort", "name")
        filters = {
            "text": sought("text"),
            "status": chosen("status", STATUSES),
            "sort": sort if sort.removeprefix("-") in SORTS else "name",
        }
        with services.db.read() as tx:
            page = tx.people.page(
                text=filters["text"] or "",
                status=filters["status"],
                sort=filters["sort"] or "name",
                after=sought("after") or None,
                limit=LENGTH,
            )
            waiting = waiting_changes.count(operator, tx)
        return draw(
            services,
            operator,
            "console/people.html",
            here="people",
            page=PAGE,
            filters=filters,
            statuses=_said(services, STATUSES),
            sorts=_sorts(services, filters),
            people=page.people,
            waiting=waiting,
            waiting_url=waiting_changes.LIST if operator.rights.may(Right.PEOPLE_CHANGE_IDENTITY) else None,
            more_url=with_filters(PAGE, {**filters, "after": page.after}) if page.after else None,
            first_url=with_filters(PAGE, filters) if flask.request.args.get("after") else None,
        )

    @bp.get(f"{PAGE}/<uuid:account_id>")
    @allowed(services, Right.PEOPLE_SEE, PAGE + "/{account_id}")
    def person(operator: Operator, account_id: UUID) -> flask.Response:
        with services.db.read() as tx:
            account = account_of(tx, account_id)
            shown = _shown(services, tx, account)
            changes = waiting_changes.of_account(services, tx, operator, account)
        services.append(AuditEvent("account.seen", operator.actor, account.account_id))
        return draw(
            services,
            operator,
            "console/person.html",
            here="people",
            page=f"{PAGE}/{account.account_id}",
            list_url=PAGE,
            account=account,
            state=services.pages.say(STATUSES[account.status]),
            is_own=is_own(operator, account),
            may_end=operator.rights.may(Right.PEOPLE_END_SESSIONS),
            may_suspend=operator.rights.may(Right.PEOPLE_SUSPEND),
            may_change_identity=operator.rights.may(Right.PEOPLE_CHANGE_IDENTITY),
            changes=changes,
            **shown,
        )


def account_of(tx: Tx, account_id: UUID) -> Account:
    """Raises JourneyError("not_found")."""
    found = tx.accounts.get(str(account_id))
    if found is None:
        raise JourneyError("not_found", status=404, detail="no such account")
    return found


def is_own(operator: Operator, account: Account) -> bool:
    return operator.account.account_id == account.account_id


def _shown(services: Services, tx: Tx, account: Account) -> dict[str, Any]:
    account_id, now, say = account.account_id, services.now(), services.pages.say
    sessions = tx.own_data.open_sessions(account_id, now, services.settings.session_idle)
    trail = [each for each in tx.audit.latest(CHANGES, subject=account_id) if not each.event.name.startswith(EVERYDAY)]
    national = {kind: value for kind, value in account.identities.items() if kind in IDENTITIES}
    return {
        "identities": [(say(IDENTITIES[kind]), value) for kind, value in sorted(national.items())],
        "phone": account.profile.get("phone_number"),
        "means": _means(services, own_means.holdings(tx, account)),
        "sessions": [_session(services, each) for each in sessions],
        "accesses": [
            {"held": each, "roles": tx.held_accesses.roles(account_id, each.client_id, now)}
            for each in tx.own_data.accesses(account_id, now)
        ],
        "logins": [_login(services, each) for each in tx.own_data.attempts(account_id, LOGINS)],
        "trail": [told(services, each) for each in trail],
        "roles": [(say(ROLES[each.role]), each.scope) for each in tx.operator_roles.of(account_id)],
    }


def _means(services: Services, held: Holdings) -> list[dict[str, Any]]:
    methods = services.registry
    found: list[tuple[Text, Credential | LoginLink]] = []
    for credential in held.credentials:
        own = methods.get(credential.kind)
        found.append((KINDS.get(credential.kind) or (own.offer.label if own else credential.kind), credential))
    for link in held.links:
        found.append((methods[link.method].offer.label if link.method in methods else link.method, link))
    return [
        {"label": services.pages.say(label), "name": each.name, "since": each.created_at, "used_at": each.last_used_at}
        for label, each in found
    ]


def _session(services: Services, found: OpenSession) -> dict[str, Any]:
    words, values = places.browser(found.user_agent)
    say = services.pages.say
    return {
        "browser": say(words, **values),
        "network": say(places.network(found.ip_prefix, services.settings.egress)),
        "opened_at": found.created_at,
        "used_at": found.last_seen_at,
        "is_temporary": found.is_temporary,
    }


def _login(services: Services, found: Attempt) -> dict[str, Any]:
    say = services.pages.say
    method = services.registry.get(found.method or "")
    words, values = places.browser(found.browser) if found.browser is not None else ("", {})
    return {
        "at": found.at,
        "succeeded": found.name == "login.succeeded",
        "outcome": say(INSUFFICIENT if found.reason == "too_weak" else OUTCOMES[found.name]),
        "reason": found.reason,
        "method": say(method.offer.label) if method else found.method,
        "service": found.service,
        "browser": say(words, **values) if words else None,
        "network": say(places.network(found.network, services.settings.egress)) if found.network else None,
    }


def _said(services: Services, texts: dict[str, Text]) -> dict[str, str]:
    return {key: services.pages.say(text) for key, text in texts.items()}


def _sorts(services: Services, filters: dict[str, str | None]) -> list[dict[str, Any]]:
    """The heads of the columns: a second click turns the order round."""
    now = filters["sort"]
    return [
        {
            "label": services.pages.say(label),
            "url": with_filters(PAGE, {**filters, "sort": f"-{key}" if now == key else key}),
            "order": {key: "ascending", f"-{key}": "descending"}.get(now or ""),
        }
        for key, label in SORTS.items()
    ]
