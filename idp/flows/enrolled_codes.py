"""Authenticator applications that accounts enrolled, as methods ask for them: their secrets, sealed."""

from collections.abc import Callable, Sequence

import structlog

from idp.domain.audit import AuditEvent
from idp.domain.authn import Assurance
from idp.domain.enrolled import MOST_OF_A_KIND, TOTP, TotpSecret
from idp.domain.throttle import NOTICES
from idp.flows import letters, own_means
from idp.flows.alerts import raise_alert
from idp.flows.services import Services
from idp.methods.base import Subject
from idp.methods.enrolled import CodesBlocked
from idp.store import Tx
from idp.totp import matching_step, new_secret
from keys.seal import SealBroken

NOBODYS = new_secret()  # compared with in place of those that a person has not, so that it takes as long
TOLD_AFTER, BLOCKED_AFTER = 5, 50  # wrong codes since the last good one, over however many days


def seal(services: Services, credential_id: str, secret: str) -> bytes:
    """The secret of an application, as it is stored."""
    return services.data_keys.seal(secret.encode(), purpose=_purpose(credential_id))


def _opened(services: Services, stored: TotpSecret) -> str | None:
    """None, logged, for one that does not open: its key was taken out of the ring, or it was altered."""
    try:
        return services.data_keys.open(stored.sealed, purpose=_purpose(stored.credential_id)).decode()
    except SealBroken as error:
        structlog.get_logger().error("a secret does not open", credential=stored.credential_id, cause=str(error))
        return None


def _purpose(credential_id: str) -> str:
    return f"totp:{credential_id}"


class StoredCodes:
    """Compares codes with the secrets in SQL; a code counts once, whatever comes of the login.

    A secret stays, unlike a code that is mailed, so that guesses add up: they are counted from one success to the next.
    """

    def __init__(self, services: Services, *, after: str = "") -> None:
        """after: the method that proved the person before, if one did."""
        self._services, self._after = services, after

    def check(self, subject: Subject, typed: str) -> str | None:
        services, account_id = self._services, subject.account_id or ""
        with services.db.write() as tx:
            stored = self._unblocked(tx, account_id)
            counted = tx.totp_secrets.count_try(account_id, services.now(), most=BLOCKED_AFTER)
        steps = self._steps(counted, typed)
        for credential_id, step in steps:
            if step is None:
                continue
            with services.db.write() as tx:
                if tx.totp_secrets.spend(credential_id, step):
                    tx.totp_secrets.forgive(account_id)
                    return credential_id
        if stored and not counted:
            raise CodesBlocked
        self._note(account_id, max((each.tries for each in counted), default=0))
        return None

    def _steps(self, counted: Sequence[TotpSecret], typed: str) -> list[tuple[str, int | None]]:
        """The step of each secret whose code this is. As many are compared, whoever it is."""
        now = self._services.now()
        opened = [(each.credential_id, _opened(self._services, each)) for each in counted]
        secrets = [(credential_id, secret) for credential_id, secret in opened if secret]
        secrets += [("", NOBODYS)] * (MOST_OF_A_KIND - len(secrets))
        return [(credential_id, matching_step(secret, typed, now)) for credential_id, secret in secrets]

    def _unblocked(self, tx: Tx, account_id: str) -> list[TotpSecret]:
        """What the account has; blocked no more if it was proven by other means since, and two factors of them."""
        stored = tx.totp_secrets.of(account_id)
        since = max((each.blocked_at for each in stored if each.blocked_at), default=None)
        if since is None:
            return stored
        proofs = tx.sessions.proofs_since(account_id, since)
        others = [each for each in proofs if each.method != TOTP and each.until is None]
        others = [each for each in others if own_means.counts(self._services, each)]
        if any(proof.assurance >= Assurance.MEDIUM for proof in others):
            tx.totp_secrets.forgive(account_id)
            self._services.record(tx, AuditEvent("totp.unblocked", "provider", account_id))
        return stored

    def _note(self, account_id: str, tries: int) -> None:
        """Whoever guesses after the password knows it: the best sign there is."""
        if tries not in (TOLD_AFTER, BLOCKED_AFTER):
            return
        services, is_blocked = self._services, tries == BLOCKED_AFTER
        name = "totp.blocked" if is_blocked else "totp.guessed"
        with services.db.write() as tx:
            account = tx.accounts.get(account_id)
            detail = {"tries": str(tries), **({"after": self._after} if self._after else {})}
            services.record(tx, AuditEvent(name, "anonymous", account_id, outcome="refused", detail=detail))
            too_many = tx.throttle.take(f"{name}:{account_id}", NOTICES, services.now())
            if account and not too_many:
                values = {"tries": str(tries), "after": self._after, "blocked": "yes" if is_blocked else ""}
                letters.tell(services, tx, account, "codes_guessed", services.pages.lang, **values)
            if is_blocked:
                raise_alert(services, tx, name, account_id=account_id)


def seal_again(services: Services, *, is_stopped: Callable[[], bool] = lambda: False) -> bool:
    """Seal every secret under the newest data key; then older ones may go, which `sesame doctor` says.

    One that does not open is passed by. False: there is never more to do.
    """
    header, done, last = services.data_keys.seal_header, 0, ""
    while not is_stopped():
        with services.db.read() as tx:
            page = tx.totp_secrets.sealed_otherwise(header, after=last)
        if not page:
            break
        for stored in page:
            if secret := _opened(services, stored):
                with services.db.write() as tx:
                    done += tx.totp_secrets.seal_again(stored, seal(services, stored.credential_id, secret))
        last = page[-1].credential_id
    if done:
        structlog.get_logger().info("secrets sealed under the newest data key", count=done)
    return False
