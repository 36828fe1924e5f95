"""What support looks up of an account, and puts right: names, and the address that letters go to."""

from dataclasses import replace

from idp.domain.account import Account, mask_email
from idp.domain.alert import CHANGED_ALONE
from idp.domain.contact import EMAIL_CHANGED, PHONE_CHANGED, sound_email
from idp.domain.identity_change import EMAIL
from idp.domain.ids import new_id
from idp.domain.means import NATIONAL
from idp.errors import InvalidOperation
from idp.flows import letters, open_changes
from idp.flows.alerts import raise_alert
from idp.flows.contexts import end_sendings
from idp.flows.operators.desk import Desk, Obstacle
from idp.flows.services import Services
from idp.store import Tx

MAX_NAME = 200
LATEST = 20


def describe(tx: Tx, account: Account) -> list[tuple[str, str]]:
    """Name and value: what the account holds, and the contacts that it had before, as long as the audit keeps them."""
    profile = account.profile
    facts = [
        ("account_id", account.account_id),
        ("login", account.login_name),
        ("status", account.status.value),
        ("name", " ".join(part for part in (account.civility, account.full_name) if part)),
        ("email", _with_state(account.email, account.email_verified)),
        ("phone", _with_state(profile.get("phone_number"), bool(profile.get("phone_number_verified")))),
        *((kind, value) for kind, value in sorted(account.identities.items()) if kind not in {"email", "login_name"}),
    ]
    for name in (EMAIL_CHANGED, PHONE_CHANGED):
        for found in tx.audit.latest(LATEST, name=name, subject=account.account_id):
            former = found.event.personal.get("former", "-")
            change = found.event.detail.get("change", "-")
            facts.append((name, f"{found.at.isoformat()} by {found.event.actor}, before: {former}, change: {change}"))
    return facts


def set_email(services: Services, desk: Desk, login: str, typed: str, reason: str) -> None:
    """Another address, at once and by one operator alone, who has identified its holder; support is alerted. For two
    operators, and a holder who has time to say no: `idp.flows.operators.identity_changes`.
    """
    address = require_email(typed)
    with desk.db.write() as tx:
        account = _held(desk, tx, login)
        change = new_id()
        give_email(services, desk, tx, account, address, change=change, alone="yes", reason=reason)
        raise_alert(services, tx, CHANGED_ALONE, account_id=account.account_id, means=change, kind="email")


def require_email(typed: str) -> str:
    """An address as it is stored. Raises Obstacle for what is none."""
    address = sound_email(typed)
    if address is None:
        raise Obstacle("unsound_email", f"{typed!r} is not an e-mail address")
    return address


def give_email(services: Services, desk: Desk, tx: Tx, account: Account, address: str, **facts: object) -> None:
    """Another address for an account, which is locked. Sessions, tokens, codes and links to choose a password end. The
    former address is told, without a link that acts: support may be taking it from whoever reads it now.

    facts: of the event. Raises InvalidOperation if another account holds it; the unit is then to be given up.
    """
    tx.profiles.set_email(account.account_id, address, "support", desk.now())
    tx.resets.drop(account.account_id)
    open_changes.cancel(tx, account.account_id, desk.actor, desk.now(), "superseded", kinds={EMAIL})
    ended = tx.sessions.end_all(account.account_id, desk.now())
    event = desk.event(EMAIL_CHANGED, subject=account.account_id, sessions=ended, **facts)
    former = {"former": account.email} if account.email else {}
    tx.audit.record(replace(event, personal=former), desk.now())
    if account.verified_email and account.verified_email != address:
        told = {
            "event": EMAIL_CHANGED,
            "value": mask_email(address),
            "not_me_url": "",
            "to": account.verified_email,
        }
        letters.tell(services, tx, account, "contact_changed", "fr", **told)
    end_sendings(services, account.account_id)


def set_names(desk: Desk, login: str, given_name: str, family_name: str, reason: str) -> None:
    """The names as an identity document has them: those of a card that is to be linked are compared with them."""
    names = given_name.strip(), family_name.strip()
    if not all(name and len(name) <= MAX_NAME and name.isprintable() for name in names):
        raise InvalidOperation(f"a name has 1 to {MAX_NAME} characters that can be printed")
    with desk.db.write() as tx:
        account = _held(desk, tx, login)
        tx.profiles.set_names(account.account_id, *names, desk.now())
        changed = "given_name family_name"
        desk.record(tx, "account.profile_changed", subject=account.account_id, changed=changed, reason=reason)


def drop_identity(desk: Desk, login: str, kind: str, reason: str) -> None:
    """A national identity that was linked to the wrong account; its links, sessions and tokens end with it, and
    what was said of whoever has it, and a change that would link it anew.
    """
    if kind not in NATIONAL:
        raise InvalidOperation(f"{kind}: not one of {', '.join(sorted(NATIONAL))}")
    with desk.db.write() as tx:
        account = _held(desk, tx, login)
        if not tx.means.drop_identity(account.account_id, kind, desk.now()):
            raise InvalidOperation(f"{login} has no {kind}")
        open_changes.cancel(tx, account.account_id, desk.actor, desk.now(), "identity_dropped", kinds={kind})
        tx.sessions.end_all(account.account_id, desk.now())
        desk.record(tx, "account.identity_dropped", subject=account.account_id, kind=kind, reason=reason)


def _held(desk: Desk, tx: Tx, login: str) -> Account:
    """As it is once nobody else changes it."""
    found = desk.account(tx, login)
    tx.accounts.lock(found.account_id)
    return tx.accounts.get(found.account_id) or found


def _with_state(value: str | None, is_verified: bool) -> str:
    return f"{value} ({'verified' if is_verified else 'not verified'})" if value else "-"
