"""The desk's list of requests for access, by service, step and who takes care of them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import flask

from idp.domain.access_request import Level, RequestStatus
from idp.domain.client import CLIENT_ID
from idp.domain.rights import Right, Scope
from idp.domain.texts import N_, Text
from idp.domain.working_hours import DAY, age
from idp.errors import JourneyError
from idp.flows import answer
from idp.flows.console.door import HOME, Operator
from idp.flows.console.frame import draw
from idp.flows.services import Services
from idp.store import Tx
from idp.store.access_requests import Queued, Wanted

LIST = f"{HOME}/requests"
PAGE_SIZE = 50
LEVELS: dict[str, Text] = {
    Level.REGION.value: N_("Assistance régionale"),
    Level.SERVICE.value: N_("Équipe du service"),
}
STATES: dict[str, tuple[str, Text]] = {
    RequestStatus.OPEN.value: ("wait", N_("En attente")),
    RequestStatus.GRANTED.value: ("good", N_("Acceptée")),
    RequestStatus.REFUSED.value: ("bad", N_("Refusée")),
    RequestStatus.WITHDRAWN.value: ("", N_("Annulée par la personne")),
}


def services_in(tx: Tx, scope: Scope) -> list[dict[str, str]]:
    """The services of a scope that are not for everybody, by name."""
    found = [each for each in tx.clients.all() if each.needs_entitlement and each.client_id in scope]
    return sorted(({"id": each.client_id, "name": each.name} for each in found), key=lambda each: each["name"])


def one_of(tx: Tx, scope: Scope, chosen: str) -> str | None:
    """The service of a filter, None for all. Raises JourneyError for one that is unknown, or of another scope."""
    if not chosen:
        return None
    if not CLIENT_ID.fullmatch(chosen) or chosen not in scope or tx.clients.get(chosen) is None:
        raise JourneyError("not_found", status=404)
    return chosen


def show_list(services: Services, operator: Operator) -> flask.Response:
    """The page that the address asks for."""
    asked, scope = flask.request.args, operator.rights.scope_of(Right.REQUESTS_SEE)
    level = asked.get("level", "")
    with services.db.read() as tx:
        wanted = Wanted(
            scope,
            is_open=asked.get("state") != "decided",
            client_id=one_of(tx, scope, asked.get("service", "")),
            level=Level(level) if level in LEVELS else None,
            mine=operator.name if asked.get("mine") else None,
        )
        found = tx.access_requests.queue(wanted, PAGE_SIZE + 1, _after(asked.get("after", "")))
        choices = services_in(tx, scope)
    lines, kept = (
        found[:PAGE_SIZE],
        {name: asked[name] for name in ("state", "service", "level", "mine") if asked.get(name)},
    )
    following = answer.with_query(LIST, {**kept, "after": _key(lines[-1], wanted)}) if len(found) > PAGE_SIZE else None
    return draw(
        services,
        operator,
        "console/requests.html",
        here="requests",
        lines=[_line(services, line) for line in lines],
        choices=choices,
        levels=LEVELS,
        chosen=kept,
        is_open=wanted.is_open,
        page=LIST,
        first_url=answer.with_query(LIST, kept) if asked.get("after") else None,
        next_url=following,
    )


def _line(services: Services, line: Queued) -> dict[str, Any]:
    request = line.request
    mark, words = STATES[request.status.value]
    return {
        "url": f"{LIST}/{request.request_id}",
        "person": line.person,
        "login": line.login,
        "service": line.service,
        "level": services.pages.say(LEVELS[request.step.value]),
        "age": waited(services, request.created_at),
        "created_at": request.created_at,
        "decided_at": request.decided_at,
        "decided_by": request.decided_by,
        "claimed_by": request.claimed_by,
        "asked": line.asked,
        "mark": mark,
        "state": services.pages.say(words),
    }


def waited(services: Services, since: datetime) -> str:
    """The age of a request, in the desk's working time."""
    passed = age(since, services.now())
    days, rest = divmod(passed, DAY)
    hours = rest // timedelta(hours=1)
    if days:
        return services.pages.say(N_("%(days)s j %(hours)s h ouvrés"), days=days, hours=hours)
    if hours:
        return services.pages.say(N_("%(hours)s h ouvrées"), hours=hours)
    return services.pages.say(N_("moins d'une heure ouvrée"))


def _key(line: Queued, wanted: Wanted) -> str:
    at = line.request.created_at if wanted.is_open else line.request.decided_at
    return f"{at.isoformat() if at else ''}~{line.request.request_id}"


def _after(typed: str) -> tuple[datetime, str] | None:
    at, _, request_id = typed.partition("~")
    try:
        found = datetime.fromisoformat(at)
        return (found.astimezone(UTC), str(UUID(request_id))) if found.tzinfo else None
    except (ValueError, OverflowError):  # of the years 1 and 9999, elsewhere
        return None
