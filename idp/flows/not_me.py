"""« Ce n'était pas moi »: what a holder does about a letter that speaks of a change that was not theirs.

The link is opened from a mail, maybe on another device, so that it is its own form token; it shows a page with one
button. It takes away and restores nothing: docs/adr/0012-not-me.md.
"""

import base64
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import flask

from idp.domain.alert import NOT_ME
from idp.domain.audit import AuditEvent
from idp.flows import answer, letters
from idp.flows.alerts import raise_alert
from idp.flows.services import Services
from idp.store import Tx
from idp.web.texts import CHANGES
from keys.seal import SealBroken

LIFETIME = timedelta(days=7)
PURPOSE = "not_me"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a link says. means: the credential, or the session, that the letter spoke of; event: what had happened."""

    account_id: str
    means: str
    event: str
    expires_at: str


def link(services: Services, account_id: str, means: str, event: str) -> str:
    """An address for a notice to the holder, good for seven days. event: a key of CHANGES."""
    claim = Claim(account_id, means, event, (services.now() + LIFETIME).isoformat())
    sealed = services.data_keys.seal(json.dumps(asdict(claim)).encode(), purpose=PURPOSE)
    return f"{services.settings.issuer}/not-me/{base64.urlsafe_b64encode(sealed).rstrip(b'=').decode()}"


def blueprint(services: Services) -> flask.Blueprint:
    """The page of a link, and its button."""
    bp = flask.Blueprint("not_me", __name__, url_prefix="/not-me")

    @bp.get("/<token>")
    def page(token: str) -> flask.Response:
        """Only shows: mail gateways follow links. The person's press is the POST."""
        claim = _opened(services, token)
        if claim is None:
            return services.pages.render("not_me/invalid.html", status=410)
        with services.db.read() as tx:
            if _was_done(tx, claim):
                return services.pages.render("not_me/done.html")
        change = services.pages.say(CHANGES[claim.event])
        return services.pages.render("not_me/confirm.html", action=f"/not-me/{token}", change=change)

    @bp.post("/<token>")
    def press(token: str) -> flask.Response:
        claim = _opened(services, token)
        if claim is None:
            return services.pages.render("not_me/invalid.html", status=410)
        _take_away(services, claim)
        return answer.see_other(f"/not-me/{token}")

    return bp


def _opened(services: Services, token: str) -> Claim | None:
    """What a link says; None if it was forged or altered, or has expired."""
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        claim = Claim(**json.loads(services.data_keys.open(sealed, purpose=PURPOSE)))
    except (ValueError, SealBroken):
        return None
    return claim if services.now() < datetime.fromisoformat(claim.expires_at) else None


def _was_done(tx: Tx, claim: Claim) -> bool:
    return any(alert.detail.get("means") == claim.means for alert in tx.alerts.of_account(claim.account_id, NOT_ME))


def _take_away(services: Services, claim: Claim) -> None:
    """The means, and everything that is open; once."""
    now, detail = services.now(), {"means": claim.means, "event": claim.event}
    with services.db.write() as tx:
        tx.accounts.lock(claim.account_id)
        account = tx.accounts.get(claim.account_id)
        if account is None or _was_done(tx, claim):
            return
        tx.accounts.revoke_since(account.account_id, claim.means, now)
        tx.sessions.end_all(account.account_id, now)
        tx.resets.drop(account.account_id)
        services.record(tx, AuditEvent("account.not_me", "anonymous", account.account_id, detail=detail))
        letters.tell(services, tx, account, "not_me", services.pages.lang)
        raise_alert(services, tx, NOT_ME, account_id=account.account_id, **detail)
