"""Refresh tokens: when one may be used (RFC 6749 §6, RFC 9700 §4.14.2, OIDC Core §11 and §12)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.account import Account
from idp.domain.authn import Assurance, Proof
from idp.domain.grant import Grant
from idp.domain.policy import Policy
from idp.domain.session import Session

GRACE = timedelta(seconds=10)  # for an answer that was lost: the token may be sent once more


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token with what it depends on, as SQL knows it at one instant.

    used_at: when it was exchanged, or withdrawn. session: the one that the grant was made in, None once it was ended.
    holder: the account, without its identities. is_entitled: the client is enabled, and for everybody or for this
    account. client_scopes: those that the client has today.
    """

    token_digest: str
    grant: Grant
    created_at: datetime
    used_at: datetime | None
    session: Session | None
    holder: Account
    is_entitled: bool
    client_scopes: frozenset[str]

    @property
    def ends_at(self) -> datetime | None:
        """The absolute end: the grant's for offline access, the session's otherwise."""
        return self.grant.offline_until or (self.session.expires_at if self.session else None)

    def problem(
        self, policy: Policy | None, now: datetime, *, idle: timedelta, reach: Mapping[str, Assurance]
    ) -> str | None:
        """What forbids using it, for the log; None if nothing does. Says nothing of `used_at`.

        policy: the client's in force today; reach: the methods that are enabled. idle: idle life of a session.
        """
        grant = self.grant
        if grant.revoked_at is not None:
            return "the grant was revoked"
        if grant.offline_until is None and not (self.session and self.session.is_alive(now, idle)):
            return "the session has ended"
        if grant.offline_until is not None and now >= grant.offline_until:
            return "the offline access has ended"
        if not self.holder.is_active:
            return "the account is not active"
        if not self.is_entitled:
            return "the account has no access to the client"
        if not self.client_scopes.issuperset(grant.scope):
            return "a scope was taken from the client"
        signed_in_at = self.holder.signed_in_at
        if policy is None or grant.proof is None or not accepts(policy, grant.proof, now, reach, signed_in_at):
            return "the policy of today does not accept the proof"
        return None


def accepts(
    policy: Policy, proof: Proof, now: datetime, reach: Mapping[str, Assurance], signed_in_at: datetime | None
) -> bool:
    """Whether `policy` takes a proof of an earlier day: method, assurance and age, by methods that are enabled, and
    after a login by the account's own means where an entry wants one.
    """
    if any(method not in reach for method in (proof.method, proof.after) if method is not None):
        return False
    if policy.max_age is not None and (not policy.max_age or now - proof.at > policy.max_age):
        return False
    is_due = any(entry.matches(proof) and entry.is_due(signed_in_at) for entry in policy.methods)
    return is_due and policy.accepts(proof)
