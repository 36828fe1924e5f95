"""What a phone's answer comes to: the number, then the key, then one swap; or a refusal, audited and told."""

import base64
from dataclasses import dataclass
from datetime import timedelta

import structlog

from idp.ceremonies import PasskeyRefused, read_answer, request_options, verify_assertion
from idp.domain import phone_request as domain
from idp.domain.audit import AuditEvent
from idp.domain.enrolled import PHONE
from idp.domain.phone import KnownPhone, signed_text
from idp.domain.phone_request import Approval, PhoneRequest, RequestRefused, State
from idp.domain.throttle import NOTICES
from idp.flows import letters
from idp.flows.enrolled import StoredPasskeys
from idp.flows.qr import phone_keys, requests
from idp.flows.services import Services
from idp.methods.base import Subject
from idp.methods.qr_code import QrCode


class KeyRefused(Exception):
    """What unlocks the approval does not do; the request waits for another try. wait: before the next PIN."""

    def __init__(self, code: str, *, who: str | None = None, wait: timedelta = timedelta(0)) -> None:
        super().__init__(code)
        self.code, self.who, self.wait = code, who, wait


@dataclass(frozen=True, slots=True)
class Answer:
    """What the phone's page sent: a number, and what a passkey or the phone's own key signed of its challenge."""

    number: str
    challenge: str
    credential: str = ""
    signature: str = ""
    pin: str = ""


def options(services: Services, request: PhoneRequest, known: KnownPhone | None) -> str:
    """JSON for the browser of the phone: which passkeys may sign the request's challenge."""
    passkeys = StoredPasskeys(services)
    holder = Subject(known.account_id, known.login_name, known.account_id) if known else None
    return request_options(
        passkeys.party,
        _bytes(request.challenge or ""),
        allowed=passkeys.of(holder) if holder else (),
        timeout_ms=request.left(services.now()) // timedelta(milliseconds=1),
    )


def is_elsewhere(services: Services, request: PhoneRequest) -> bool:
    """True if only a phone in the computer's network may approve, and this one is in another, or in an unknown one."""
    return request.same_network and (request.place is None or services.network.place != request.place)


def approve(services: Services, request: PhoneRequest, known: KnownPhone | None, sent: Answer) -> None:
    """Raises RequestRefused, KeyRefused; what was wrong is audited."""
    request.require_phone(services.browser.hash, services.now())
    if is_elsewhere(services, request):
        services.network.note_failure()
        # Once: nothing of the request is spent here, so that the same may be sent again and again.
        if services.ephemeral.once("qr_elsewhere", request.id, requests.KEPT):
            _note_failure(services, request, "other_network", known.account_id if known else None)
        raise RequestRefused("other_network")
    answered = requests.answer(services, request, sent.challenge, sent.number)
    if not request.has_number(sent.number):
        _note_failure(services, request, "number_wrong", known.account_id if known else None)
        if answered.state is State.REFUSED:
            _note_refusal(services, request, known, "number_wrong")
            raise RequestRefused("refused")
        raise RequestRefused("number_wrong")
    try:
        by = _by_passkey(services, request, known, sent) if sent.credential else _by_key(services, request, known, sent)
        _commit(services, answered, by)
    except KeyRefused as refusal:
        _note_failure(services, request, refusal.code, refusal.who)
        raise


def refuse(services: Services, request: PhoneRequest, known: KnownPhone | None) -> None:
    """« Ce n'est pas moi »: an answer that was given meanwhile, and approved nothing yet, does not stop it.

    Raises RequestRefused.
    """
    for _ in range(domain.MAX_WRONG):
        try:
            requests.refuse(services, request)
            break
        except RequestRefused as refusal:
            if refusal.code != "busy":
                raise
            request = requests.find(services, request.id)
    else:
        raise RequestRefused("busy")
    _note_refusal(services, request, known, "not_me")


