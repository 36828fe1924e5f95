"""« Ce n'était pas moi »: what a holder does about a letter that speaks of a change that was not theirs.

The link is opened from a mail, maybe on another device, so that it is its own form token; it shows a page with one
button. It takes away and restores nothing: docs/adr/0012-not-me.md.
"""

from collections.abc import Collection
from datetime import datetime

import flask

from idp.domain.alert import NOT_ME
from idp.domain.audit import AuditEvent
from idp.domain.contact import EMAIL_CHANGED, PHONE_CHANGED
from idp.domain.enrolled import ENROLLED_KINDS
from idp.flows import answer, letters, not_me_link, open_changes
from idp.flows.alerts import raise_alert
from idp.flows.services import Services
from idp.store import Tx
from idp.web.texts import CHANGES

# What such a letter speaks of, a session did.
IN_A_SESSION = frozenset(
    {
        "account.close_requested",
        EMAIL_CHANGED,
        PHONE_CHANGED,
        "emergency_code.used",
        "login.new_browser",
        "means.added",
        "means.removed",
    }
)


def blueprint(services: Services) -> flask.Blueprint:
    """The page of a link, and its button."""
    bp = flask.Blueprint("not_me", __name__, url_prefix="/not-me")

    @bp.get("/<token>")
    def page(token: str) -> flask.Response:
        """Only shows: mail gateways follow links. The person's press is the POST."""
        claim = not_me_link.opened(services, token)
        if claim is None:
            return services.pages.render("not_me/invalid.html", status=410)
        with services.db.read() as tx:
            if _was_done(tx, claim):
                return services.pages.render("not_me/done.html")
        change = services.pages.say(CHANGES[claim.event])
        return services.pages.render("not_me/confirm.html", action=f"/not-me/{token}", change=change)

    @bp.post("/<token>")
    def press(token: str) -> flask.Response:
        claim = not_me_link.opened(services, token)
        if claim is None:
            return services.pages.render("not_me/invalid.html", status=410)
        _take_away(services, claim)
        return answer.see_other(f"/not-me/{token}")

    return bp


def _was_done(tx: Tx, claim: not_me_link.Claim) -> bool:
    return any(alert.detail.get("means") == claim.means for alert in tx.alerts.of_account(claim.account_id, NOT_ME))


def _take_away(services: Services, claim: not_me_link.Claim) -> None:
    """The means, and everything that is open; once."""
    now, detail = services.now(), {"means": claim.means, "event": claim.event}
    with services.db.write() as tx:
        tx.accounts.lock(claim.account_id)
        account = tx.accounts.get(claim.account_id)
        if account is None or _was_done(tx, claim):
            return
        if _revoke(tx, claim, now):
            detail["email"] = "not verified any more"
        tx.sessions.end_all(account.account_id, now)
        tx.resets.drop(account.account_id)
        tx.emergency_codes.revoke(account.account_id, now)
        open_changes.cancel(tx, account.account_id, "anonymous", now, "not_me")
        tx.browsers.forget(account.account_id)
        services.record(tx, AuditEvent("account.not_me", "anonymous", account.account_id, detail=detail))
        letters.tell(services, tx, account, "not_me", services.pages.lang)
        if claim.told:
            letters.put(services, tx, "not_me", {"to": claim.told, "lang": services.pages.lang})
        raise_alert(services, tx, NOT_ME, account_id=account.account_id, **detail)


def _revoke(tx: Tx, claim: not_me_link.Claim, now: datetime) -> bool:
    """The means that the letter spoke of, and those of its kind that came after it. Where it spoke of what a session
    did: the means that opened this session, and whatever was added since. The mailbox is closed by the alert.

    An identity that a federation added goes with every link: each could rest on it. What was enrolled since goes
    whatever the letter spoke of: it signs in without what is taken here.

    True if the address was changed since: it is believed no more. The letters that followed went there, so that nobody
    could report what they spoke of; whatever was added goes, too.
    """
    account_id, is_of_session = claim.account_id, claim.event in IN_A_SESSION
    if kind := tx.means.kind_of(account_id, claim.means):
        tx.means.drop_identity(account_id, kind, now)
    since, used = _of_session(tx, claim) if is_of_session else (claim.written_at, {claim.means})
    has_moved = tx.profiles.distrust_email(account_id, now, set_since=since)
    for means_id in used:
        tx.means.revoke_since(account_id, means_id, now)
    tx.means.revoke_kinds(account_id, ENROLLED_KINDS, now, made_since=since)
    if is_of_session or has_moved:
        tx.means.revoke_all(account_id, now, made_since=since)
    return has_moved


def _of_session(tx: Tx, claim: not_me_link.Claim) -> tuple[datetime | None, Collection[str]]:
    """When it began, and the means that its proofs rest on. None for one that was purged: nobody knows any more what
    opened it, and everything goes.
    """
    session = tx.sessions.get(claim.session or claim.means)
    if session is None:
        return None, ()
    links = {link.method: link.link_id for link in tx.means.links(claim.account_id)}
    used = {links[method] for proof in session.proofs for method in (proof.method, proof.after) if method in links}
    return session.created_at, used.union(*(proof.credentials for proof in session.proofs))
