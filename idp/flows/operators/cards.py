"""Cards that support links to an account: of a holder who was identified, where the card cannot do it by itself."""

from idp.domain.account import Account
from idp.domain.alert import CHANGED_ALONE
from idp.domain.authn import IdentityRef
from idp.domain.means import NATIONAL
from idp.domain.national_id import identity_of
from idp.flows import notices, open_changes
from idp.flows.alerts import raise_alert
from idp.flows.operators.desk import Desk, Obstacle
from idp.flows.services import Services
from idp.methods.cps_card import CpsCard
from idp.store import Tx

METHOD = CpsCard.id
TYPES = {"rpps": "8", "adeli": "0", "employee": ""}  # what stands before the value on a card (ANS, TRE_G08)


def identity(kind: str, value: str) -> IdentityRef:
    """A national identity as an operator types it: an employee's with its type, and as the card has it, for what stands
    after its "/" keeps its case. Raises Obstacle.
    """
    typed = value.strip()
    try:
        found = identity_of(TYPES[kind] + (typed.upper() if kind == "adeli" else typed))
    except ValueError as error:
        raise Obstacle("unsound_identity", f"{value}: {error}") from error
    if found.kind != kind:
        raise Obstacle("unsound_identity", f"{value}: not an identity of kind {kind}")
    return found


def link(
    services: Services, desk: Desk, login: str, proven: IdentityRef, reason: str, *, method_id: str = METHOD
) -> tuple[str, bool]:
    """Let the card of this identity, or an upstream that names it, sign an account in, as it did before if its link was
    removed; at once and by one operator alone: the holder is told, and support alerted. For two operators, and a holder
    who has time to say no: `idp.flows.operators.identity_changes`.

    Returns the link_id, and whether the holder has an address to be told at. Raises InvalidOperation; nothing is
    changed then.
    """
    with desk.db.write() as tx:
        account_id = desk.account(tx, login).account_id
        tx.accounts.lock(account_id)
        account = tx.accounts.get(account_id)
        if account is None or not account.is_active:
            raise Obstacle("inactive", f"{login} is not active")
        require_linkable(desk, tx, account, proven, method_id)
        link_id = attach(services, desk, tx, account, proven, method_id=method_id, alone="yes", reason=reason)
        raise_alert(services, tx, CHANGED_ALONE, account_id=account_id, means=link_id, kind=proven.kind)
    return link_id, account.verified_email is not None


def require_linkable(desk: Desk, tx: Tx, account: Account, proven: IdentityRef, method_id: str) -> None:
    """Raises Obstacle unless the method could sign this account in by this identity from now on."""
    method, login = desk.registry.get(method_id), account.login_name
    if method is None or not method.proves_national_identity:
        raise Obstacle("method_off", f"methods: {method_id} is not enabled, or proves no national identity")
    holder, live = tx.accounts.find(proven), tx.means.link(account.account_id, method_id)
    if holder and holder.account_id != account.account_id:
        raise Obstacle("taken", f"another account holds this {proven.kind}")
    held = {kind for kind in NATIONAL if kind in account.identities}
    others = {kind for kind in held if (kind, account.identities[kind]) != (proven.kind, proven.value)}
    if others:
        names = ", ".join(sorted(others))
        problem = f"{login} holds another identity: {names} (drop-identity first, if it is outdated)"
        raise Obstacle("other_identity", problem)
    if live and live.revoked_at is None:
        what = "its card" if method_id == METHOD else method_id
        raise Obstacle("linked", f"{login} is linked to {what} already")


def attach(
    services: Services, desk: Desk, tx: Tx, account: Account, proven: IdentityRef, *, method_id: str, **facts: object
) -> str:
    """Give an account, which is locked, the identity if it has it not, and the link; the holder is told. The link_id.

    A link has no level of its own: the card, or the upstream, proves the identity anew at each login, as well as it
    can. Support says whose account it is, no more. « Ce n'était pas moi » takes away what came with it, the identity
    too. facts: of the event.
    """
    open_changes.cancel(tx, account.account_id, desk.actor, desk.now(), "superseded", kinds=NATIONAL)
    is_new = account.identities.get(proven.kind) != proven.value
    identity_id = tx.means.add_identity(account.account_id, proven, "support", desk.now()) if is_new else None
    link_id = tx.means.add_link(account.account_id, method_id, desk.now())
    desk.record(tx, "means.linked", subject=account.account_id, method=method_id, means=link_id, **facts)
    undone = identity_id or link_id
    notices.tell(services, tx, account, "means.linked", means=undone, method=method_id, lang="fr")
    return link_id
