"""The audit trail, to read and to filter: without personal values, and of the services alone that one is to see."""

import flask

from idp.domain.audit import EVENTS, AuditEvent
from idp.domain.rights import EVERY, Right
from idp.flows.console import registration_page
from idp.flows.console.door import HOME, Operator, allowed
from idp.flows.console.event_words import told
from idp.flows.console.frame import draw
from idp.flows.console.people import PAGE as PEOPLE
from idp.flows.console.typed import sought, sought_day, with_filters
from idp.flows.services import Services
from idp.store.audit import Sought

PAGE = f"{HOME}/audit"
LENGTH = 100
FILTERS = ("name", "actor", "subject", "client", "since", "until")


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """One page; its filters are in its address."""

    @bp.get(PAGE)
    @allowed(services, Right.AUDIT_SEE, PAGE)
    def audit(operator: Operator) -> flask.Response:
        filters = {name: sought(name) for name in FILTERS}
        scope = operator.rights.scope_of(Right.AUDIT_SEE)
        wanted = filters["client"]
        clients = scope if scope is not EVERY else None
        if wanted:
            clients = frozenset({wanted}) if wanted in scope else frozenset()
        looked_for = Sought(
            name=filters["name"],
            actor=filters["actor"],
            subject=filters["subject"],
            clients=clients,  # type: ignore[arg-type] # not EVERY, see above
            since=sought_day("since"),
            until=sought_day("until", is_end=True),
            before=sought("after"),
        )
        with services.db.read() as tx:
            found = tx.audit.search(looked_for, LENGTH + 1)
            services_seen = [client.client_id for client in tx.clients.all() if client.client_id in scope]
        more = {**filters, "after": found[LENGTH - 1].event_id} if len(found) > LENGTH else None
        return draw(
            services,
            operator,
            "console/audit.html",
            here="audit",
            page=PAGE,
            filters=filters,
            names=sorted(EVENTS),
            clients=sorted(services_seen),
            events=[told(services, each) | {"subject_url": _about(operator, each.event)} for each in found[:LENGTH]],
            is_scoped=scope is not EVERY,
            more_url=with_filters(PAGE, more) if more else None,
            first_url=with_filters(PAGE, filters) if flask.request.args.get("after") else None,
        )


def _about(operator: Operator, event: AuditEvent) -> str | None:
    """The page of whom it is about, if the operator may see that."""
    is_registration = event.name.startswith("registration.")
    page, right = (registration_page.LIST, Right.REGISTRATIONS_SEE) if is_registration else (PEOPLE, Right.PEOPLE_SEE)
    return f"{page}/{event.subject}" if event.subject and operator.rights.may(right) else None
