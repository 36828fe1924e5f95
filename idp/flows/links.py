"""Login links: which account a card or a federation signs in, and how it comes to.

An account that holds the national identity, verified, is linked by itself at the first login, and its holder is told;
one whose identity support entered only when the names agree. Everybody else proves the account by two factors first
(`idp.flows.linking`). Names that differ go to support.
"""

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.authn import Proof
from idp.domain.interaction import Unlinked
from idp.domain.means import NATIONAL, Person, Relatives
from idp.errors import JourneyError
from idp.flows import completion, notices, own_means, relations
from idp.flows.alerts import raise_alert
from idp.flows.services import Services
from idp.flows.visits import Visit
from idp.methods.base import Done
from idp.store import Tx

NAMES_DIFFER, TAKEN, OTHER = "link.names_differ", "link.identity_taken", "link.other_identity"


def resolve(services: Services, visit: Visit, done: Done) -> Account | Unlinked | str:
    """Whom a proof of a national identity signs in; Unlinked while that is nobody; else the code of a refusal.

    Of the account nothing is changed: `use` does, where the proof counts.
    """
    proof, person = done.proof, done.person or Person("", "")
    try:
        with services.db.read() as tx:
            holder = relations.holder(tx, proof, Relatives(person, done.related))
            link = tx.means.link(holder.account_id, proof.method) if holder else None
            origin = tx.means.origin(proof.identity) if holder else None
    except relations.Disputed as dispute:
        refuse(services, OTHER, dispute.account_id, proof)
        return "link_refused"
    is_live = link is not None and link.revoked_at is None
    purpose = visit.interaction.purpose
    if purpose and purpose.method == proof.method:
        if holder and holder.account_id != purpose.account_id:
            refuse(services, TAKEN, purpose.account_id, proof)
            return "link_refused"
        return "already_linked" if is_live else _unlinked(done, person)
    if holder is None or (link and not is_live):
        # What is to prove the account must sign it in already: one thing is linked at a time.
        if visit.asks_own_means:
            return "means_missing"
        by = own_means.linking_policy(services, visit.client.client_id, proof.method)
        if not by.methods:
            return "not_linked"
        return _unlinked(done, person, was_linked=holder is not None, is_asked=completion.asks_names(by, proof))
    if not holder.is_active:
        return "account_inactive"
    is_doubtful = not relations.holds(holder, proof.identity) or (link is None and origin == "support")
    if is_doubtful and not person.agrees_with(holder.given_name, holder.family_name):
        refuse(services, NAMES_DIFFER, holder.account_id, proof)
        return "link_names_differ"
    entry = visit.policy.entry(proof.method)
    if entry and not entry.is_due(holder.signed_in_at):
        return "prior_login_needed"
    return holder


def _unlinked(done: Done, person: Person, *, was_linked: bool = False, is_asked: bool = False) -> Unlinked | str:
    """Two factors link nothing whose names agree with nobody's: support alone does. is_asked: a form asks for them."""
    is_known = person.is_named or is_asked
    return Unlinked(done.proof, person, was_linked, related=done.related) if is_known else "not_linked"


def refuse(services: Services, kind: str, account_id: str, proof: Proof) -> None:
    """Support decides: it is alerted, and nothing is linked."""
    with services.db.write() as tx:
        detail = {"method": proof.method, "reason": kind.partition(".")[2]}
        event = AuditEvent(
            "means.link_refused", account_id, account_id, outcome="refused", detail=detail, personal=proof.evidence
        )
        services.record(tx, event)
        raise_alert(services, tx, kind, account_id=account_id, means=proof.method)


def use(services: Services, tx: Tx, account: Account, proof: Proof, relatives: Relatives | None) -> bool:
    """Note the use of the credentials and of the link that a proof rests on; False if one of them is gone.

    Called where a proof is about to count, before anything is locked. A proof of a national identity counts while the
    account holds that identity; the first one makes its link, and what is related to it is added. account: as it was
    read before.
    """
    method, account_id = services.registry.get(proof.method), account.account_id
    if method is None or proof.has_ended(services.now()):  # switched off, or over, while the login was under way
        return False
    is_national = method.proves_national_identity
    is_first_use = is_national and tx.means.link(account_id, proof.method) is None
    is_first_login = account.signed_in_at is None and not method.is_federation and not method.is_temporary
    has_relatives = is_national and relatives is not None and bool(relatives.identities)
    if is_first_use or is_first_login or has_relatives:
        tx.accounts.lock(account_id)
    if not tx.accounts.hold(account_id):
        return False
    if relatives and has_relatives and not relations.complete(services, tx, account_id, proof, relatives):
        return False
    if is_national:
        held = tx.accounts.get(account_id)
        if held is None or not relations.holds(held, proof.identity):
            return False  # support took it away meanwhile, and may have linked another's
        if is_first_use and tx.means.link(account_id, proof.method) is None:
            add(services, tx, held, proof)
    if is_first_login:
        tx.accounts.note_login(account_id, services.now())
    return tx.means.use(account_id, proof.credentials, proof.method if is_national else None, services.now())


def add(services: Services, tx: Tx, account: Account, proof: Proof) -> str:
    """Link the means that a proof was made with to an account, which is locked; its holder is told. The link_id."""
    link_id = tx.means.add_link(account.account_id, proof.method, services.now())
    detail = {"method": proof.method, "means": link_id}
    services.record(tx, AuditEvent("means.linked", account.account_id, account.account_id, detail=detail))
    notices.tell(services, tx, account, "means.linked", means=link_id, method=proof.method)
    return link_id


def link(services: Services, tx: Tx, account_id: str, unlinked: Unlinked) -> str | None:
    """Link what was proven to the account that proved itself. None, or the kind of the alert that says why not.

    Raises JourneyError if the account ended meanwhile.
    """
    proof = unlinked.proof
    tx.accounts.lock(account_id)
    account = tx.accounts.get(account_id)
    if account is None or not account.is_active:
        raise JourneyError("interaction_gone", status=410, detail="account ended meanwhile")
    try:
        holder = relations.holder(tx, proof, unlinked.relatives)
    except relations.Disputed:
        return OTHER
    if holder and holder.account_id != account_id:
        return TAKEN
    if holder is None and not NATIONAL.isdisjoint(account.identities):
        return OTHER
    if not unlinked.person.agrees_with(account.given_name, account.family_name):
        return NAMES_DIFFER
    if holder is None:
        tx.means.add_identity(account_id, proof.identity, proof.method, services.now())
    if unlinked.related:
        relations.complete(services, tx, account_id, proof, unlinked.relatives)
    live = tx.means.link(account_id, proof.method)
    if live is None or live.revoked_at:
        add(services, tx, account, proof)
    return None
