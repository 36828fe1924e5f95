"""What the driver hands to a method: the ports of its Context."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.account import Account, mask_email
from idp.domain.audit import AuditEvent
from idp.domain.ids import new_id
from idp.domain.interaction import LIFETIME
from idp.domain.throttle import ATTEMPTS, MAILS
from idp.errors import JourneyError
from idp.flows import card_tickets, letters
from idp.flows.alerts import raise_alert
from idp.flows.emergency import IssuedCodes
from idp.flows.enrolled import StoredPasskeys
from idp.flows.enrolled_codes import StoredCodes
from idp.flows.qr.requests import StoredPhones
from idp.flows.services import Services
from idp.flows.visits import Visit
from idp.methods.base import Context, Method, PasswordMatch, Subject, TooManyAttempts
from idp.pki import CardHolder, CardRefused, CardTrust
from idp.store import Tx
from idp.web import card_hop

NEWEST = "newest_letter"


@dataclass(frozen=True, slots=True)
class Sending:
    """A letter that a step wants to send."""

    id: str
    kind: str
    to: Subject
    values: Mapping[str, str]


class StepOutbox:
    """The letters of one step: queued together with its state, or not at all."""

    def __init__(self, services: Services, method_id: str, client_id: str) -> None:
        self._services, self._method_id, self._client_id = services, method_id, client_id
        self._waiting: list[Sending] = []

    def send(self, kind: str, *, to: Subject, values: Mapping[str, str]) -> str | None:
        with self._services.db.read() as tx:
            if tx.throttle.delay(self._bucket(to), MAILS, self._services.now()):
                return None
        sending = Sending(new_id(), kind, to, values)
        self._waiting.append(sending)
        return sending.id

    def is_newest(self, to: Subject, sending: str) -> bool:
        newest = self._services.ephemeral.get(NEWEST, self._bucket(to))
        return newest is not None and newest["sending"] == sending

    def store(self, save: Callable[[], object]) -> None:
        """Store the step's state (`save`), with its letters if it has any.

        Allowance, letter and audit event are one unit. The state is stored inside it, at its end: if it cannot be,
        because another request was first, nothing was sent. Then, still before the letter can leave, those sent
        earlier end. Should the unit fail after that, the person is told of an error and asks again: no code is good.
        Raises JourneyError if another request took the last of the allowance meanwhile.
        """
        if not self._waiting:
            save()
            return
        with self._services.db.write() as tx:
            for sending in self._waiting:
                self._queue(tx, sending)
            save()
            for sending in self._waiting:
                self._services.ephemeral.put(NEWEST, self._bucket(sending.to), {"sending": sending.id}, LIFETIME)

    def _queue(self, tx: Tx, sending: Sending) -> None:
        services = self._services
        if tx.throttle.take(self._bucket(sending.to), MAILS, services.now()):
            raise JourneyError("interaction_busy", status=409)
        account_id = sending.to.account_id
        values = {**sending.values, "account_id": account_id or "", "lang": services.pages.lang}
        letters.put(services, tx, sending.kind, values)
        detail = {"kind": sending.kind}
        services.record(tx, AuditEvent("login.letter_queued", "anonymous", account_id, self._client_id, detail=detail))

    def _bucket(self, to: Subject) -> str:
        return _bucket(self._method_id, to.key)


def _bucket(method_id: str, key: str) -> str:
    """Where the letters of a method to a person are counted."""
    return f"{method_id}.send:{key}"


@dataclass
class Pending:
    """What a step leaves to the driver: letters to queue, and the attempt that it counted, of whom."""

    outbox: StepOutbox
    bucket: str | None = None
    subject: Subject | None = None


def end_sendings(services: Services, account_id: str) -> None:
    """No code that a method has mailed to this account is good any more: its mailbox is another one now."""
    for method in services.registry.values():
        services.ephemeral.take(NEWEST, _bucket(method.id, account_id))


class StoredPasswords:
    """Checks passwords against SQL; renews a digest that was made with other parameters."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def check(self, subject: Subject, typed: str) -> PasswordMatch | None:
        services = self._services
        with services.db.read() as tx:
            credential = tx.accounts.password(subject.account_id or "")
        if not services.hasher.verify(credential.digest if credential else None, typed) or credential is None:
            return None
        if services.hasher.is_outdated(credential.digest):
            renewed = services.hasher.hash(typed)
            with services.db.write() as tx:
                if tx.accounts.renew_password_digest(credential, renewed):
                    account_id = credential.account_id
                    services.record(tx, AuditEvent("password.rehashed", account_id, account_id))
        return PasswordMatch(credential.credential_id, credential.anchor)


