"""What a person can prove themselves with here: for sensitive actions, for linking, and before a means is removed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.account import Account
from idp.domain.authn import Assurance, Proof
from idp.domain.means import Credential, LoginLink, claimable
from idp.domain.policy import MethodEntry, Policy
from idp.domain.suspension import Suspensions
from idp.flows.services import Services
from idp.methods.base import Method, Needs
from idp.store import Tx

FRESH = timedelta(minutes=5)
STILL_COUNTS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class OwnMeans:
    """Entries that an account can use now, each with the level that it reaches for this account, however it is used.

    least: the level that is asked of a proof, if it is not the highest. suspensions: of methods, as of now.
    """

    reach: Mapping[MethodEntry, Assurance]
    suspensions: Suspensions
    least: Assurance | None = None

    @property
    def level(self) -> Assurance:
        return max(self.reach.values(), default=Assurance.LOW)

    def policy(self, client_id: str, now: datetime) -> Policy:
        """A proof of the highest level that these means reach, at most five minutes old."""
        asked = self.least or self.level
        entries = tuple(e for e, level in self.reach.items() if level >= asked)
        return _policy(client_id, now, entries, asked).under(self.suspensions, now)

    def are_fresh(self, proofs: tuple[Proof, ...], now: datetime) -> bool:
        """True if one of these proofs is what `policy` asks for."""
        policy = self.policy("", now)
        own = [proof for proof in proofs if proof.until is None]
        return any(policy.accepts(proof) and now - proof.at <= FRESH for proof in own)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What an account has to prove itself with. identities: their kinds."""

    identities: frozenset[str]
    credentials: tuple[Credential, ...]
    links: tuple[LoginLink, ...]

    @property
    def owned(self) -> frozenset[str]:
        """As `Accounts.owned` gives it."""
        kinds = {credential.kind for credential in self.credentials}
        return frozenset({f"identity:{kind}" for kind in self.identities} | {f"credential:{kind}" for kind in kinds})

    def without(self, means_id: str) -> "Holdings":
        """What is left when a credential or a link is gone."""
        credentials = tuple(each for each in self.credentials if each.credential_id != means_id)
        return Holdings(self.identities, credentials, tuple(each for each in self.links if each.link_id != means_id))

    def without_mailbox(self) -> "Holdings":
        """What is left while the mailbox is not believed."""
        credentials = tuple(each for each in self.credentials if each.anchor != "mailbox")
        return Holdings(self.identities - {"email"}, credentials, self.links)


def holdings(tx: Tx, account: Account) -> Holdings:
    """What an account has now."""
    credentials, links = tx.means.credentials(account.account_id), tx.means.links(account.account_id)
    return Holdings(frozenset(account.identities), tuple(credentials), tuple(links))


def of_account(services: Services, tx: Tx, account: Account) -> OwnMeans:
    """The means of an account, of the methods that are enabled.

    A password alone only where there is nothing else; a second factor alone only where there is no first (an account
    without a password that a service signs in by a code).
    """
    return _of(services, holdings(tx, account))


def to_remove(services: Services, tx: Tx, account: Account, means_id: str) -> OwnMeans:
    """What a removal asks for: the best of all, or of what remains, for the means that goes may be lost.

    What remains must be two factors at least: whoever has a password alone takes no means away.
    """
    held = holdings(tx, account)
    every, rest = _of(services, held), _of(services, held.without(means_id))
    if rest.level < Assurance.MEDIUM:
        return every
    best = {entry: level for means in (every, rest) for entry, level in means.reach.items() if level == means.level}
    return OwnMeans(best, every.suspensions, least=rest.level)


def is_enough(services: Services, tx: Tx, account: Account, own: OwnMeans) -> bool:
    """True if an account may be given another way in by what it has: two factors, and no less than it had lately.

    Whoever holds two factors of an account may remove its card, which may be lost; that must not make them its master.
    """
    removed = tx.means.links_removed_since(account.account_id, services.now() - STILL_COUNTS)
    methods = [services.registry[each] for each in removed if each in services.registry]
    return own.level >= max([Assurance.MEDIUM, *(method.floor or method.assurance for method in methods)])


