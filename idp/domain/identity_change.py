"""A change of what identifies an account, as support asks for it: by two operators, and not before its holder had time
to say no.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from idp.domain.account import mask_email
from idp.domain.means import NATIONAL

EMAIL = "email"
KINDS = NATIONAL | {EMAIL}
HOLDER_HAS = timedelta(hours=24)  # since the approval, to confirm or to refuse
PROPOSAL_LASTS = timedelta(days=7)


class ChangeState(StrEnum):
    """PROPOSED until another operator agrees; APPROVED until its holder answers, or had the time to. The others are
    final.
    """

    PROPOSED = "proposed"
    APPROVED = "approved"
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


OPEN = frozenset({ChangeState.PROPOSED, ChangeState.APPROVED})


@dataclass(frozen=True, slots=True)
class IdentityChange:
    """One row of `identity_change`.

    kind: one of KINDS; value: as it is stored once the change is done. method: the one that a national identity is
    linked to. proposed_by, approved_by: names, as the audit has them; …_account: the account of that operator, if they
    have one. approved_by is None where one operator is enough (`console_two_operators`). due_at: when it is done if the
    holder says nothing. told: the address that the holder was written to; None if there was none. ended_at, ended_by:
    when it came to its final state, and by whom. version: of a compare-and-set; every write raises it by one.
    """

    change_id: str
    account_id: str
    kind: str
    value: str = field(repr=False)
    method: str | None
    reason: str
    proposed_by: str
    proposed_account: str | None
    proposed_at: datetime
    state: ChangeState = ChangeState.PROPOSED
    version: int = 1
    approved_by: str | None = None
    approved_account: str | None = None
    approved_at: datetime | None = None
    due_at: datetime | None = None
    told: str | None = field(default=None, repr=False)
    token_digest: str | None = field(default=None, repr=False)
    ended_at: datetime | None = None
    ended_by: str | None = None
    note: str | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def expires_at(self) -> datetime:
        """Of a proposal that nobody decides."""
        return self.proposed_at + PROPOSAL_LASTS

    @property
    def masked(self) -> str:
        """Enough to recognise one's own: the mailbox that reads it may be another's."""
        return mask_email(self.value) if self.kind == EMAIL else f"•••{self.value[-4:]}"

    @property
    def operators(self) -> tuple[str, ...]:
        """Accounts of those who proposed and approved it."""
        return tuple(each for each in (self.proposed_account, self.approved_account) if each)
