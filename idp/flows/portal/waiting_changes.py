"""What support is about to change of one's account: seen, and refused, also by who does not read their mail."""

from typing import Any
from uuid import UUID

import flask

from idp.domain.identity_change import ChangeState
from idp.domain.texts import N_
from idp.errors import JourneyError
from idp.flows import identity_changes
from idp.flows.portal.door import HOME, Visitor, opened
from idp.flows.portal.frame import done
from idp.flows.services import Services
from idp.store import Tx

CHANGES = f"{HOME}/identity-changes"


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """« Ce n'est pas moi : refuser »."""

    @bp.post(f"{CHANGES}/<uuid:change_id>/refuse")
    @opened(services, HOME)
    def refuse_identity_change(visitor: Visitor, change_id: UUID) -> flask.Response:
        account_id = visitor.account.account_id
        with services.db.read() as tx:
            change = tx.identity_changes.get(str(change_id))
        if change is None or change.account_id != account_id:
            raise JourneyError("not_found", status=404, detail="no change of this account")
        is_approved = change.state is ChangeState.APPROVED
        if not is_approved or not identity_changes.refuse_as_holder(services, change, account_id):
            return done(services, visitor, N_("Ce changement n'attend plus votre réponse."), HOME, is_refused=True)
        return done(services, visitor, N_("Le changement est refusé, et l'assistance prévenue."), HOME)


def shown(services: Services, tx: Tx, account_id: str) -> list[dict[str, Any]]:
    """Those that two operators agreed on."""
    return [
        {
            "what": change.kind,
            "value": change.masked,
            "method": identity_changes.linked_to(services, change),
            "until": change.due_at,
            "refuse_url": f"{CHANGES}/{change.change_id}/refuse",
        }
        for change in tx.identity_changes.open_of(account_id)
        if change.state is ChangeState.APPROVED
    ]
