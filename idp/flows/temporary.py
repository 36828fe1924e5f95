"""Sessions that an emergency code opened: they end with it, and change nothing of the account's security."""

import flask

from idp.domain.audit import AuditEvent
from idp.domain.authn import temporary_until
from idp.domain.session import Session
from idp.errors import JourneyError
from idp.flows.services import Services


def refuse_change(services: Services, session: Session) -> None:
    """Raises JourneyError("temporary_session") in a session with a temporary proof, whatever else was proven in it.

    Who looks at a page that leads to a change is told so; who sends one is audited too.
    """
    if temporary_until(session.proofs) is None:
        return
    if flask.request.method == "POST":
        rule = flask.request.url_rule
        detail = {"session": session.session_id, "page": rule.rule if rule else ""}
        who = session.account_id
        services.append(AuditEvent("emergency_code.change_refused", who, who, outcome="refused", detail=detail))
    raise JourneyError("temporary_session", status=403)
