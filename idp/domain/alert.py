"""Alerts: what support must look at, by kind.

No secret in any field; no personal value, but in the `reason` that a holder wrote to support.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

NOT_ME = "account.not_me"
CLOSE_REQUESTED = "account.close_requested"
CHANGED_ALONE = "identity_change.alone"
NOT_ASKED = "identity_change.not_asked"
STOPPED = "identity_change.stopped"
KINDS = {
    NOT_ME: "A holder says that a change was not theirs. The mailbox lets nobody in until this is closed.",
    CLOSE_REQUESTED: "A holder asks for the account to be closed: close it if nothing forbids, and then this.",
    NOT_ASKED: "A holder refused a change of address or of a national identity that two operators had agreed on.",
    STOPPED: "An approved change of address or of a national identity could not be done; `reason` says why.",
    CHANGED_ALONE: "One operator changed an address or linked a card alone, by the command line (`--alone`).",
    "link.names_differ": "The names on a card or of a federation are not those of the account that it is for.",
    "link.identity_taken": "A card or a federation was to be linked to an account, and its identity is another's.",
    "link.other_identity": "A card or a federation is for an account that holds another identity, or for two accounts.",
    "token.code_replayed": "An authorization code was used a second time: it may have been read on its way.",
    "token.refresh_replayed": "A refresh token was used again after its successor: somebody else may hold it.",
    "letters.given_up": "Letters could not be sent: the mail system refuses them, or was away for too long.",
    "logout.given_up": "A service could not be told that sessions ended: people may still be signed in there.",
    "audit.late": "Audit events are far older than their neighbours: a clock is wrong, or they were inserted.",
    "card.list_not_fetched": "The worker cannot fetch a revocation list of cards that runs out soon, or that none has.",
    "card.list_ran_out": "Somebody signed in by a revocation list of cards that ran out (card.revocation_max_age_h).",
    "totp.blocked": "Fifty wrong codes of an authenticator application in a row: somebody may know the password.",
    "passkey.copied": "The counter of a passkey went back: somebody may have a copy of it. The login was refused.",
    "emergency_code.used": "Somebody signed in by an emergency code: check with who issued it that it was asked for.",
    "keys.rotation_failed": "The worker could not replace signing keys: look before those in use grow too old.",
}
RAISED_AGAIN_AFTER = timedelta(hours=1)
ABOUT = ("client_id", "means", "authority", "issuer")


@dataclass(frozen=True, slots=True)
class Alert:
    """`kind` must be in KINDS; account_id: whom it is about, if anybody; detail: short facts."""

    alert_id: str
    kind: str
    at: datetime
    account_id: str | None = None
    detail: Mapping[str, str] = field(default_factory=dict)
    closed_at: datetime | None = None
    closed_by: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"undocumented alert: {self.kind}")

    def is_same(self, other: "Alert") -> bool:
        """About the same account, service, means, and authority of cards."""
        mine, its = (tuple(alert.detail.get(name) for name in ABOUT) for alert in (self, other))
        return (self.kind, self.account_id, mine) == (other.kind, other.account_id, its)
