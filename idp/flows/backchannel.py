"""Telling services that sessions have ended (OIDC Back-Channel Logout 1.0), by the worker.

What the session's end wrote into the outbox says whom to tell; the token is made at each try, for it lives two minutes.
"""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock

import structlog

from idp.domain.audit import AuditEvent
from idp.domain.client import Client
from idp.domain.ids import new_id
from idp.flows.alerts import PROVIDER, raise_alert
from idp.flows.services import Services
from idp.flows.subjects import session_identifier, subject
from idp.outgoing import Unreachable
from idp.store import Tx
from idp.store.outbox import Letter, Logout
from keys.jws import sign_jwt
from keys.signer import KeyUnavailable

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_LIFETIME = timedelta(minutes=2)
GIVE_UP_AFTER = timedelta(hours=24)  # a service that is away holds its notices back: they do not wait for ever
BUSY = timedelta(seconds=1)
FIRST_REST, LONGEST_REST = timedelta(seconds=10), timedelta(minutes=5)
SLOW_S = 1.0
MAX_ANSWER_BYTES = 4096


class Backchannel:
    """One worker's deliveries, in as many threads as call `deliver_next`.

    A service is tried once at a time. After a failure it rests, longer each time; one that is slow rests thrice as long
    as it took: of the threads that all share it takes a small part.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = Lock()
        self._busy: set[str] = set()
        self._rests: dict[str, tuple[datetime, int]] = {}  # until when, after how many failures in a row

    def deliver_next(self) -> bool:
        """Try the next notice that is due; False if there is none."""
        services = self._services
        with services.db.read() as tx:
            if not tx.outbox.is_due(services.now(), logouts=True):
                return False
        with services.db.write() as tx:
            letter = tx.outbox.lease_next(services.now(), logouts=True)
        if letter is None:
            return False
        notice = Logout.from_bytes(letter.sealed)
        if letter.is_spent or services.now() - letter.created_at >= GIVE_UP_AFTER:
            with services.db.write() as tx:
                if tx.outbox.give_up(letter):
                    self._note_loss(tx, notice, "too late")
            return True
        until = self._enter(notice.client_id)
        if until is not None:
            with services.db.write() as tx:
                tx.outbox.postpone(letter, until)
            return True
        started, has_failed = time.monotonic(), True
        try:
            has_failed = self._try(letter, notice)
        finally:
            self._leave(notice.client_id, time.monotonic() - started, has_failed=has_failed)
        return True

    def _try(self, letter: Letter, notice: Logout) -> bool:
        """True if the service must be tried again."""
        services = self._services
        log = structlog.get_logger().bind(logout=letter.outbox_id, client_id=notice.client_id)
        with services.db.read() as tx:
            client = tx.clients.get(notice.client_id)
        status, problem, result = 0, "", "no service to tell of a logout: it is gone, or wants to hear no more"
        if client is not None and client.backchannel_logout_uri:
            try:
                form = {"logout_token": logout_token(services, client, notice)}
                status = services.outgoing.post_form(
                    client.backchannel_logout_uri, form, max_bytes=MAX_ANSWER_BYTES
                ).status
                problem = "" if status in {200, 204, 400} else f"status {status}"
                result = "service refused a logout" if status == 400 else "service told of a logout"
            except Unreachable as error:
                problem = f"{error.reason}: {error}"
            except KeyUnavailable as error:
                problem = str(error)
        with services.db.write() as tx:
            if problem:
                log.warning("service not told of a logout", cause=problem, attempts=letter.attempts)
                if not tx.outbox.retry(letter, services.now()):
                    self._note_loss(tx, notice, problem)
                return True
            tx.outbox.done(letter)
            if status == 400:  # §2.8: it understood, and will not; another try would say the same
                self._record(tx, "logout.refused", notice, "refused", {})
            log.info(result)
        return False

    def _note_loss(self, tx: Tx, notice: Logout, reason: str) -> None:
        self._record(tx, "logout.given_up", notice, "failed", {"reason": reason})
        raise_alert(self._services, tx, "logout.given_up", client_id=notice.client_id, reason=reason)

    def _record(self, tx: Tx, name: str, notice: Logout, outcome: str, detail: Mapping[str, str]) -> None:
        detail = {"session": notice.session_id, **detail}
        event = AuditEvent(name, PROVIDER, notice.account_id, notice.client_id, outcome, detail)
        self._services.record(tx, event)

    def _enter(self, client_id: str) -> datetime | None:
        """None: the service may be tried, by this thread alone. Otherwise when to ask again."""
        now = self._services.now()
        with self._lock:
            rests_until, _ = self._rests.get(client_id, (now, 0))
            if rests_until > now:
                return rests_until
            if client_id in self._busy:
                return now + BUSY
            self._busy.add(client_id)
        return None

    def _leave(self, client_id: str, took_s: float, *, has_failed: bool) -> None:
        with self._lock:
            self._busy.discard(client_id)
            _, failures = self._rests.pop(client_id, (None, 0))
            rest = timedelta(seconds=3 * took_s if took_s >= SLOW_S else 0)
            if has_failed:
                rest = max(rest, min(FIRST_REST * 2 ** min(failures, 10), LONGEST_REST))
            if rest:
                self._rests[client_id] = (self._services.now() + rest, failures + 1 if has_failed else 0)


def logout_token(services: Services, client: Client, notice: Logout) -> str:
    """Back-Channel Logout §2.4: never a nonce, so that nobody takes it for an ID Token. Raises KeyUnavailable."""
    now = services.now()
    issued_at = int(now.timestamp())
    claims = {
        "iss": services.settings.issuer,
        "aud": client.client_id,
        "iat": issued_at,
        "exp": issued_at + int(TOKEN_LIFETIME.total_seconds()),
        "jti": new_id(),
        "events": {EVENT: {}},
        "sub": subject(services, client, notice.account_id),
        "sid": session_identifier(services, client, notice.session_id),
    }
    return sign_jwt(services.signer, client.id_token_alg, claims, typ="logout+jwt", now=now)
