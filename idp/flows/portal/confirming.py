"""Confirming a means by a stronger one: what was enrolled by little is then worth what the later proof was."""

import flask

from idp.domain.audit import AuditEvent
from idp.domain.authn import Assurance
from idp.domain.means import Credential, confirmed_by
from idp.domain.texts import N_
from idp.errors import JourneyError
from idp.flows import notices, own_means
from idp.flows.portal.contact_change import hold
from idp.flows.portal.door import HOME, Visitor
from idp.flows.portal.frame import done
from idp.flows.portal.fresh import sensitive
from idp.flows.services import Services

PAGE = f"{HOME}/means"


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The button of the list of means."""

    @bp.post(f"{PAGE}/<means_id>/confirm")
    @sensitive(services, PAGE)
    def confirm(visitor: Visitor, means_id: str) -> flask.Response:
        """« Confirmer »; of two at once the second finds nothing left to confirm."""
        with services.db.write() as tx:
            account = hold(services, tx, visitor)
            known = next((c for c in tx.means.credentials(account.account_id) if c.credential_id == means_id), None)
            level = can_confirm(services, visitor, known) if known else None
            if known is None or level is None:
                raise JourneyError("not_found", status=404)
            tx.means.confirm(means_id, level)
            detail = {"means": means_id, "kind": known.kind, "assurance": level.name}
            services.record(tx, AuditEvent("means.confirmed", account.account_id, account.account_id, detail=detail))
            notices.tell(services, tx, account, "means.confirmed", means=means_id)
        return done(services, visitor, N_("Ce moyen d'authentification est confirmé."), PAGE)


def can_confirm(services: Services, visitor: Visitor, known: Credential) -> Assurance | None:
    """The level that the freshest proofs of this session give a credential; None if they add nothing."""
    recent = own_means.recent(services, visitor.session.proofs)
    return max((level for proof in recent if (level := confirmed_by(known, proof))), default=None)