def _by_passkey(services: Services, request: PhoneRequest, known: KnownPhone | None, sent: Answer) -> Approval:
    """Raises KeyRefused."""
    passkeys = StoredPasskeys(services)
    try:
        answer = read_answer(sent.credential)
        record = passkeys.find(answer.webauthn_id)
        if record is None:
            raise PasskeyRefused("unknown")
        is_named = known is not None and known.account_id == record.account_id
        challenge = _bytes(request.challenge or "")
        sign_count = verify_assertion(passkeys.party, challenge, answer, record, is_named=is_named)
    except PasskeyRefused as refusal:
        structlog.get_logger().info("passkey refused", cause=str(refusal))
        services.network.note_failure()
        raise KeyRefused("passkey_refused") from refusal
    _require_active(services, record.account_id)
    if not passkeys.count(record, sign_count):
        raise KeyRefused("passkey_copied", who=record.account_id)
    kind = "swk" if record.is_backup_eligible else "hwk"
    return Approval(record.credential_id, record.account_id, record.login_name, (kind, "user", "mfa"))


def _by_key(services: Services, request: PhoneRequest, known: KnownPhone | None, sent: Answer) -> Approval:
    """A phone without passkeys: the cookie says which key to check. Raises KeyRefused."""
    with services.db.read() as tx:
        phone = tx.phones.find(known.credential_id) if known and known.kind == PHONE else None
    if phone is None:
        raise KeyRefused("unknown_phone")
    parts = domain.signed_parts(services.settings.issuer, request.id, request.challenge or "", request.number or "")
    _require_active(services, phone.account_id)
    try:
        phone_keys.verify(services, phone, signed_text(*parts), sent.signature, sent.pin)
    except phone_keys.PhoneRefused as refusal:
        if refusal.code == "signature_wrong":
            services.network.note_failure()
        raise KeyRefused(refusal.code, who=phone.account_id, wait=refusal.wait) from refusal
    return Approval(phone.credential_id, phone.account_id, phone.login_name, ("swk", "pin", "mfa"))


def _require_active(services: Services, account_id: str) -> None:
    with services.db.read() as tx:
        account = tx.accounts.get(account_id)
    if account is None or not account.is_active:
        raise KeyRefused("account_inactive", who=account_id)


def _commit(services: Services, request: PhoneRequest, by: Approval) -> None:
    """First the event, committed, then the swap: no computer signs in by what is not recorded. Raises RequestRefused
    for what is recorded then, and does not count.
    """
    who, detail = by.account_id, {"means": by.credential_id}
    services.append(AuditEvent("login.qr_approved", who, who, request.client_id, detail=detail))
    requests.approve(services, request, by)


def _note_failure(services: Services, request: PhoneRequest, reason: str, who: str | None) -> None:
    """who: whose phone or key it is, if that is known; else it is of whom the first factor named."""
    who, detail = who or request.account_id, {"method": QrCode.id, "reason": reason}
    services.append(AuditEvent("login.failed", "anonymous", who, request.client_id, "refused", detail))


def _note_refusal(services: Services, request: PhoneRequest, known: KnownPhone | None, reason: str) -> None:
    """The holder of the phone is told if it is known, and the one whose first factor was given if one was; each a few
    times a day, so that it is no flood.
    """
    holder = known.account_id if known else None
    concerned = dict.fromkeys(each for each in (holder, request.account_id) if each)
    for account_id in concerned or (None,):
        _tell_refusal(services, request, account_id, reason, is_holder=account_id is not None and account_id == holder)


def _tell_refusal(
    services: Services, request: PhoneRequest, account_id: str | None, reason: str, *, is_holder: bool
) -> None:
    """One event, and its letter. is_holder: the phone is remembered as this account's."""
    actor, detail = account_id if is_holder and account_id else "anonymous", {"method": QrCode.id, "reason": reason}
    event = AuditEvent("login.qr_refused", actor, account_id, request.client_id, "refused", detail)
    values = {
        "service": request.service,
        "method": QrCode.id,
        "at": services.now().isoformat(),
        "user_agent": request.user_agent,
        "network": request.network,
        "reason": reason,
        "known": "yes" if is_holder else "",
    }
    with services.db.write() as tx:
        services.record(tx, event)
        account = tx.accounts.get(account_id) if account_id else None
        if account is None or tx.throttle.take(f"qr_refused:{account.account_id}", NOTICES, services.now()):
            return
        letters.tell(services, tx, account, "qr_refused", services.pages.lang, **values)


def _bytes(challenge: str) -> bytes:
    return base64.urlsafe_b64decode(challenge + "=" * (-len(challenge) % 4))
