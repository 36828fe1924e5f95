"""Changes of what identifies an account, once two operators have agreed: the holder is asked, and then they are done.

The letter goes to the address that the account has. Its holder confirms, and the change is done at once, or refuses,
and it never is; who says nothing for 24 hours has had the notice. What would have forbidden the proposal still does.
"""

import structlog

from idp.domain.account import Account
from idp.domain.alert import NOT_ASKED, STOPPED
from idp.domain.authn import IdentityRef
from idp.domain.identity_change import EMAIL, HOLDER_HAS, ChangeState, IdentityChange
from idp.domain.ids import new_token
from idp.domain.means import Person
from idp.domain.texts import Text
from idp.errors import InvalidOperation
from idp.flows import letters, open_changes
from idp.flows.alerts import PROVIDER, raise_alert
from idp.flows.operators import cards, contacts
from idp.flows.operators.desk import Desk, Obstacle, person_of
from idp.flows.services import Services
from idp.store import Tx
from idp.store.identity_changes import BATCH

LINK = "/identity-change"


def require_possible(desk: Desk, tx: Tx, account: Account, change: IdentityChange) -> None:
    """Raises Obstacle unless the account could be given this now."""
    if not account.is_active:
        raise Obstacle("inactive", f"{account.login_name} is not active")
    if change.kind != EMAIL:
        proven = IdentityRef(change.kind, change.value)
        cards.require_linkable(desk, tx, account, proven, change.method or cards.METHOD)
        return
    holder = tx.accounts.find(IdentityRef(EMAIL, change.value))
    if holder is None:
        return
    if holder.account_id == account.account_id:
        raise Obstacle("unchanged", f"{account.login_name} has this address already")
    raise Obstacle("taken", "the e-mail address is already in use")


def require_not_own(tx: Tx, operator: Account, account: Account, change: IdentityChange) -> None:
    """Nobody gives another account what would let themselves into it. Raises Obstacle."""
    if _is_of(tx, operator, account, change):
        raise Obstacle("own_identity", f"this {change.kind} is of an operator who takes part in the change")


def _is_of(tx: Tx, operator: Account, account: Account, change: IdentityChange) -> bool:
    """As far as is known: of many operators the account holds no number, and the register knows whose it is."""
    if change.kind == EMAIL:
        return person_of(change.value) in {operator.login_name, person_of(operator.email or "")}
    if operator.identities.get(change.kind) == change.value:
        return True
    found = tx.rpps_extract.get(change.value) if change.kind == "rpps" else None
    person = Person(found.given_name, found.family_name) if found else Person("", "")
    is_holders = person.agrees_with(account.given_name, account.family_name)
    return not is_holders and person.agrees_with(operator.given_name, operator.family_name)


def ask_holder(
    services: Services, desk: Desk, tx: Tx, change: IdentityChange, account: Account, *, is_approval: bool
) -> bool:
    """The change needs no other operator any more: write to the holder. The account is locked. False if somebody
    decided meanwhile. is_approval: the desk's operator is the second one.

    A mailbox that « Ce n'était pas moi » closed is not written to: whoever reads it may be why it is replaced.
    """
    now = desk.now()
    operator = desk.own_account(tx) if is_approval else None
    to = None if tx.alerts.mailbox_is_closed(account.account_id) else account.verified_email
    token, until = new_token() if to else None, now + HOLDER_HAS
    is_first = tx.identity_changes.approve(
        change,
        now,
        by=desk.operator if is_approval else None,
        account_id=operator.account_id if operator else None,
        due_at=until,
        told=to,
        token=token,
    )
    if not is_first:
        return False
    if to and token:
        url = f"{services.settings.issuer}{LINK}/{token}"
        said = {"what": change.kind, "value": change.masked, "method": linked_to(services, change)}
        letters.put(
            services, tx, "identity_change", {"to": to, "lang": "fr", "url": url, "until": until.isoformat(), **said}
        )
    facts = {"change": change.change_id, "kind": change.kind, "until": until.isoformat()}
    counted = {"operators": "2" if is_approval else "1", "holder_told": "yes" if to else "no"}
    desk.record(tx, "identity_change.approved", subject=account.account_id, **facts, **counted)
    return True