class StoredCards:
    """Reads what a card signed, or the browser's dialog chose, for one login, by the authorities of the settings;
    without them it believes nothing.
    """

    def __init__(self, services: Services, handle: str) -> None:
        self._services, self._handle = services, handle
        self.ports = services.settings.card.reader_ports
        self.help_url = services.settings.card.help_url
        self.has_dialog = services.settings.card.dialog_url is not None

    def authenticate(self, token: str, nonce: str) -> CardHolder:
        origin = self._services.settings.origin
        return self._believed(lambda trust, now: trust.authenticate(token, origin=origin, nonce=nonce, now=now))

    def dialog_url(self, nonce: str) -> str:
        services = self._services
        visa = card_tickets.write_visa(services.data_keys, self._handle, nonce, services.now())
        return f"{services.settings.card.dialog_url}{card_hop.PATH}{visa}"

    def opened(self, ticket: str, nonce: str) -> bytes | None:
        return card_tickets.open_ticket(
            self._services.data_keys, ticket, handle=self._handle, nonce=nonce, now=self._services.now()
        )

    def holder(self, certificate: bytes) -> CardHolder:
        return self._believed(lambda trust, now: trust.holder(certificate, now))

    def _believed(self, judge: Callable[[CardTrust, datetime], CardHolder]) -> CardHolder:
        services = self._services
        if services.card_trust is None:
            raise CardRefused("unknown_authority")
        holder = judge(services.card_trust, services.now())
        if holder.list_ran_out_at is not None:
            self._note_degraded(holder, holder.list_ran_out_at)
        return holder

    def _note_degraded(self, holder: CardHolder, ran_out_at: datetime) -> None:
        """Before the card is believed: if it cannot be audited, nobody is signed in."""
        services = self._services
        detail = {"since": ran_out_at.isoformat()}
        shown = {"certificate": holder.serial, "issuer": holder.issuer}
        with services.db.write() as tx:
            services.record(tx, AuditEvent("card.list_ran_out", "anonymous", detail=detail, personal=shown))
            raise_alert(services, tx, "card.list_ran_out", issuer=holder.issuer)


def attempts_of(method_id: str, key: str) -> str:
    """The bucket in which tries of a method are counted for a person, known browsers aside."""
    return f"{method_id}:{key}"


def count_attempt(services: Services, method: Method, who: Subject, client_id: str) -> str:
    """Count one try; the bucket that it was counted in. Raises TooManyAttempts, recorded, if it comes too early."""
    bucket = attempts_of(method.id, who.key)
    since = services.now() - timedelta(days=services.settings.remember_browser_days)
    with services.db.write() as tx:
        known = method.per_browser and tx.browsers.knows(who.account_id or "", services.browser.hash, since)
        if known:
            bucket += f":{services.browser.hash[:32]}"
        delay = tx.throttle.take(bucket, ATTEMPTS, services.now())
        if delay:
            detail = {"method": method.id, "reason": "too_many_attempts"}
            event = AuditEvent("login.throttled", "anonymous", who.account_id, client_id, "refused", detail)
            services.record(tx, event)
    if delay:
        raise TooManyAttempts(delay)
    return bucket


def subject_of(account: Account) -> Subject:
    """An account as a method sees it."""
    email = account.verified_email
    return Subject(
        key=account.account_id,
        login=account.login_name,
        account_id=account.account_id,
        email=email,
        masked_email=mask_email(email) if email else None,
    )


def state_key(method: Method, subject: Subject | None) -> str:
    """Where a method's state is kept in the Interaction: what was begun for one person proves nobody else."""
    return f"{method.id}:{subject.key}" if subject else method.id


def build(services: Services, visit: Visit, method: Method, subject: Subject | None) -> tuple[Context, Pending]:
    """The Context of one step of one method, and what it will leave to write."""
    pending = Pending(StepOutbox(services, method.id, visit.client.client_id))

    def find(login: str) -> Subject:
        with services.db.read() as tx:
            account = tx.accounts.find_by_login(login)
        if account is None:
            return Subject(key="unknown:" + services.data_keys.mac("login", login), login=login)
        return subject_of(account)

    def take_attempt(who: Subject) -> None:
        pending.bucket = count_attempt(services, method, who, visit.client.client_id)
        pending.subject = who

    entry = next((each for each in visit.policy.methods if each.id == method.id), None)
    after = (entry.after or "") if entry and subject else ""
    context = Context(
        now=services.now(),
        state=dict(visit.interaction.method_state.get(state_key(method, subject), {})),
        subject=subject,
        find=find,
        take_attempt=take_attempt,
        mac=lambda *parts: services.data_keys.mac("method", visit.interaction.id, *parts),
        outbox=pending.outbox,
        passwords=StoredPasswords(services),
        cards=StoredCards(services, visit.interaction.id),
        codes=StoredCodes(services, after=after),
        passkeys=StoredPasskeys(services),
        phones=StoredPhones(
            services,
            handle=visit.interaction.id,
            client_id=visit.client.client_id,
            service=visit.client.name,
            account_id=subject.account_id if subject else None,
        ),
        emergency=IssuedCodes(services),
        service_name=visit.client.name,
        login_hint=visit.request.login_hint or "",
    )
    return context, pending
