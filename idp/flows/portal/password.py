"""« Modifier mon mot de passe » (P-059): the present one is asked (ASVS 6.2.3), beside a fresh proof."""

from datetime import timedelta

import flask

from idp.domain.audit import AuditEvent
from idp.domain.authn import Assurance
from idp.errors import JourneyError
from idp.flows import answer, own_means, passwords
from idp.flows.contexts import StoredPasswords, count_attempt, subject_of
from idp.flows.portal.door import HOME, Visitor
from idp.flows.portal.frame import draw
from idp.flows.portal.fresh import sensitive
from idp.flows.services import Services
from idp.methods.base import TooManyAttempts
from idp.methods.password import MAX_LENGTH
from idp.web.password_texts import PASSWORD_PROBLEMS

PAGE = f"{HOME}/password"
DONE = "/password/done"  # the page that ends « Mot de passe oublié ? » says the same


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The page and its form."""

    @bp.get(PAGE)
    @sensitive(services, PAGE)
    def password(visitor: Visitor) -> flask.Response:
        return _show(services, visitor, {})

    @bp.post(PAGE)
    @sensitive(services, PAGE)
    def change(visitor: Visitor) -> flask.Response:
        """Then one signs in again: this session rests on the password that has just ended, as others may."""
        form = flask.request.form
        present = _present(services, visitor)
        new = form.get("password", "")
        wrong = _check_present(services, visitor, form.get("current", "")) if present else {}
        if "too_many" in wrong:
            return _show(services, visitor, {"current": wrong["too_many"]})
        wrong |= passwords.wrong(services, visitor.account, new, form.get("confirmation", ""))
        if not wrong and present and passwords.is_same(form.get("current", ""), new):
            wrong = {"password": services.pages.say(PASSWORD_PROBLEMS["unchanged"])}
        if wrong:
            return _show(services, visitor, wrong)
        _keep(services, visitor, present, new)
        response = answer.see_other(DONE)
        services.browser.forget(response, "session")
        return response


def _show(services: Services, visitor: Visitor, wrong: dict[str, str]) -> flask.Response:
    return draw(
        services,
        visitor,
        "portal/password.html",
        here="password",
        status=400 if wrong else 200,
        action=PAGE,
        login=visitor.account.login_name,
        has_password=_present(services, visitor) is not None,
        meter=passwords.meter(services, visitor.account),
        wrong=wrong,
        errors=list(wrong.values()),
    )


def _present(services: Services, visitor: Visitor) -> str | None:
    """The credential_id of the present password."""
    with services.db.read() as tx:
        found = tx.accounts.password(visitor.account.account_id)
    return found.credential_id if found else None


def _check_present(services: Services, visitor: Visitor, typed: str) -> dict[str, str]:
    """Sentences by field, empty if it is right. A try is counted as one of a login by password is."""
    account, say = visitor.account, services.pages.say
    method = services.registry.get("password")
    if method is None:
        raise JourneyError("not_found", status=404, detail="the method `password` is not loaded")
    services.network.slow_down()
    try:
        bucket = count_attempt(services, method, subject_of(account), services.settings.portal_client_id)
    except TooManyAttempts as refusal:
        minutes = -(-refusal.wait // timedelta(minutes=1))
        return {"too_many": say(PASSWORD_PROBLEMS["too_many_attempts"], minutes=minutes)}
    is_right = 0 < len(typed) <= MAX_LENGTH and StoredPasswords(services).check(subject_of(account), typed)
    with services.db.write() as tx:
        if is_right:
            tx.throttle.forgive(bucket)
            return {}
        account_id = account.account_id
        services.record(tx, AuditEvent("password.change_refused", account_id, account_id, outcome="refused"))
    services.network.note_failure()
    return {"current": say(PASSWORD_PROBLEMS["current_wrong"])}


def _keep(services: Services, visitor: Visitor, present: str | None, new: str) -> None:
    """One unit; of two tabs, or of the holder and « it was not me », the second finds the first one's doing."""
    account_id = visitor.account.account_id
    digest = services.hasher.hash(new)
    with services.db.write() as tx:
        tx.accounts.lock(account_id)
        account, known = tx.accounts.get(account_id), tx.accounts.password(account_id)
        is_same = (known.credential_id if known else None) == present
        if not is_same or not account or not account.is_active:
            raise JourneyError("interaction_busy", status=409, detail="the password or the account has changed")
        if not tx.sessions.touch(visitor.session.session_id, services.now()):
            raise JourneyError("interaction_busy", status=409, detail="the session has ended")
        recent = own_means.recent(services, visitor.session.proofs)
        # Whoever holds the mailbox alone reaches LOW, and a password of the mailbox: what they set is one too.
        is_known = known is not None and known.anchor != "mailbox"
        is_held = any(proof.anchor != "mailbox" and proof.assurance >= Assurance.MEDIUM for proof in recent)
        anchor = "knowledge" if is_known or is_held else "mailbox"
        level = max((proof.assurance for proof in recent), default=Assurance.LOW)
        passwords.keep(services, tx, account, digest, by="portal", anchor=anchor, assurance=level)
