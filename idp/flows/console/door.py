"""The door of the console: who is signed in, what their roles let them do, and a fresh proof before what destroys."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import flask

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.authn import Assurance
from idp.domain.interaction import Purpose
from idp.domain.rights import Right, Rights
from idp.domain.session import Session
from idp.errors import JourneyError
from idp.flows import own_means, temporary
from idp.flows.doors import Door, View, Visitor, filled
from idp.flows.operators.desk import Desk
from idp.flows.services import Services

HOME = "/console"
DOOR = Door("console", HOME, lambda settings: settings.console_client_id, least=Assurance.MEDIUM)

__all__ = ["DOOR", "HOME", "Operator", "View", "add_routes", "allowed"]


@dataclass(frozen=True, slots=True)
class Operator:
    """Who works in the console, in which session, and what they may do."""

    account: Account
    session: Session
    rights: Rights

    @property
    def name(self) -> str:
        """What the audit knows them by."""
        return self.account.login_name

    @property
    def actor(self) -> str:
        return f"operator:{self.name}"

    def desk(self, services: Services) -> Desk:
        """Theirs, as the commands of operators want it."""
        return Desk(services.db, services.clock, services.registry, self.name)


def allowed(
    services: Services, right: Right | None, page: str, *, fresh: bool = False
) -> Callable[[Callable[..., flask.Response]], View]:
    """A view for an operator who has this right for some service at least, and whom it gets as its first argument.

    What the page is about is asked by the view: `operator.rights.may(right, client_id)`. right: None for any role.
    A form is checked before anything else. fresh: others than those who have just proven it are asked to. page: where
    to come back to after a sign-in; values of the route stand in it in braces.
    Raises JourneyError("console_denied"), audited; "temporary_session" where an emergency code opened the session.
    """

    def wrap(view: Callable[..., flask.Response]) -> View:
        @wraps(view)
        def run(visitor: Visitor, **values: Any) -> flask.Response:
            temporary.refuse_change(services, visitor.session)
            with services.db.read() as tx:
                rights = Rights.of(tx.operator_roles.of(visitor.account.account_id))
                means = own_means.of_account(services, tx, visitor.account) if fresh else None
            if not (rights.scope_of(right) if right else rights.roles):
                _refuse(services, visitor.account, page)
            if means and not means.are_fresh(visitor.session.proofs, services.now()):
                return DOOR.ask(services, visitor.account, Purpose(visitor.account.account_id, filled(page, values)))
            return view(Operator(visitor.account, visitor.session, rights), **values)

        return DOOR.opened(services, page)(run)

    return wrap


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The way in and the way out."""
    DOOR.add_routes(bp, services)


def _refuse(services: Services, account: Account, page: str) -> None:
    who = account.account_id
    event = AuditEvent("console.denied", who, who, outcome="refused", detail={"page": page})
    services.append(event)
    raise JourneyError("console_denied", status=403)
