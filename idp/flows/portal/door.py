"""The door of the portal."""

from collections.abc import Callable

import flask

from idp.flows import answer, temporary
from idp.flows.doors import Door, View, Visitor
from idp.flows.services import Services

HOME = "/compte"
DOOR = Door("portal", HOME, lambda settings: settings.portal_client_id)

__all__ = ["DOOR", "HOME", "View", "Visitor", "add_routes", "opened", "visitor"]


def opened(services: Services, page: str, *, takes_away: bool = False) -> Callable[[View], View]:
    """A view for somebody who is signed in, see `Door.opened`.

    A form is refused in a session that an emergency code opened unless it takes_away, as ending a session does.
    """

    def check(found: Visitor) -> None:
        if flask.request.method == "POST" and not takes_away:
            temporary.refuse_change(services, found.session)

    return DOOR.opened(services, page, check=check)


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The way in and the way out."""

    @bp.get("/")
    def root() -> flask.Response:
        return answer.see_other(HOME)

    DOOR.add_routes(bp, services)


def visitor(services: Services) -> Visitor | None:
    """The holder of the session, if the portal is open to them now."""
    return DOOR.visitor(services)
