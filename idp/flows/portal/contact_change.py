"""The unit that gives an account another address or telephone number, and tells who must know."""

from dataclasses import dataclass
from datetime import timedelta

from idp.domain.account import Account, mask_email
from idp.domain.audit import AuditEvent
from idp.domain.contact import EMAIL_CHANGED, PHONE_CHANGED, mask_phone
from idp.domain.ids import new_id
from idp.domain.throttle import MAILS
from idp.errors import InvalidOperation, JourneyError
from idp.flows import letters, not_me_link, open_changes
from idp.flows.contexts import end_sendings
from idp.flows.portal.contact_code import KINDS, ContactCode
from idp.flows.portal.door import Visitor
from idp.flows.services import Services
from idp.store import Tx


@dataclass(frozen=True, slots=True)
class _Notice:
    """What the holder is told. session: where it was done; to: an address that is not the account's any more; empty
    for the account's own.
    """

    event: str
    change: str
    session: str
    value: str
    to: str = ""


def hold(services: Services, tx: Tx, visitor: Visitor) -> Account:
    """The account, which nobody else changes until the unit ends. Raises JourneyError if the session has ended."""
    tx.accounts.lock(visitor.account.account_id)
    account = tx.accounts.get(visitor.account.account_id)
    is_alive = tx.sessions.touch(visitor.session.session_id, services.now())
    if account is None or not account.is_active or not is_alive:
        raise JourneyError("interaction_gone", status=410, detail="account or session ended meanwhile")
    return account


def change_email(services: Services, visitor: Visitor, address: str) -> bool:
    """False, and nothing has changed, if the address became another account's meanwhile.

    The former address is kept beside the audit event, where support finds it and where it is purged. All other sessions
    end: they may be of whoever the change is to keep out.
    """
    now = services.now()
    try:
        with services.db.write() as tx:
            account = hold(services, tx, visitor)
            if tx.alerts.mailbox_is_closed(account.account_id):
                raise JourneyError("mailbox_closed", status=403)
            tx.profiles.set_email(account.account_id, address, "holder", now)
            tx.resets.drop(account.account_id)
            open_changes.cancel(tx, account.account_id, account.account_id, now, "by_holder", kinds={"email"})
            ended = tx.sessions.end_others(account.account_id, visitor.session.session_id, now)
            former, change = account.verified_email or "", new_id()
            _record(services, tx, account, EMAIL_CHANGED, former, change=change, sessions=str(ended))
            if former:
                mine = visitor.session.session_id
                _tell(services, tx, account, _Notice(EMAIL_CHANGED, change, mine, mask_email(address), former))
            for kind in KINDS:
                ContactCode(services, kind).drop(account.account_id)
            end_sendings(services, account.account_id)
    except InvalidOperation:
        return False
    return True


def change_phone(services: Services, visitor: Visitor, number: str | None, *, is_verified: bool) -> timedelta:
    """number: as E.164 has it; None to have none. It is told to services that may have it, and authenticates nobody.

    Returns zero, or the time to wait, and then nothing has changed: each change is a letter. One that a code verified
    is not counted here, for the code was.
    """
    with services.db.write() as tx:
        account = hold(services, tx, visitor)
        bucket = f"contact_phone.change:{account.account_id}"
        if not is_verified and (wait := tx.throttle.take(bucket, MAILS, services.now())):
            return wait
        profile = {name: value for name, value in account.profile.items() if not name.startswith("phone_number")}
        if number:
            profile |= {"phone_number": number, "phone_number_verified": is_verified}
        tx.profiles.set_profile(account.account_id, profile, services.now())
        change, former = new_id(), str(account.profile.get("phone_number", ""))
        verified = "yes" if is_verified else "no"
        _record(services, tx, account, PHONE_CHANGED, former, change=change, verified=verified)
        shown = mask_phone(number) if number else ""
        _tell(services, tx, account, _Notice(PHONE_CHANGED, change, visitor.session.session_id, shown))
        ContactCode(services, "phone").drop(account.account_id)
    return timedelta(0)


def _record(services: Services, tx: Tx, account: Account, event: str, former: str, **detail: str) -> None:
    personal = {"former": former} if former else {}
    who = account.account_id
    services.record(tx, AuditEvent(event, who, who, detail=detail, personal=personal))


def _tell(services: Services, tx: Tx, account: Account, notice: _Notice) -> None:
    url = not_me_link.link(
        services, account.account_id, notice.change, notice.event, told=notice.to, session=notice.session
    )
    values = {
        "event": notice.event,
        "value": notice.value,
        "not_me_url": url,
        **({"to": notice.to} if notice.to else {}),
    }
    letters.tell(services, tx, account, "contact_changed", services.pages.lang, **values)
