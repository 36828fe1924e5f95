"""Two national identities of one person: the RPPS number that followed an ADELI number, as a federation says.

Nothing is written before the proof counts, and everything is read again then: support may have taken away the very
number that two accounts are told apart by.
"""

from collections.abc import Iterable

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.authn import IdentityRef, Proof
from idp.domain.means import Relatives
from idp.errors import InvalidOperation, JourneyError
from idp.flows import notices
from idp.flows.services import Services
from idp.store import Tx

PAIR = frozenset({"adeli", "rpps"})


class Disputed(Exception):
    """What a federation says are one person's numbers are not one account's here; `account_id`: of one of them."""

    def __init__(self, account_id: str) -> None:
        super().__init__(account_id)
        self.account_id = account_id


def holder(tx: Tx, proof: Proof, relatives: Relatives) -> Account | None:
    """Who holds what was proven, or else what is related to it and may be given it. Raises Disputed."""
    named = (proof.identity, *related(proof.identity, relatives.identities))
    held = {found.account_id: found for ref in named if (found := tx.accounts.find(ref))}
    account = next(iter(held.values()), None)
    if account is None:
        return None
    kind = proof.identity.kind
    if len(held) > 1 or (not holds(account, proof.identity) and not _may_be_given(account, kind)):
        raise Disputed(account.account_id)
    return account


def holds(account: Account, ref: IdentityRef) -> bool:
    return account.identities.get(ref.kind) == ref.value


def complete(services: Services, tx: Tx, account_id: str, proof: Proof, relatives: Relatives) -> bool:
    """Give the account, which is locked, what it lacks of what was proven and is related to it; its holder is told.

    False if that is not its own any more. Raises JourneyError if another account is given it at this moment.
    """
    try:
        account = holder(tx, proof, relatives)
    except Disputed:
        return False
    if account is None or account.account_id != account_id:
        return False
    is_held = holds(account, proof.identity)
    if not is_held and not relatives.person.agrees_with(account.given_name, account.family_name):
        return False
    further = related(proof.identity, relatives.identities)
    missing = {ref.kind: ref for ref in further if _may_be_given(account, ref.kind)}
    for ref in (*([] if is_held else [proof.identity]), *missing.values()):
        _give(services, tx, account, ref, proof)
    return True


def related(proven: IdentityRef, identities: Iterable[IdentityRef]) -> tuple[IdentityRef, ...]:
    """The other number of the pair; none where two are named, for nothing says which is the holder's."""
    named = {ref for ref in identities if {ref.kind, proven.kind} == PAIR}
    return tuple(named) if len(named) == 1 else ()


def _may_be_given(account: Account, kind: str) -> bool:
    """What support took away does not come back by itself, nor what may be meant for it."""
    return kind not in account.identities and account.identity_dropped_at is None


def _give(services: Services, tx: Tx, account: Account, ref: IdentityRef, proof: Proof) -> None:
    try:
        identity_id = tx.means.add_identity(account.account_id, ref, proof.method, services.now())
    except InvalidOperation as error:
        raise JourneyError("interaction_busy", status=409) from error
    detail, who = {"method": proof.method, "kind": ref.kind}, account.account_id
    services.record(tx, AuditEvent("account.identity_related", who, who, detail=detail, personal=proof.evidence))
    notices.tell(services, tx, account, "account.identity_related", means=identity_id, method=proof.method)
