"""Codes that prove that a new address or telephone number is the holder's, before it becomes the account's."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from idp.domain.audit import AuditEvent
from idp.domain.codes import six_digits
from idp.domain.throttle import ATTEMPTS, MAILS
from idp.errors import JourneyError
from idp.flows import letters
from idp.flows.contexts import attempts_of
from idp.flows.portal.door import Visitor
from idp.flows.services import Services

LIFETIME = timedelta(minutes=10)
RESEND_AFTER = timedelta(seconds=60)
MAX_TRIES = 5
KINDS = ("email", "phone")


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a code does not count. code: a key of PROBLEMS; wait: until the next try, where that is why."""

    code: str
    wait: timedelta = timedelta(0)


class ContactCode:
    """What a contact is to become, until its code is given: of an account one, the newest, in the session that asked.

    The code itself is not stored, but a keyed digest that is bound to account, session and value.
    """

    def __init__(self, services: Services, kind: str) -> None:
        """kind: one of KINDS; the letter is `<kind>_code`."""
        self._services, self._kind, self._store = services, kind, f"contact_{kind}"

    def value(self, visitor: Visitor) -> str | None:
        """What waits for its code in this session."""
        found = self._mine(visitor)
        return None if found is None else found[0]["value"]

    def wait(self, visitor: Visitor) -> timedelta:
        """Until another code may be asked for."""
        found = self._mine(visitor)
        if found is None:
            return timedelta(0)
        return max(datetime.fromisoformat(found[0]["sent_at"]) + RESEND_AFTER - self._services.now(), timedelta(0))

    def send(self, visitor: Visitor, value: str, to: str) -> Wrong | None:
        """Send a code to `to`; the one before ends. Allowance, letter and event are one unit, stored with the rest."""
        services, now, account_id = self._services, self._services.now(), visitor.account.account_id
        services.network.slow_down()
        code = f"{secrets.randbelow(1_000_000):06d}"
        minutes = LIFETIME // timedelta(minutes=1)
        with services.db.write() as tx:
            if wait := tx.throttle.take(f"{self._store}.send:{account_id}", MAILS, now):
                return Wrong("too_many_codes", wait)
            values = {"to": to, "code": code, "minutes": str(minutes), "lang": services.pages.lang}
            letters.put(services, tx, f"{self._kind}_code", values)
            detail = {"kind": self._kind}
            services.record(tx, AuditEvent("account.code_sent", account_id, account_id, detail=detail))
            pending = {
                "session_id": visitor.session.session_id,
                "value": value,
                "mac": self._mac(visitor, value, code),
                "tries": 0,
                "sent_at": now.isoformat(),
                "expires_at": (now + LIFETIME).isoformat(),
            }
            services.ephemeral.renew(self._store, account_id, pending, LIFETIME)
        return None

    def check(self, visitor: Visitor, typed: str) -> str | Wrong:
        """The value that the right code confirms, once. Raises JourneyError if another request was first."""
        services, account_id = self._services, visitor.account.account_id
        services.network.slow_down()
        found, code = self._mine(visitor), six_digits(typed)
        if found is None:
            return Wrong("code_expired")
        if code is None:
            return Wrong("code_malformed")
        pending, version = found
        if pending["tries"] >= MAX_TRIES:
            return Wrong("code_worn_out")
        bucket = attempts_of(self._store, account_id)
        with services.db.write() as tx:
            wait = tx.throttle.take(bucket, ATTEMPTS, services.now())
        if wait:
            return Wrong("too_many_attempts", wait)
        value: str = pending["value"]
        is_right = hmac.compare_digest(self._mac(visitor, value, code), pending["mac"])
        tried = {**pending, "tries": pending["tries"] + 1}
        expires_at = datetime.fromisoformat(pending["expires_at"])
        if not services.ephemeral.swap(self._store, account_id, version, tried, expires_at):
            raise JourneyError("interaction_busy", status=409)
        return self._accept(value, account_id, bucket) if is_right else self._refuse(account_id)

    def _accept(self, value: str, account_id: str, bucket: str) -> str:
        """The version was ours, so that no other request accepts the same code; it ends here."""
        self.drop(account_id)
        with self._services.db.write() as tx:
            tx.throttle.forgive(bucket)
        return value

    def _refuse(self, account_id: str) -> Wrong:
        services, detail = self._services, {"kind": self._kind}
        services.network.note_failure()
        with services.db.write() as tx:
            event = AuditEvent("account.code_refused", account_id, account_id, outcome="refused", detail=detail)
            services.record(tx, event)
        return Wrong("code_wrong")

    def drop(self, account_id: str) -> None:
        """Whatever waits is not to be."""
        self._services.ephemeral.take(self._store, account_id)

    def _mine(self, visitor: Visitor) -> tuple[dict[str, Any], int] | None:
        found = self._services.ephemeral.get_versioned(self._store, visitor.account.account_id)
        return found if found and found[0]["session_id"] == visitor.session.session_id else None

    def _mac(self, visitor: Visitor, value: str, code: str) -> str:
        mine = visitor.account.account_id, visitor.session.session_id
        return self._services.data_keys.mac(self._store, *mine, value, code)
