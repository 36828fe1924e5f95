"""Letters: put into the outbox by a journey, written and sent by the worker.

A letter to somebody unknown is put like any other and dropped by the worker, so that asking takes the same time.
"""

import json
from collections.abc import Mapping
from datetime import timedelta

import structlog

from idp.domain.account import Account, normalise_login
from idp.domain.audit import AuditEvent
from idp.domain.ids import new_id, new_token
from idp.domain.throttle import RESET_MAILS
from idp.errors import Unavailable
from idp.flows.services import Services
from idp.store import Tx
from idp.store.outbox import Letter
from keys.seal import SealBroken

RESET_LIFETIME = timedelta(minutes=30)


def put(services: Services, tx: Tx, kind: str, values: Mapping[str, str]) -> None:
    """Put a letter into the outbox, sealed: it may hold a code until it is sent."""
    outbox_id = new_id()
    sealed = services.data_keys.seal(json.dumps(dict(values)).encode(), purpose=f"outbox:{outbox_id}")
    tx.outbox.put(outbox_id, kind, sealed, services.now())


def deliver_next(services: Services) -> bool:
    """Send the next letter that is due; False if there is none. A mail system that fails is tried again later."""
    with services.db.write() as tx:
        letter = tx.outbox.lease_next(services.now())
    if letter is None:
        return False
    log = structlog.get_logger().bind(letter=letter.outbox_id, kind=letter.kind)
    try:
        message = _write(services, letter)
        if message is not None:
            services.mailer.send(*message, message_id=letter.outbox_id)
            log.info("letter sent")
    except Unavailable as error:
        log.warning("letter not sent", cause=str(error), attempts=letter.attempts)
        with services.db.write() as tx:
            tx.outbox.retry(letter, services.now())
        return True
    except SealBroken:
        log.error("letter cannot be opened; dropped")
    except Exception as error:
        log.error("letter cannot be sent; dropped", cause=type(error).__name__)
    with services.db.write() as tx:
        tx.outbox.done(letter)
    return True


def _write(services: Services, letter: Letter) -> tuple[str, str, str, str] | None:
    """Address, subject, text and HTML; None for a letter that nobody must get."""
    opened = services.data_keys.open(letter.sealed, purpose=f"outbox:{letter.outbox_id}")
    values: dict[str, str] = json.loads(opened)
    if letter.kind == "password_reset":
        return _write_reset(services, letter, values)
    if "minutes" in values and services.now() - letter.created_at >= timedelta(minutes=int(values["minutes"])):
        return None  # the mail system was away for too long: what the letter brings is dead
    with services.db.read() as tx:
        account = tx.accounts.get(values.pop("account_id", ""))
    address = account.verified_email if account else None
    if address is None:
        return None
    return address, *services.pages.letter(values.pop("lang", "fr"), letter.kind, **values)


def _write_reset(services: Services, letter: Letter, values: Mapping[str, str]) -> tuple[str, str, str, str] | None:
    """The account is looked up only here, and the link made only here: the request itself cannot tell."""
    with services.db.write() as tx:
        account = tx.accounts.find_by_login(normalise_login(values["login"]))
        if account is None or not account.is_active or account.verified_email is None:
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


def tell(services: Services, tx: Tx, account: Account, kind: str, lang: str) -> None:
    """A notice to the holder of an account."""
    put(services, tx, kind, {"account_id": account.account_id, "lang": lang})
