"""Cards that support links to an account: of a holder who was identified, where the card cannot do it by itself."""

from idp.domain.authn import IdentityRef
from idp.domain.means import NATIONAL
from idp.errors import InvalidOperation
from idp.flows import notices
from idp.flows.operators.desk import Desk
from idp.flows.services import Services
from idp.methods.cps_card import CpsCard
from idp.pki import CardRefused
from idp.pki.identity import identity_of

METHOD = CpsCard.id
TYPES = {"rpps": "8", "adeli": "0", "employee": ""}  # what stands before the value on a card (ANS, TRE_G08)


def identity(kind: str, value: str) -> IdentityRef:
    """A national identity as an operator types it: an employee's with its type, and as the card has it, for what stands
    after its "/" keeps its case. Raises InvalidOperation.
    """
    typed = value.strip()
    try:
        found = identity_of(TYPES[kind] + (typed.upper() if kind == "adeli" else typed))
    except CardRefused as refusal:
        raise InvalidOperation(f"{value}: {refusal.detail}") from refusal
    if found.kind != kind:
        raise InvalidOperation(f"{value}: not an identity of kind {kind}")
    return found


def link(services: Services, desk: Desk, login: str, proven: IdentityRef, reason: str) -> tuple[str, bool]:
    """Let the card of this identity sign an account in, as it did before if its link was removed; the holder is told.

    Returns the link_id, and whether the holder has an address to be told at. Raises InvalidOperation; nothing is
    changed then.
    """
    if METHOD not in services.registry:
        raise InvalidOperation(f"methods: {METHOD} is not enabled")
    with desk.db.write() as tx:
        account_id = desk.account(tx, login).account_id
        tx.accounts.lock(account_id)
        account = tx.accounts.get(account_id)
        if account is None or not account.is_active:
            raise InvalidOperation(f"{login} is not active")
        holder, live = tx.accounts.find(proven), tx.means.link(account_id, METHOD)
        if holder and holder.account_id != account_id:
            raise InvalidOperation(f"another account holds this {proven.kind}")
        held = {kind for kind in NATIONAL if kind in account.identities}
        others = {kind for kind in held if (kind, account.identities[kind]) != (proven.kind, proven.value)}
        if others:
            names = ", ".join(sorted(others))
            raise InvalidOperation(f"{login} holds another identity: {names} (drop-identity first, if it is outdated)")
        if live and live.revoked_at is None:
            raise InvalidOperation(f"{login} is linked to its card already")
        if holder is None:
            tx.means.add_identity(account_id, proven, "support", desk.now())
        link_id = tx.means.add_link(account_id, METHOD, desk.now())
        desk.record(tx, "means.linked", subject=account_id, method=METHOD, means=link_id, reason=reason)
        notices.tell(services, tx, account, "means.linked", means=link_id, method=METHOD, lang="fr")
    return link_id, account.verified_email is not None
