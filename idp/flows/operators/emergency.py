"""Emergency codes, as support issues them: for a while, for a reason, and never unseen (RIE-PS 16)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from idp.domain.account import Account
from idp.domain.contact import sound_email
from idp.domain.emergency import LONGEST, EmergencyCode, clean, new_code
from idp.domain.ids import new_id
from idp.domain.policy import in_force
from idp.domain.suspension import Suspensions
from idp.errors import InvalidOperation
from idp.flows import emergency
from idp.flows.operators.desk import Desk, person_of
from idp.flows.services import Services
from idp.store import Tx

MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Issued:
    """A code, which nothing else has. is_told: the holder has an address to be told at."""

    code: str
    until: datetime
    is_told: bool


def issue(services: Services, desk: Desk, login: str, *, hours: int, reason: str, tell: str) -> Issued:
    """A code for an account, which ends its code of before. Holder and second operator are told.

    Raises InvalidOperation; an operator's own account is refused, which is audited.
    """
    if emergency.METHOD not in services.registry:
        raise InvalidOperation("methods: emergency_code is not enabled")
    if not timedelta(hours=1) <= timedelta(hours=hours) <= LONGEST:
        raise InvalidOperation("an emergency code is good for 1 to 24 hours")
    why, told = reason.strip(), sound_email(tell)
    if not why or len(why) > MAX_REASON or not why.isprintable():
        raise InvalidOperation(f"a reason has 1 to {MAX_REASON} characters that can be printed")
    if told is None:
        raise InvalidOperation(f"{tell!r} is not an e-mail address")
    with desk.db.read() as tx:
        account = desk.account(tx, login)
        operator = desk.own_account(tx)
        is_accepted = _is_accepted(desk, tx)
    if desk.is_own(operator, account):  # nobody gives a code to themselves (RIE-PS 17)
        with desk.db.write() as tx:
            desk.record(tx, "emergency_code.refused", subject=account.account_id, reason="own account")
        raise InvalidOperation(f"{login} is the account of whoever runs this: another operator issues its code")
    _require_another(desk, told, operator, account)
    if not is_accepted:
        advice = "put it on a policy first (`sesame policy set`), or see whether it is suspended (`sesame method list`)"
        raise InvalidOperation(f"no service accepts {emergency.METHOD}: {advice}")
    code = new_code()
    digest = services.hasher.hash(clean(code) or "")  # not in the unit: it takes its time
    with desk.db.write() as tx:
        account = _active(tx, account, login)
        now = desk.now()
        made = EmergencyCode(
            new_id(), account.account_id, digest, desk.operator, told, now, now + timedelta(hours=hours)
        )
        ended = tx.emergency_codes.issue(made)
        facts = {"means": made.code_id, "hours": hours, "reason": why, "ended_another": "yes" if ended else "no"}
        event = desk.event(emergency.ISSUED, subject=account.account_id, **facts)
        tx.audit.record(replace(event, personal={"told": told}), now)
        emergency.tell_issued(services, tx, made)
        emergency.tell_second(services, tx, made, emergency.ISSUED, login=account.login_name, reason=why)
    return Issued(code, made.expires_at, account.verified_email is not None)


def describe(desk: Desk, tx: Tx, account: Account) -> list[tuple[str, str]]:
    """Name and value: until when a code of the account would be accepted, and never the code."""
    found = tx.emergency_codes.live(account.account_id, desk.now())
    return [("emergency code", f"until {found.expires_at.isoformat()}, issued by {found.issued_by}" if found else "-")]


def revoke(desk: Desk, login: str) -> int:
    """End the codes of an account; if one had been used, its sessions and tokens with them. How many sessions.

    Raises InvalidOperation if there is none.
    """
    with desk.db.write() as tx:
        account_id = desk.account(tx, login).account_id
        tx.accounts.lock(account_id)
        ended = tx.emergency_codes.revoke(account_id, desk.now())
        if not ended:
            raise InvalidOperation(f"{login} has no emergency code")
        sessions = tx.sessions.end_all(account_id, desk.now()) if any(was_used for _, was_used in ended) else 0
        means = " ".join(code_id for code_id, _ in ended)
        desk.record(tx, "emergency_code.revoked", subject=account_id, means=means, sessions=sessions)
    return sessions


def _is_accepted(desk: Desk, tx: Tx) -> bool:
    """Some service takes a code now: one that none takes would be read out to somebody in need, and open nothing."""
    now, only_after = desk.now(), desk.registry.only_after
    found = (in_force(tx.policies.of(each.client_id), now) for each in tx.clients.all() if each.enabled)
    suspensions = Suspensions.of(tx.method_suspensions.all())
    return any(p.under(suspensions, now).within(only_after).entry(emergency.METHOD) for p in found if p)


def _active(tx: Tx, found: Account, login: str) -> Account:
    """The account as it is once nobody else changes it; the code is of use to somebody with a password alone."""
    tx.accounts.lock(found.account_id)
    account = tx.accounts.get(found.account_id)
    if account is None or not account.is_active:
        raise InvalidOperation(f"{login} is not active")
    if tx.accounts.password(account.account_id) is None:
        raise InvalidOperation(f"{login} has no password, and a code is good after the password only")
    return account


def _require_another(desk: Desk, told: str, operator: Account | None, account: Account) -> None:
    """The second operator is neither the first nor the holder, as far as addresses say."""
    own = {desk.operator, (operator and operator.email) or ""}
    if person_of(told) in {person_of(each) for each in own if each}:
        raise InvalidOperation(f"{told} is your own address: tell another operator")
    held = {account.login_name, account.email or ""}
    if person_of(told) in {person_of(each) for each in held if each}:
        raise InvalidOperation(f"{told} is the holder's address: tell another operator")
