"""Sessions that their holder ends: one, all others, or all."""

from uuid import UUID

import flask

from idp.domain.audit import AuditEvent
from idp.domain.session import Session
from idp.domain.texts import N_
from idp.domain.upstream_session import UpstreamSession
from idp.errors import JourneyError
from idp.flows import farewell, upstream_sessions
from idp.flows.portal.account import PAGE
from idp.flows.portal.door import Visitor, opened
from idp.flows.portal.frame import done
from idp.flows.services import Services
from idp.store import Tx

REASON = "holder"


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """Forms of « Gérer votre compte ». None asks for a fresh proof: who fears a thief must not be held up."""

    @bp.post(f"{PAGE}/sessions/<uuid:session>/end")
    @opened(services, PAGE, takes_away=True)
    def end_session(visitor: Visitor, session: UUID) -> flask.Response:
        account_id, session_id = visitor.account.account_id, str(session)
        with services.db.write() as tx:
            if not tx.own_data.has_session(account_id, session_id):
                raise JourneyError("not_found", status=404, detail="no session of this account")
            tx.accounts.lock(account_id)
            upstream = upstream_sessions.of(tx, visitor.session)
            _end(services, tx, account_id, session_id)
        if session_id == visitor.session.session_id:
            return _signed_out(services, visitor.session, upstream)
        return done(services, visitor, N_("La session est fermée."), PAGE)

    @bp.post(f"{PAGE}/sessions/end-others")
    @opened(services, PAGE, takes_away=True)
    def end_others(visitor: Visitor) -> flask.Response:
        account_id, idle = visitor.account.account_id, services.settings.session_idle
        with services.db.write() as tx:
            tx.accounts.lock(account_id)  # a login that is under way has its session before, or comes after
            for each in tx.own_data.open_sessions(account_id, services.now(), idle):
                if each.session_id != visitor.session.session_id:
                    _end(services, tx, account_id, each.session_id)
        return done(services, visitor, N_("Vos autres sessions sont fermées."), PAGE)

    @bp.post(f"{PAGE}/sessions/end-all")
    @opened(services, PAGE, takes_away=True)
    def end_all(visitor: Visitor) -> flask.Response:
        account_id = visitor.account.account_id
        with services.db.write() as tx:
            tx.accounts.lock(account_id)
            upstream = upstream_sessions.of(tx, visitor.session)
            ended = tx.sessions.end_all(account_id, services.now())
            detail = {"reason": REASON, "sessions": str(ended)}
            services.record(tx, AuditEvent("session.ended", account_id, account_id, detail=detail))
        return _signed_out(services, visitor.session, upstream)


def _end(services: Services, tx: Tx, account_id: str, session_id: str) -> None:
    """With what services were given in it for later, too: it may have been a thief who gave it."""
    now = services.now()
    if not tx.sessions.end(session_id, now):
        return  # another tab was faster
    for grant_id in tx.own_data.offline_grants(session_id):
        tx.grants.revoke(grant_id, now)
    detail = {"reason": REASON, "session": session_id}
    services.record(tx, AuditEvent("session.ended", account_id, account_id, detail=detail))


def _signed_out(services: Services, session: Session, upstream: list[UpstreamSession]) -> flask.Response:
    response = farewell.leave(services, session, upstream)
    services.browser.forget(response, "session")
    return response
