"""Which method runs now for an entry of the policy: its first factor, or itself."""

from dataclasses import dataclass

from idp.domain.account import Account
from idp.domain.authn import Proof
from idp.domain.decide import Login, Suspended, is_stale
from idp.domain.policy import MethodEntry
from idp.flows import contexts, visits
from idp.flows.services import Services
from idp.flows.visits import Visit
from idp.methods.base import Method, Subject


@dataclass(frozen=True, slots=True)
class Runner:
    """The method that is to run now for an entry of the policy: its first factor, or itself.

    factor: the first factor's proof, once there is one; holder: whose it is.
    """

    entry: MethodEntry
    method: Method
    factor: Proof | None
    holder: Account | None

    @property
    def is_first_factor(self) -> bool:
        return self.method.id != self.entry.id

    @property
    def step(self) -> dict[str, int] | None:
        return {"number": 1 if self.is_first_factor else 2, "total": 2} if self.entry.after else None

    @property
    def subject(self) -> Subject | None:
        return contexts.subject_of(self.holder) if self.holder else None

    @property
    def state_key(self) -> str:
        return contexts.state_key(self.method, self.subject)


def runner(services: Services, visit: Visit, method_id: str) -> Runner | None:
    """What runs now for a chosen method; None if no login is asked any more, or if the method is suspended, which is
    audited.

    Raises JourneyError("method_refused"), audited, for a method that the policy does not accept here.
    """
    decision = visit.decision(services)
    if method_id in {entry.id for entry, _ in visit.policy.suspended} and isinstance(decision, Login | Suspended):
        visits.note_suspended(services, visit, method_id)
        return None
    if not isinstance(decision, Login) or visit.is_conflict:
        return None
    entry = next((entry for entry in decision.methods if entry.id == method_id), None)
    if entry is None:
        raise visits.refuse_method(services, visit, method_id)
    if entry.after is None:
        return Runner(entry, services.registry[entry.id], None, None)
    factor, holder = _first_factor(services, visit, entry.after, is_given_here=services.registry[entry.id].is_temporary)
    return Runner(entry, services.registry[entry.id if factor else entry.after], factor, holder)


def _first_factor(
    services: Services, visit: Visit, method_id: str, *, is_given_here: bool
) -> tuple[Proof | None, Account | None]:
    """A first factor of this Interaction, or a proof of the session that is still valid for this request.

    is_given_here: of this Interaction only, for who sits at somebody else's session may have talked to support.
    """
    for proof in reversed(visit.interaction.factors):
        if proof.method == method_id and not visit.policy.suspensions.void(proof):
            with services.db.read() as tx:
                holder = tx.accounts.find(proof.identity)
                is_good = holder is not None and tx.accounts.are_live(proof.credentials)
            return (proof, holder) if is_good else (None, None)
    if visit.session and not is_given_here and _may_reuse(visit):
        for proof in reversed(visit.session.proofs):
            is_over = visit.policy.suspensions.void(proof) or is_stale(
                proof, visit.policy, visit.request, services.now()
            )
            if proof.method == method_id and not is_over:
                return proof, visit.account
    return None, None


def _may_reuse(visit: Visit) -> bool:
    """The session's proofs may count: nobody was proven here yet; the request wants nobody else and no new login;
    nothing is to be linked, which takes two factors of this very Interaction.
    """
    if visit.interaction.account_id is not None or "login" in visit.request.prompt or visit.is_linking:
        return False
    return visit.request.expected_sub in (None, visit.subject)
