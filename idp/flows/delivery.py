"""Letters on their way: written and sent by the worker.

A letter to somebody unknown is put like any other and dropped here, so that asking takes the same time.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from idp.domain.account import normalise_login
from idp.domain.audit import AuditEvent
from idp.domain.authn import IdentityRef
from idp.domain.ids import new_token
from idp.domain.throttle import RESET_MAILS
from idp.errors import Unavailable
from idp.flows.alerts import PROVIDER, raise_alert, support_address
from idp.flows.portal import places
from idp.flows.services import Services
from idp.store import Tx
from idp.store.outbox import Letter
from idp.web.alert_texts import ALERTS
from idp.web.texts import CHANGES, KINDS
from keys.seal import SealBroken

RESET_LIFETIME = timedelta(minutes=30)
NOTICES = ("means_changed", "new_browser", "emergency_code", "emergency_told", "qr_refused")
DATED = ("access_granted", "access_expiring", "identity_change")


def deliver_next(services: Services) -> bool:
    """Send the next letter that is due; False if there is none. A mail system that fails is tried again later."""
    with services.db.read() as tx:
        if not tx.outbox.is_due(services.now()):
            return False
    with services.db.write() as tx:
        letter = tx.outbox.lease_next(services.now())
    if letter is None:
        return False
    log = structlog.get_logger().bind(letter=letter.outbox_id, kind=letter.kind)
    lost = "the worker ended with its last try" if letter.is_spent else None
    try:
        message = None if lost else _write(services, letter)
        if message is not None:
            services.mailer.send(*message, message_id=letter.outbox_id)
            log.info("letter sent")
    except Unavailable as error:
        log.warning("letter not sent", cause=str(error), attempts=letter.attempts)
        with services.db.write() as tx:
            if not tx.outbox.retry(letter, services.now()):
                _note_loss(services, tx, letter, str(error))
        return True
    except SealBroken:
        lost = "it cannot be opened"
    except Exception as error:
        lost = type(error).__name__
    with services.db.write() as tx:
        tx.outbox.done(letter)
        if lost:
            log.error("letter cannot be sent; dropped", cause=lost)
            _note_loss(services, tx, letter, lost)
    return True


def _note_loss(services: Services, tx: Tx, letter: Letter, reason: str) -> None:
    """The loss of an alert raises none: its own letter would be lost too."""
    detail = {"kind": letter.kind, "reason": reason}
    services.record(tx, AuditEvent("letter.given_up", PROVIDER, outcome="failed", detail=detail))
    if letter.kind != "alert":
        raise_alert(services, tx, "letters.given_up", **detail)


def _write(services: Services, letter: Letter) -> tuple[str, str, str, str] | None:
    """Address, subject, text and HTML; None for a letter that nobody must get."""
    opened = services.data_keys.open(letter.sealed, purpose=f"outbox:{letter.outbox_id}")
    values: dict[str, str] = json.loads(opened)
    if letter.kind == "password_reset":
        return _write_reset(services, letter, values)
    if letter.kind == "alert":
        return _write_alert(services, values["alert_id"])
    if "minutes" in values and services.now() - letter.created_at >= timedelta(minutes=int(values["minutes"])):
        return None  # the mail system was away for too long: what the letter brings is dead
    address, kind, account_id = values.pop("to", None), letter.kind, values.pop("account_id", "")
    with services.db.read() as tx:
        if address is None:
            account = tx.accounts.get(account_id)
            address = account.verified_email if account else None
        elif kind == "email_code" and tx.accounts.find(IdentityRef("email", address)):
            kind = "email_taken"  # looked up only here: the request itself cannot tell
        elif kind == "registration_code" and tx.accounts.find(IdentityRef("email", address)):
            kind = "registration_known"  # likewise; no code, so that nobody registers twice
            values["issuer"] = services.settings.issuer
    if address is None:
        return None
    lang = values.pop("lang", "fr")
    if kind in DATED:
        return address, *services.pages.letter(lang, kind, **_with_end(values))
    return address, *services.pages.letter(lang, kind, **(_in_words(services, values) if kind in NOTICES else values))


def _with_end(values: Mapping[str, str]) -> dict[str, Any]:
    """`until`, where there is an end, as an instant that a template writes out."""
    return {name: datetime.fromisoformat(value) if name == "until" else value for name, value in values.items()}


def _in_words(services: Services, values: dict[str, str]) -> dict[str, Any]:
    """What a notice speaks of: a means, or a login. Sentences are French here; the template translates them."""
    words: dict[str, Any] = dict(values)
    method = services.registry.get(values["method"])
    words["method"] = method.offer.label if method else KINDS.get(values["method"], values["method"])
    if "event" in values:
        words["change"] = CHANGES[values["event"]]
    words |= {name: datetime.fromisoformat(values[name]) for name in ("at", "until") if name in values}
    if "user_agent" in values:
        words["browser"], words["browser_parts"] = places.browser(values["user_agent"])
        words["network"] = places.network(values["network"], services.settings.egress)
    return words


def _write_reset(services: Services, letter: Letter, values: Mapping[str, str]) -> tuple[str, str, str, str] | None:
    """The account is looked up only here, and the link made only here: the request itself cannot tell."""
    with services.db.write() as tx:
        account = tx.accounts.find_by_login(normalise_login(values["login"]))
        if account is None or not account.is_active or account.verified_email is None:
            return None
        if tx.alerts.mailbox_is_closed(account.account_id):
            return None
        if tx.throttle.take(f"password_reset:{account.account_id}", RESET_MAILS, services.now()):
            return None
        token = new_token()
        tx.resets.add(token, account.account_id, services.now(), services.now() + RESET_LIFETIME)
        first_login = tx.accounts.password(account.account_id) is None
        event = AuditEvent("password.reset_requested", "anonymous", account.account_id)
        tx.audit.record(event, services.now(), letter.outbox_id)
    url = f"{services.settings.issuer}/password/reset/{token}"
    return account.verified_email, *services.pages.letter(
        values["lang"],
        "password_reset",
        url=url,
        minutes=RESET_LIFETIME // timedelta(minutes=1),
        first_login=first_login,
    )


def _write_alert(services: Services, alert_id: str) -> tuple[str, str, str, str] | None:
    address = support_address(services)
    with services.db.read() as tx:
        alert = tx.alerts.get(alert_id)
        account = tx.accounts.get(alert.account_id) if alert and alert.account_id else None
    if address is None or alert is None:
        return None
    return address, *services.pages.letter(
        "fr", "alert", alert=alert, text=ALERTS[alert.kind], login=account.login_name if account else None
    )
