"""A request to close one's account. Support decides: some of what it did must be kept, as the law says."""

from datetime import timedelta

import flask

from idp.domain.alert import CLOSE_REQUESTED
from idp.domain.audit import AuditEvent
from idp.domain.texts import N_
from idp.domain.throttle import NOTICES
from idp.errors import InvalidOperation
from idp.flows import answer, notices
from idp.flows.alerts import raise_alert
from idp.flows.portal.account import PAGE, close_request
from idp.flows.portal.door import Visitor, opened
from idp.flows.portal.frame import done, draw
from idp.flows.portal.fresh import sensitive
from idp.flows.services import Services
from idp.store import Tx

CLOSE = f"{PAGE}/close"
MAX_REASON = 500
TOO_MANY = N_(
    "Vous avez déjà demandé plusieurs fois la fermeture. Réessayez dans %(hours)s h, ou contactez l'assistance."
)


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The form, and the button that takes the request back."""

    @bp.get(CLOSE)
    @sensitive(services, CLOSE)
    def close(visitor: Visitor) -> flask.Response:
        with services.db.read() as tx:
            is_asked = close_request(tx, visitor.account.account_id) is not None
        return answer.see_other(f"{PAGE}#close") if is_asked else _form(services, visitor, "", [])

    @bp.post(CLOSE)
    @sensitive(services, CLOSE)
    def ask(visitor: Visitor) -> flask.Response:
        reason = _clean(flask.request.form.get("reason", ""))
        if len(reason) > MAX_REASON:
            too_long = services.pages.say(N_("Le motif doit compter au plus %(most)s caractères."), most=MAX_REASON)
            return _form(services, visitor, reason[: 2 * MAX_REASON], [too_long])
        with services.db.write() as tx:
            wait = _ask(services, tx, visitor, reason)
        if wait:
            return _form(
                services, visitor, reason, [services.pages.say(TOO_MANY, hours=-(-wait // timedelta(hours=1)))]
            )
        return done(services, visitor, N_("Votre demande de fermeture est transmise à l'assistance."), PAGE)

    @bp.post(f"{CLOSE}/withdraw")
    @opened(services, PAGE)
    def withdraw(visitor: Visitor) -> flask.Response:
        with services.db.write() as tx:
            was_open = _withdraw(services, tx, visitor)
        if not was_open:  # another tab did, or support has closed it
            return answer.see_other(PAGE)
        return done(services, visitor, N_("Votre demande de fermeture est retirée."), PAGE)


def _form(services: Services, visitor: Visitor, reason: str, errors: list[str]) -> flask.Response:
    return draw(
        services,
        visitor,
        "portal/account_close.html",
        here="account",
        action=CLOSE,
        back_url=PAGE,
        reason=reason,
        most=MAX_REASON,
        errors=errors,
    )


def _ask(services: Services, tx: Tx, visitor: Visitor, reason: str) -> timedelta:
    """Once: of two tabs the second finds it done. Returns zero, or the time to wait, and then nothing was asked: each
    request is a letter to the holder and one to support.
    """
    account_id = visitor.account.account_id
    tx.accounts.lock(account_id)
    if close_request(tx, account_id) is not None:
        return timedelta(0)
    if wait := tx.throttle.take(f"close_request:{account_id}", NOTICES, services.now()):
        return wait
    services.record(tx, AuditEvent("account.close_requested", account_id, account_id))
    notices.tell(services, tx, visitor.account, "account.close_requested", means=visitor.session.session_id)
    raise_alert(services, tx, CLOSE_REQUESTED, account_id=account_id, **({"reason": reason} if reason else {}))
    return timedelta(0)


def _withdraw(services: Services, tx: Tx, visitor: Visitor) -> bool:
    """False if there is nothing to take back."""
    account_id = visitor.account.account_id
    tx.accounts.lock(account_id)
    found = close_request(tx, account_id)
    if found is None:
        return False
    try:
        tx.alerts.close(found.alert_id, account_id, "withdrawn by the holder", services.now())
    except InvalidOperation:  # support closed it at this moment
        return False
    detail = {"alert": found.alert_id}
    services.record(tx, AuditEvent("account.close_withdrawn", account_id, account_id, detail=detail))
    return True


def _clean(typed: str) -> str:
    """Without what cannot be seen; lines stay."""
    lines = typed.replace("\r\n", "\n").strip()
    return "".join(c for c in lines if c == "\n" or c.isprintable())
