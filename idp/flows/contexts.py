"""What the driver hands to a method: the ports of its Context."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from idp.domain.account import Account, mask_email
from idp.domain.audit import AuditEvent
from idp.domain.throttle import ATTEMPTS, MAILS
from idp.flows import letters
from idp.flows.services import Services
from idp.flows.visits import Visit
from idp.methods.base import Context, Method, PasswordMatch, Subject, TooManyAttempts
from idp.store import Tx


@dataclass
class Pending:
    """What a step leaves to be written once it is committed."""

    letters: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    bucket: str | None = None
    subject: Subject | None = None

    def put(self, kind: str, *, to: Subject, values: Mapping[str, str]) -> None:
        self.letters.append((kind, {**values, "account_id": to.account_id or ""}))

    def commit(self, services: Services, tx: Tx, client_id: str) -> None:
        for kind, values in self.letters:
            letters.put(services, tx, kind, {**values, "lang": services.pages.lang})
            subject = values["account_id"] or None
            event = AuditEvent("login.letter_queued", "anonymous", subject, client_id, detail={"kind": kind})
            services.record(tx, event)


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


def attempts_of(method_id: str, key: str) -> str:
    """The bucket in which tries of a method are counted for a person, known browsers aside."""
    return f"{method_id}:{key}"


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
    pending = Pending()

    def find(login: str) -> Subject:
        with services.db.read() as tx:
            account = tx.accounts.find_by_login(login)
        if account is None:
            return Subject(key="unknown:" + services.data_keys.mac("login", login), login=login)
        return subject_of(account)

    def take_attempt(who: Subject) -> None:
        bucket = attempts_of(method.id, who.key)
        since = services.now() - timedelta(days=services.settings.remember_browser_days)
        with services.db.write() as tx:
            known = method.per_browser and tx.accounts.knows_browser(who.account_id or "", services.browser.hash, since)
            if known:
                bucket += f":{services.browser.hash[:32]}"
            delay = tx.throttle.take(bucket, ATTEMPTS, services.now())
            if delay:
                detail = {"method": method.id, "reason": "too_many_attempts"}
                event = AuditEvent(
                    "login.throttled", "anonymous", who.account_id, visit.client.client_id, "refused", detail
                )
                services.record(tx, event)
        if delay:
            raise TooManyAttempts(delay)
        pending.bucket, pending.subject = bucket, who

    def allow(who: Subject) -> bool:
        with services.db.write() as tx:
            return not tx.throttle.take(f"{method.id}.send:{who.key}", MAILS, services.now())

    context = Context(
        now=services.now(),
        state=dict(visit.interaction.method_state.get(state_key(method, subject), {})),
        subject=subject,
        find=find,
        take_attempt=take_attempt,
        allow=allow,
        mac=lambda *parts: services.data_keys.mac("method", visit.interaction.id, *parts),
        outbox=pending,
        passwords=StoredPasswords(services),
        service_name=visit.client.name,
        login_hint=visit.request.login_hint or "",
    )
    return context, pending
