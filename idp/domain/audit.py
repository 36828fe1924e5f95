"""Audit events: what is recorded, by name. No personal value and no secret in any field."""

from collections.abc import Mapping
from dataclasses import dataclass, field

EVENTS = {
    "login.succeeded": "A proof was accepted and a session opened or strengthened.",
    "login.factor_accepted": "A first factor was right; alone it opens nothing.",
    "login.letter_queued": "A method put a letter (a one-time code) into the outbox; one to nobody is dropped later.",
    "login.failed": "A method refused what was given; `reason` says why.",
    "login.method_refused": "A method that the service does not accept was asked for by a forged request.",
    "login.throttled": "An attempt was refused because too many failed before it.",
    "login.cancelled": "The person gave up, and the service was told.",
    "authorization.issued": "A service was given an authorization code.",
    "authorization.denied": "A signed-in person has no access to the service.",
    "authorization.refused_consent": "The person refused to share the data with the service.",
    "token.issued": "A code was exchanged for tokens.",
    "token.code_replayed": "A code was used a second time; all that it gave was revoked.",
    "session.ended": "A session ended; `reason` says why.",
    "password.reset_requested": "A link to choose a password was mailed.",
    "password.changed": "A password was set; sessions and grants of the account ended.",
    "password.confirmed": "An operator confirmed the holder of a password that was set through the mailbox.",
    "password.rehashed": "A password's digest was renewed with the current parameters.",
    "account.created": "An account was created or imported.",
    "account.status_changed": "An account was activated, suspended or closed.",
    "entitlement.granted": "An account was given access to a service.",
    "entitlement.revoked": "An account lost access to a service.",
    "client.created": "A service was registered.",
    "client.enabled": "A service was enabled.",
    "client.disabled": "A service was disabled.",
    "client.secret_changed": "A service was given a new secret.",
    "policy.created": "A policy was recorded, from a date on.",
    "keys.rotated": "A new signing key was made; `not_before` says when its use begins.",
    "policy.cancelled": "A policy that was not yet in force was cancelled.",
}


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event, written in the transaction of the change it speaks of. `name` must be in EVENTS.

    actor: account_id, "operator:<name>" or "anonymous"; detail: short facts.
    """

    name: str
    actor: str
    subject: str | None = None
    client_id: str | None = None
    outcome: str = "ok"
    detail: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in EVENTS:
            raise ValueError(f"undocumented audit event: {self.name}")
