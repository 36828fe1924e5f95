"""What support asks to change of what identifies an account: another address, or a card or an RPPS number to link.

One operator proposes, another approves (`two_operators`), and the holder is asked (`idp.flows.identity_changes`).
Nobody decides of their own account, or gives another's account what is their own: their card would open it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from idp.domain.account import Account
from idp.domain.identity_change import EMAIL, KINDS, ChangeState, IdentityChange
from idp.domain.ids import new_id
from idp.errors import InvalidOperation
from idp.flows.identity_changes import ask_holder, require_not_own, require_possible
from idp.flows.open_changes import record
from idp.flows.operators import cards, contacts
from idp.flows.operators.desk import Desk, Obstacle, person_of
from idp.flows.services import Services
from idp.store import Tx

MAX_REASON = 500
DENIED = frozenset({"own_account", "own_identity", "same_operator", "is_operator"})


def propose(
    services: Services,
    desk: Desk,
    login: str,
    *,
    kind: str,
    typed: str,
    reason: str,
    method: str = cards.METHOD,
    spares_operators: bool = False,
) -> IdentityChange:
    """A change for another operator to approve; approved at once where one is enough. kind: one of KINDS; typed: the
    address or number; method: the one that a national identity is linked to. Raises Obstacle; nothing is changed then.

    spares_operators: not of an account that has a role in the console.
    """
    if kind not in KINDS:
        raise Obstacle("unsound_kind", f"{kind}: not one of {', '.join(sorted(KINDS))}")
    value = contacts.require_email(typed) if kind == EMAIL else cards.identity(kind, typed).value
    why, now = _sound(reason), desk.now()
    with desk.db.read() as tx:
        account_id = desk.account(tx, login).account_id
    with _noted(desk, account_id, kind), desk.db.write() as tx:
        account, operator = _held(tx, account_id), desk.own_account(tx)
        made = IdentityChange(
            new_id(),
            account.account_id,
            kind,
            value,
            None if kind == EMAIL else method,
            why,
            desk.operator,
            operator.account_id if operator else None,
            now,
        )
        _require(desk, tx, account, operator, made, spares_operators=spares_operators)
        try:
            tx.identity_changes.add(made)
        except InvalidOperation as error:
            raise Obstacle("open", str(error)) from error
        record(tx, made, "identity_change.proposed", desk.actor, now, reason=why)
        if not services.settings.two_operators:
            ask_holder(services, desk, tx, made, account, is_approval=False)
        return tx.identity_changes.get(made.change_id) or made


def approve(services: Services, desk: Desk, known: IdentityChange, *, spares_operators: bool = False) -> IdentityChange:
    """Agree to what another operator proposed: the holder is asked. Raises Obstacle, also if it is not as `known` any
    more.
    """
    with _noted(desk, known.account_id, known.kind), desk.db.write() as tx:
        account, operator = _held(tx, known.account_id), desk.own_account(tx)
        is_same = known.proposed_account is not None and operator and operator.account_id == known.proposed_account
        if is_same or person_of(desk.operator) == person_of(known.proposed_by):
            raise Obstacle("same_operator", "you proposed it: another operator approves")
        _require(desk, tx, account, operator, known, spares_operators=spares_operators)
        if not ask_holder(services, desk, tx, known, account, is_approval=True):
            raise Obstacle("changed", "somebody else decided meanwhile")
        return tx.identity_changes.get(known.change_id) or known


def refuse(desk: Desk, known: IdentityChange, reason: str) -> None:
    """What another proposed is refused; one's own, or what was approved, is taken back. Raises Obstacle."""
    why = _sound(reason)
    is_own = person_of(desk.operator) == person_of(known.proposed_by)
    is_refused = known.state is ChangeState.PROPOSED and not is_own
    to, name = (
        (ChangeState.REFUSED, "identity_change.refused")
        if is_refused
        else (ChangeState.CANCELLED, "identity_change.cancelled")
    )
    with desk.db.write() as tx:
        _held(tx, known.account_id)
        if not tx.identity_changes.end(known, to, desk.now(), by=desk.actor, note=why):
            raise Obstacle("changed", "somebody else decided meanwhile")
        record(tx, known, name, desk.actor, desk.now(), reason=why)


def find(tx: Tx, change_id: str) -> IdentityChange:
    """Raises InvalidOperation if there is none."""
    found = tx.identity_changes.get(change_id)
    if found is None:
        raise InvalidOperation(f"{change_id}: no such change")
    return found


def _require(
    desk: Desk,
    tx: Tx,
    account: Account,
    operator: Account | None,
    change: IdentityChange,
    *,
    spares_operators: bool,
) -> None:
    """Raises Obstacle unless this operator, and who proposed it, may have a part in it, and it is possible."""
    if desk.is_own(operator, account):
        raise Obstacle("own_account", f"{account.login_name} is your own account: other operators decide")
    if spares_operators and tx.operator_roles.of(account.account_id):
        raise Obstacle("is_operator", f"{account.login_name} has a role in the console")
    proposer = tx.accounts.get(change.proposed_account) if change.proposed_account else None
    if proposer is not None and not proposer.is_active:
        raise Obstacle("operator_inactive", "the operator who proposed it is not active any more")
    for each in (operator, proposer):
        if each is not None:
            require_not_own(tx, each, account, change)
    require_possible(desk, tx, account, change)


@contextmanager
def _noted(desk: Desk, account_id: str, kind: str) -> Iterator[None]:
    """What an operator should not have tried is in the audit, although nothing was changed."""
    try:
        yield
    except Obstacle as problem:
        if problem.code in DENIED:
            event = desk.event("identity_change.denied", subject=account_id, kind=kind, reason=problem.code)
            with desk.db.write() as tx:
                tx.audit.record(replace(event, outcome="refused"), desk.now())
        raise


def _held(tx: Tx, account_id: str) -> Account:
    """The account, which nobody else changes until the unit ends."""
    tx.accounts.lock(account_id)
    account = tx.accounts.get(account_id)
    if account is None:
        raise Obstacle("inactive", "the account is gone")
    return account


def _sound(reason: str) -> str:
    why = reason.strip()
    if not why or len(why) > MAX_REASON or not why.isprintable():
        raise Obstacle("reason", f"a reason has 1 to {MAX_REASON} characters that can be printed")
    return why
