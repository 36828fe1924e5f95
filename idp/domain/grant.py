"""What a client was given: the parent of a code and of the tokens that came of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from idp.domain.authn import Proof

CODE_LIFETIME = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Grant:
    """One answered authorization request. The code's digest lives in the same row, so redeeming is one UPDATE.

    proof: what answered it, which a policy of a later day must still accept at each refresh. offline_until: absolute
    end of a grant that outlives its session (offline_access).
    """

    grant_id: str
    account_id: str
    client_id: str
    session_id: str
    scope: tuple[str, ...]
    redirect_uri: str
    acr: str
    amr: tuple[str, ...]
    auth_time: datetime
    created_at: datetime
    nonce: str | None = None
    code_challenge: str | None = None
    userinfo_claims: tuple[str, ...] = ()
    id_token_claims: tuple[str, ...] = ()
    proof: Proof | None = field(default=None, repr=False)
    offline_until: datetime | None = None
    redeemed_at: datetime | None = None
    revoked_at: datetime | None = None

    def code_is_dead(self, now: datetime) -> bool:
        return now >= min(self.created_at + CODE_LIFETIME, self.until or now + CODE_LIFETIME)

    @property
    def until(self) -> datetime | None:
        """When everything that it gave ends, if a temporary proof answered the request."""
        return self.proof.until if self.proof else None