def linked_to(services: Services, change: IdentityChange) -> Text:
    """The method that a number would open the account by, as people know it; empty for an address."""
    method = services.registry.get(change.method or "")
    return method.offer.label if method else change.method or ""


def apply(services: Services, change: IdentityChange, actor: str) -> bool:
    """Do what was approved: of several callers one does. False if it was decided meanwhile, or cannot be done; then it
    is cancelled, and support alerted. actor: who made it be done now.
    """
    try:
        with services.db.write() as tx:
            return _apply(services, tx, change, actor)
    except InvalidOperation as problem:
        why = problem.code if isinstance(problem, Obstacle) else "taken"
    with services.db.write() as tx:
        if tx.identity_changes.end(change, ChangeState.CANCELLED, services.now(), by=PROVIDER, note=why):
            open_changes.record(tx, change, "identity_change.cancelled", PROVIDER, services.now(), reason=why)
            about = {"means": change.change_id, "kind": change.kind, "reason": why}
            raise_alert(services, tx, STOPPED, account_id=change.account_id, **about)
    return False


def _apply(services: Services, tx: Tx, change: IdentityChange, actor: str) -> bool:
    """Raises InvalidOperation if it cannot be done; the unit is then to be given up."""
    tx.accounts.lock(change.account_id)
    is_first = change.state is ChangeState.APPROVED and tx.identity_changes.end(
        change, ChangeState.DONE, services.now(), by=actor
    )
    account = tx.accounts.get(change.account_id)
    if account is None or not is_first:
        return False
    desk = Desk(services.db, services.clock, services.registry, change.proposed_by)
    for operator in (tx.accounts.get(account_id) for account_id in change.operators):
        if operator is None or not operator.is_active:
            raise Obstacle("operator_inactive", "an operator who took part is not active any more")
        require_not_own(tx, operator, account, change)
    require_possible(desk, tx, account, change)
    facts = {"change": change.change_id, "approved_by": change.approved_by, "reason": change.reason}
    if change.kind == EMAIL:
        contacts.give_email(services, desk, tx, account, change.value, **facts)
    else:
        proven = IdentityRef(change.kind, change.value)
        cards.attach(services, desk, tx, account, proven, method_id=change.method or cards.METHOD, **facts)
    open_changes.record(tx, change, "identity_change.applied", actor, services.now())
    return True


def refuse_as_holder(services: Services, change: IdentityChange, holder: str) -> bool:
    """« Ce n'est pas moi »: it is never done. False if it was decided meanwhile. holder: as the audit names them."""
    with services.db.write() as tx:
        tx.accounts.lock(change.account_id)
        if not tx.identity_changes.end(change, ChangeState.REFUSED, services.now(), by=holder, note="holder"):
            return False
        open_changes.record(tx, change, "identity_change.refused", holder, services.now(), reason="holder")
        by = {"proposed_by": change.proposed_by, "approved_by": change.approved_by or "-"}
        about = {"means": change.change_id, "kind": change.kind, **by}
        raise_alert(services, tx, NOT_ASKED, account_id=change.account_id, **about)
    return True


def apply_due(services: Services) -> bool:
    """What the worker does: changes whose holder said nothing, and proposals that nobody decided. True if more wait."""
    now = services.now()
    with services.db.read() as tx:
        due, stale = tx.identity_changes.due(now), tx.identity_changes.stale(now)
    done = sum(apply(services, change, PROVIDER) for change in due)
    for change in stale:
        with services.db.write() as tx:
            if tx.identity_changes.end(change, ChangeState.EXPIRED, now, by=PROVIDER):
                open_changes.record(tx, change, "identity_change.expired", PROVIDER, now)
    if done:
        structlog.get_logger().info("changes of identity done", count=done)
    return BATCH in (len(due), len(stale))