def _of(services: Services, held: Holdings) -> OwnMeans:
    methods = services.registry.values()
    reach = _reached(services, held, map(entry_of, methods))
    alone = (MethodEntry(each.id, options=each.own_options) for each in methods if not each.only_after)
    reach = reach or _reached(services, held, alone)
    suspensions, now, every = services.configuration.suspensions(), services.now(), _without_password(reach)
    rest = _without_password({e: level for e, level in reach.items() if not suspensions.end(now, e.id, e.after)})
    # While a method is suspended the next best one will do, but of two factors never a password alone.
    is_enough = rest and max(rest.values()) >= min(max(every.values()), Assurance.MEDIUM)
    return OwnMeans(rest if is_enough else every, suspensions)


def _without_password(reach: Mapping[MethodEntry, Assurance]) -> Mapping[MethodEntry, Assurance]:
    """The password counts alone, where there is nothing else."""
    return {entry: level for entry, level in reach.items() if entry.id != "password"} or reach


def _reached(services: Services, held: Holdings, entries: Iterable[MethodEntry]) -> dict[MethodEntry, Assurance]:
    return {entry: level for entry in entries if (level := reach_of(services, held, entry, surely=True))}


def reach_of(services: Services, held: Holdings, entry: MethodEntry, *, surely: bool = False) -> Assurance | None:
    """The highest level that an entry reaches with what an account has; None if it cannot be used.

    surely: the lowest, of a method whose proofs differ: who has a telephone there need not have a card.
    """
    method, first = services.registry.get(entry.id), services.registry.get(entry.after or "")
    if method is None or method.is_temporary or (entry.after and first is None):
        return None
    needs = method.needs_for(entry.options)
    if needs.missing(held.owned) or (first and first.needs.missing(held.owned)):
        return None
    if method.proves_national_identity and method.id not in {link.method for link in held.links}:
        return None
    ceiling = method.floor if surely and method.floor else method.assurance
    return _level(needs, first, held.credentials, ceiling)


def opens(services: Services, held: Holdings, policy: Policy) -> bool:
    """True if what an account has is enough for what a service asks."""
    levels = (reach_of(services, held, entry) for entry in policy.methods)
    return any(level is not None and level >= policy.min_assurance for level in levels)


def linking_policy(services: Services, client_id: str, but: str) -> Policy:
    """Two factors, or one means as strong: what must be proven of an account before another means is linked to it."""
    entries = tuple(
        entry_of(method)
        for method in services.registry.values()
        if method.id != but
        and not method.is_temporary
        and (method.default_after or method.assurance >= Assurance.MEDIUM)
    )
    now = services.now()
    return _policy(client_id, now, entries, Assurance.MEDIUM).under(services.configuration.suspensions(), now)


def _policy(client_id: str, now: datetime, entries: tuple[MethodEntry, ...], level: Assurance) -> Policy:
    return Policy("own_means", client_id, now, entries, min_assurance=level, max_age=FRESH)


def entry_of(method: Method) -> MethodEntry:
    """How a method is asked for where no policy says."""
    return MethodEntry(method.id, after=method.default_after, options=method.own_options)


def recent(services: Services, proofs: Iterable[Proof]) -> list[Proof]:
    """Those that are fresh, and say something of the account where no policy does."""
    return [proof for proof in proofs if services.now() - proof.at <= FRESH and counts(services, proof)]


def counts(services: Services, proof: Proof) -> bool:
    """False for a proof that was not made under the conditions with which its method is asked here, or is void."""
    method = services.registry.get(proof.method)
    is_void = services.configuration.suspensions().void(proof)
    return method is not None and not is_void and MethodEntry(method.id, options=method.own_options).matches(proof)


def _level(needs: Needs, first: Method | None, stored: Sequence[Credential], ceiling: Assurance) -> Assurance:
    """Two factors of the same anchor (a mailbox, and a password that was set through it) are one."""
    # Of several that will do the best one counts: it is what the holder can show.
    enrolled = max((c.enrolled for c in stored if c.kind in needs.credentials), default=Assurance.HIGH)
    own = claimable(ceiling, [enrolled])
    if first is None:
        return own
    anchors = {c.anchor for c in stored if c.kind in first.needs.credentials}
    is_one_mailbox = needs.identity == "email" and anchors == {"mailbox"}
    return own if is_one_mailbox else max(own, claimable(Assurance.MEDIUM, [enrolled]))
