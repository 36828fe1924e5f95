"""Cards that support links to an account: of a holder who was identified, where the card cannot do it by itself."""

from idp.domain.authn import IdentityRef
from idp.domain.means import NATIONAL
from idp.domain.national_id import identity_of
from idp.errors import InvalidOperation
from idp.flows import notices
from idp.flows.operators.desk import Desk
from idp.flows.services import Services
from idp.methods.cps_card import CpsCard

METHOD = CpsCard.id
TYPES = {"rpps": "8", "adeli": "0", "employee": ""}  # what stands before the value on a card (ANS, TRE_G08)


def identity(kind: str, value: str) -> IdentityRef:
    """A national identity as an operator types it: an employee's with its type, and as the card has it, for what stands
    after its "/" keeps its case. Raises InvalidOperation.
    """
    typed = value.strip()
    try:
        found = identity_of(TYPES[kind] + (typed.upper() if kind == "adeli" else typed))
    except ValueError as error:
        raise InvalidOperation(f"{value}: {error}") from error
    if found.kind != kind:
        raise InvalidOperation(f"{value}: not an identity of kind {kind}")
    return found


def link(
    services: Services, desk: Desk, login: str, proven: IdentityRef, reason: str, *, method_id: str = METHOD
) -> tuple[str, bool]:
    """Let the card of this identity, or an upstream that names it, sign an account in, as it did before if its link was
    removed; the holder is told.

    Returns the link_id, and whether the holder has an address to be told at. Raises InvalidOperation; nothing is
    changed then.
    """
    method = services.registry.get(method_id)
    if method is None or not method.proves_national_identity:
        raise InvalidOperation(f"methods: {method_id} is not enabled, or proves no national identity")
    with desk.db.write() as tx:
        account_id = desk.account(tx, login).account_id
        tx.accounts.lock(account_id)
        account = tx.accounts.get(account_id)
        if account is None or not account.is_active:
            raise InvalidOperation(f"{login} is not active")
        holder, live = tx.accounts.find(proven), tx.means.link(account_id, method_id)
        if holder and holder.account_id != account_id:
            raise InvalidOperation(f"another account holds this {proven.kind}")
        held = {kind for kind in NATIONAL if kind in account.identities}
        others = {kind for kind in held if (kind, account.identities[kind]) != (proven.kind, proven.value)}
        if others:
            names = ", ".join(sorted(others))
            raise InvalidOperation(f"{login} holds another identity: {names} (drop-identity first, if it is outdated)")
        if live and live.revoked_at is None:
            what = "its card" if method_id == METHOD else method_id
            raise InvalidOperation(f"{login} is linked to {what} already")
        if holder is None:
            tx.means.add_identity(account_id, proven, "support", desk.now())
        link_id = tx.means.add_link(account_id, method_id, desk.now())
        desk.record(tx, "means.linked", subject=account_id, method=method_id, means=link_id, reason=reason)
        notices.tell(services, tx, account, "means.linked", means=link_id, method=method_id, lang="fr")
    return link_id, account.verified_email is not None
