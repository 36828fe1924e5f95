"""Audit events: what is recorded, by name. No personal value and no secret in any field."""

from collections.abc import Mapping
from dataclasses import dataclass, field

EVENTS = {
    "login.succeeded": "A proof was accepted and a session opened or strengthened.",
    "login.factor_accepted": "A first factor was right; alone it opens nothing.",
    "login.address_proven": "A first login's address was proven by a code; `account`: whether an account has it.",
    "login.letter_queued": "A method put a letter (a one-time code) into the outbox; one to nobody is dropped later.",
    "login.failed": "A method refused what was given; `reason` says why.",
    "login.method_refused": "A method that the service does not accept was asked for by a forged request.",
    "login.throttled": "An attempt was refused because too many failed before it.",
    "login.qr_approved": "A phone approved the login that a computer showed; `means` is its key.",
    "login.qr_refused": "A phone refused it (`not_me`), or sent three wrong numbers (`number_wrong`): once for its "
    "holder if known, once for whom the first factor named; each is told, three times a day at most. Else for nobody.",
    "login.cancelled": "The person gave up, and the service was told.",
    "authorization.issued": "A service was given an authorization code.",
    "authorization.denied": "A signed-in person has no access to the service.",
    "authorization.consented": "The person agreed to share the data of these scopes with the service.",
    "authorization.refused_consent": "The person refused to share the data with the service.",
    "token.issued": "A code was exchanged for tokens.",
    "token.code_replayed": "A code was used a second time; all that it gave was revoked.",
    "token.issued_to_client": "A service was given a token for itself, in which nobody is named.",
    "token.refreshed": "A refresh token was exchanged for tokens and its successor.",
    "token.refresh_replayed": "A refresh token was used a second time; all that came of its grant was revoked.",
    "token.revoked": "A service gave a token back; `kind` says which: a refresh token dies with its whole grant.",
    "grant.revoked": "The holder ended what a service was given, which stayed connected: its tokens are dead.",
    "session.ended": "A session ended; `reason` says why. With `sessions`: all of an account did, and its grants.",
    "password.reset_requested": "A link to choose a password was mailed.",
    "password.changed": "A password was set; sessions and grants of the account ended.",
    "password.change_refused": "A password was not changed: the present one was wrong.",
    "password.confirmed": "An operator confirmed the holder of a password that was set through the mailbox.",
    "password.rehashed": "A password's digest was renewed with the current parameters.",
    "account.created": "An account was created or imported.",
    "account.status_changed": "An account was activated, suspended or closed.",
    "entitlement.granted": "An account was given access to a service.",
    "consent.withdrawn": "A consent that a service was given was withdrawn, and its tokens revoked.",
    "entitlement.revoked": "An account lost access to a service.",
    "client.created": "A service was registered.",
    "client.enabled": "A service was enabled.",
    "client.disabled": "A service was disabled.",
    "client.changed": "The registration of a service was changed; `changed` names the fields, not what they hold.",
    "client.secret_changed": "A service was given a new secret.",
    "policy.created": "A policy was recorded, from a date on.",
    "keys.rotated": "A new signing key was made; `not_before` says when its use begins.",
    "keys.withdrawn": "A signing key that others may have is neither used nor published any more.",
    "keys.removed": "A signing key that had been retired for 30 days was deleted.",
    "keys.data_rotated": "A data key was added; what is stored is sealed under it from then on.",
    "policy.cancelled": "A policy that was not yet in force was cancelled.",
    "account.identity_dropped": "An operator took a national identity away from an account, and its links.",
    "account.identity_related": "A federation named a further identity of the holder; it was added, `kind` says which.",
    "card.list_ran_out": "A card was believed by a list that ran out; `certificate`, `issuer`, and `since` when.",
    "card.header_forged": "A request stated a card's certificate without coming from the card host; `reason` says why.",
    "passkey.copied": "A passkey's counter went back: there may be a copy of it. Refused; support was alerted.",
    "phone.pin_wrong": "A phone approved with its key and a wrong PIN; `failures` is how many there were in a row.",
    "phone.remembered": "A phone showed a passkey that the account had; it was confirmed on the computer.",
    "phone.revoked": "A phone was taken away after ten wrong PINs in a row; its holder was told.",
    "emergency_code.issued": "An operator issued an emergency code; `reason` says why, `hours` for how long.",
    "emergency_code.refused": "An operator was refused an emergency code for their own account.",
    "emergency_code.used": "An emergency code was right, after the password; `issued_by` says who had issued it.",
    "emergency_code.revoked": "An operator ended an emergency code; if it had been used, sessions and grants with it.",
    "emergency_code.change_refused": "A session that an emergency code opened tried to change the account at `page`.",
    "totp.guessed": "Five wrong codes of an authenticator application in a row; its holder was told.",
    "totp.blocked": "Fifty wrong codes in a row: none counts until another means is used; holder and support are told.",
    "totp.unblocked": "Codes count again: the holder used another means, or an operator allowed it.",
    "means.linked": "A card or a federation was linked to an account, which it signs in from then on.",
    "means.link_refused": "A card or a federation was not linked; `reason` says why; support was alerted.",
    "means.added": "An application, a passkey or a phone was added; `assurance` is that of the proof before it.",
    "means.add_refused": "What was to be added proved nothing: a wrong code, or an answer that does not hold.",
    "means.confirmed": "A stronger proof stands for a means from then on; `assurance` is what it is worth.",
    "means.removed": "A means of authentication was taken away; sessions and grants of the account ended.",
    "account.code_sent": "A code was sent to a new address or telephone number; `kind` says which.",
    "account.code_refused": "A code for a new address or telephone number was wrong.",
    "account.email_changed": "An account was given another address; reset links and other sessions ended.",
    "account.phone_changed": "An account was given another telephone number, or none; `verified` by a code, or not.",
    "account.profile_changed": "Data of an account were changed; `changed` names the fields, not what they hold.",
    "account.picture_changed": "The holder sent another picture, or removed it.",
    "account.not_me": "A holder reported a change that was not theirs: it was revoked, sessions and grants ended.",
    "account.exported": "The holder downloaded everything that is stored about them.",
    "account.close_requested": "The holder asked for the account to be closed; support was alerted, and decides.",
    "account.close_withdrawn": "The holder withdrew the request to close the account.",
    "letter.given_up": "A letter could not be sent and is not tried any more.",
    "outbox.retried": "An operator put messages that were given up back, for as many tries as at first.",
    "logout.refused": "A service that was told of the end of a session answered that it will not act (400).",
    "logout.given_up": "A service could not be told of the end of a session and is not told any more.",
    "alert.raised": "Support was alerted; `kind` says of what.",
    "alert.closed": "An operator closed an alert; `note` is their reason.",
    "audit.personal_forgotten": "Where a person signed in from was deleted beside the events about them.",
    "purge.done": "Rows that were over were deleted; how many of each table.",
}


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event, written in the transaction of the change it speaks of. `name` must be in EVENTS.

    actor: account_id, "operator:<name>", "provider" or "anonymous"; detail: short facts, nothing personal.
    personal: where the person was (network, browser) and what they showed; kept apart, so that it can be purged.
    """

    name: str
    actor: str
    subject: str | None = None
    client_id: str | None = None
    outcome: str = "ok"
    detail: Mapping[str, str] = field(default_factory=dict)
    personal: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in EVENTS:
            raise ValueError(f"undocumented audit event: {self.name}")
