"""Passkeys that accounts enrolled by themselves, as methods ask for them."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from idp.domain.audit import AuditEvent
from idp.domain.enrolled import PASSKEY, CredentialRecord, NewPasskey, RelyingParty
from idp.domain.ids import digest
from idp.domain.interaction import LIFETIME
from idp.domain.throttle import NOTICES
from idp.errors import JourneyError
from idp.flows import notices
from idp.flows.alerts import raise_alert
from idp.flows.services import Services
from idp.methods.base import Subject
from idp.settings import Settings
from idp.store import Tx

COPIED, SPENT = "passkey.copied", "passkey_challenge"


def relying_party(settings: Settings) -> RelyingParty:
    """Whom the passkeys of this provider are for."""
    return RelyingParty(urlsplit(settings.issuer).hostname or "", settings.origin)


def write_passkey(tx: Tx, account_id: str, credential_id: str, made: NewPasskey, user_handle: bytes) -> None:
    """Beside its credential; the account is locked. Raises JourneyError: of two first passkeys at once, made for
    different user handles, one counts; InvalidOperation if it is known.
    """
    handle = tx.passkeys.handle(account_id)
    if handle is None:
        tx.passkeys.set_handle(account_id, user_handle)
    elif handle != user_handle:
        raise JourneyError("interaction_busy", status=409, detail="another user handle meanwhile")
    tx.passkeys.add(credential_id, made)


class StoredPasskeys:
    """Finds passkeys in SQL, and notices a counter that went back."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.party = relying_party(services.settings)

    def of(self, subject: Subject) -> Sequence[CredentialRecord]:
        with self._services.db.read() as tx:
            return tx.passkeys.of(subject.account_id or "")

    def find(self, webauthn_id: bytes) -> CredentialRecord | None:
        with self._services.db.read() as tx:
            return tx.passkeys.find(webauthn_id)

    def spend(self, challenge: bytes) -> None:
        if not self._services.ephemeral.once(SPENT, digest(challenge.hex()), LIFETIME):
            raise JourneyError("interaction_busy", status=409, detail="this challenge was answered")

    def count(self, record: CredentialRecord, sign_count: int) -> bool:
        services, account_id = self._services, record.account_id
        with services.db.write() as tx:
            if tx.passkeys.count(record.credential_id, sign_count):
                return True
            detail = {"means": record.credential_id, "counter": str(sign_count)}
            services.record(tx, AuditEvent(COPIED, "anonymous", account_id, outcome="refused", detail=detail))
            self._tell_holder(tx, record)
            raise_alert(services, tx, COPIED, account_id=account_id, means=record.credential_id)
        return False

    def _tell_holder(self, tx: Tx, record: CredentialRecord) -> None:
        """Whoever was late sees the refusal; if that was the copy, its holder hears of it in no other way."""
        account, now = tx.accounts.get(record.account_id), self._services.now()
        if account is None or tx.throttle.take(f"{COPIED}:{record.credential_id}", NOTICES, now):
            return
        notices.tell(self._services, tx, account, COPIED, means=record.credential_id, method=PASSKEY)
