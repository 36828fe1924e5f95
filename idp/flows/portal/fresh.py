"""Sensitive actions: a proof of the highest level that the account's own means reach, at most five minutes old."""

from collections.abc import Callable
from functools import wraps

import flask

from idp.domain.authn import Assurance
from idp.domain.interaction import Purpose
from idp.errors import JourneyError
from idp.flows import own_means, temporary
from idp.flows.portal.door import DOOR, View, Visitor, opened
from idp.flows.services import Services


def sensitive(
    services: Services,
    page: str,
    *,
    adds_means: bool = False,
    removes_means: bool = False,
    begun: Callable[[Visitor], bool] | None = None,
) -> Callable[[View], View]:
    """A view for somebody who is signed in and has just proven it; others are asked, and come back to `page`, in which
    the values of the route stand in braces.

    adds_means: two factors are needed at least, and what was removed by a weaker proof a few days ago still counts.
    removes_means: the one that the route calls `means_id` is not needed for it, where two factors remain. Both raise
    JourneyError("means_needed") for an account that has less: support helps. begun: says whether a form finishes what
    was begun while the proof was fresh, and so needs no other one.
    """

    def wrap(view: View) -> View:
        @wraps(view)
        def run(visitor: Visitor, **values: str) -> flask.Response:
            temporary.refuse_change(services, visitor.session)
            without = str(values["means_id"]) if removes_means else None
            with services.db.read() as tx:
                means = own_means.of_account(services, tx, visitor.account)
                if without:
                    means = own_means.to_remove(services, tx, visitor.account, without)
                is_enough = own_means.is_enough(services, tx, visitor.account, means) if adds_means else True
            if not is_enough or (removes_means and means.level < Assurance.MEDIUM):
                raise JourneyError("means_needed", status=403)
            finishes = begun is not None and flask.request.method == "POST" and begun(visitor)
            if not finishes and not means.are_fresh(visitor.session.proofs, services.now()):
                purpose = Purpose(visitor.account.account_id, page.format(**values), without=without)
                return ask(services, visitor, purpose)
            return view(visitor, **values)

        return opened(services, page)(run)

    return wrap


def ask(services: Services, visitor: Visitor, purpose: Purpose) -> flask.Response:
    """Begin an Interaction of the portal itself."""
    return DOOR.ask(services, visitor.account, purpose)
