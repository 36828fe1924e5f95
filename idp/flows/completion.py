"""The first login by a means that proves a national identity nobody holds: an address is asked, and proven by a code.

Whose account the address is, or that it is nobody's, is said only to whoever has read its mail. The code opens nothing
and links nothing: it is one of the two factors that `own_means.linking_policy` asks for, and is not asked for again.
"""

import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.authn import IdentityRef, Proof
from idp.domain.codes import six_digits
from idp.domain.completion import Completion
from idp.domain.decide import Login
from idp.domain.ids import new_id
from idp.domain.interaction import LIFETIME, Interaction, Unlinked
from idp.domain.policy import MethodEntry, Policy
from idp.domain.throttle import MAILS
from idp.errors import JourneyError
from idp.flows import letters, visits
from idp.flows.contexts import NEWEST, count_attempt
from idp.flows.services import Services
from idp.flows.visits import Visit
from idp.methods.base import Subject, TooManyAttempts
from idp.methods.email_otp import MAX_TRIES, RESEND_AFTER, EmailOtp

GOOD_FOR = timedelta(minutes=10)
LETTER = "completion_code"


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why the form or the code does not count. code: of a sentence; wait: until the next try, where that is why."""

    code: str
    wait: timedelta = timedelta(0)


def is_asked(visit: Visit, login: Login) -> bool:
    """The form stands before the list of methods: a first login, and a code by mail may be one of the two factors."""
    interaction = visit.interaction
    is_first = login.reason == "link" and interaction.unlinked and not interaction.purpose and not interaction.fresh
    return bool(is_first) and _takes_codes(login.methods)


def asks_names(policy: Policy, proof: Proof) -> bool:
    """Names that are missing are asked for, so that support has them: not of a card, which a service may share."""
    return proof.anchor != "card" and _takes_codes(policy.methods)


def _takes_codes(methods: tuple[MethodEntry, ...]) -> bool:
    return any(entry.id == EmailOtp.id and entry.after for entry in methods)


def state(visit: Visit) -> Completion | None:
    """What was typed in this login, if anything was."""
    return visit.interaction.unlinked.completion if visit.interaction.unlinked else None


def is_proven(visit: Visit) -> bool:
    found = state(visit)
    return found is not None and found.proven_at is not None


def hint(visit: Visit) -> str:
    """The login that is put into the form of the password: the address, once it is proven."""
    found = state(visit)
    return found.email if found and found.proven_at else ""


def wait(services: Services, found: Completion) -> timedelta:
    """Until another code may be asked for."""
    return max(found.sent_at + RESEND_AFTER - services.now(), timedelta(0))


def send(services: Services, visit: Visit, email: str, given_name: str = "", family_name: str = "") -> Wrong | None:
    """Send a code to an address; the one before ends. The same work, and the same letter, whoever's the address is.

    Both the address and the identity have an hourly allowance. It is taken with the letter, the event and the state, or
    nothing is. Raises JourneyError if another request was first.
    """
    services.network.slow_down()
    unlinked, now = _unlinked(visit), services.now()
    earlier = unlinked.completion
    if earlier and earlier.email == email and wait(services, earlier):
        return Wrong("code_just_sent")
    code, sending = f"{secrets.randbelow(1_000_000):06d}", new_id()
    made = Completion(
        email,
        given_name,
        family_name,
        sending,
        _mac(services, visit, email, code),
        sent_at=now,
        expires_at=now + GOOD_FOR,
    )
    buckets = (_bucket(services, email), _identity_bucket(services, unlinked))
    with services.db.write() as tx:
        if any(tx.throttle.delay(bucket, MAILS, now) for bucket in buckets):
            return Wrong("too_many_codes")
        if any(tx.throttle.take(bucket, MAILS, now) for bucket in buckets):
            raise JourneyError("interaction_busy", status=409)
        values = {
            "to": email,
            "code": code,
            "service": visit.client.name,
            "means": services.registry[unlinked.proof.method].offer.label,
            "minutes": str(GOOD_FOR // timedelta(minutes=1)),
            "lang": services.pages.lang,
        }
        letters.put(services, tx, LETTER, values)
        detail, asked_by = {"kind": LETTER}, {**unlinked.proof.evidence, "email": email}
        client_id = visit.client.client_id
        event = AuditEvent("login.letter_queued", "anonymous", None, client_id, detail=detail, personal=asked_by)
        services.record(tx, event)
        visits.save(services, _with(visit, made))
        services.ephemeral.put(NEWEST, buckets[0], {"sending": sending}, LIFETIME)
    return None


def check(services: Services, visit: Visit, typed: str) -> Wrong | None:
    """None for the right code, once: the address is proven. Raises JourneyError if another request was first."""
    services.network.slow_down()
    unlinked, found, code = _unlinked(visit), state(visit), six_digits(typed)
    if found is None or not found.mac or services.now() >= found.expires_at or not _is_newest(services, found):
        return Wrong("code_expired")
    if code is None:
        return Wrong("code_malformed")
    if found.tries >= MAX_TRIES:
        return Wrong("code_worn_out")
    who = Subject(key=_key(services, found.email), login=found.email)
    try:
        bucket = count_attempt(services, services.registry[EmailOtp.id], who, visit.client.client_id)
    except TooManyAttempts as refusal:
        return Wrong("too_many_attempts", refusal.wait)
    is_right = hmac.compare_digest(_mac(services, visit, found.email, code), found.mac)
    if not is_right:
        services.network.note_failure()
    with services.db.write() as tx:
        holder = tx.accounts.find(IdentityRef("email", found.email))
        detail = {"method": unlinked.proof.method}
        if is_right:
            tx.throttle.forgive(bucket)
            detail |= {"account": "yes" if holder else "no", "names": "yes" if unlinked.person.is_named else "no"}
            typed_names = {"given_name": found.given_name, "family_name": found.family_name}
            personal = {**unlinked.proof.evidence, "email": found.email, **{k: v for k, v in typed_names.items() if v}}
            name, outcome = "login.address_proven", "ok"
        else:
            detail |= {"reason": "code_wrong"}
            name, outcome, personal = "login.failed", "refused", dict(unlinked.proof.evidence)
        about = holder.account_id if holder and is_right else None
        services.record(tx, AuditEvent(name, "anonymous", about, visit.client.client_id, outcome, detail, personal))
        visits.save(services, _with(visit, found.tried().proven(services.now()) if is_right else found.tried()))
    return None if is_right else Wrong("code_wrong")


def holder(services: Services, visit: Visit) -> Account | None:
    """Whose the proven address is. Ask only for whoever has proven it."""
    found = state(visit)
    if found is None or found.proven_at is None:
        return None
    with services.db.read() as tx:
        return tx.accounts.find(IdentityRef("email", found.email))


def given(visit: Visit, entry_id: str, account: Account) -> Proof | None:
    """The code as a factor of this account, where it would be asked after the password; None if it was not given."""
    found = state(visit)
    if entry_id != EmailOtp.id or found is None or found.proven_at is None or account.verified_email != found.email:
        return None
    identity = IdentityRef("login_name", account.login_name)
    return Proof(EmailOtp.id, identity, EmailOtp.assurance, ("otp",), found.proven_at, anchor="mailbox")


def _unlinked(visit: Visit) -> Unlinked:
    if visit.interaction.unlinked is None:
        raise JourneyError("interaction_gone", status=410, detail="nothing to complete")
    return visit.interaction.unlinked


def _with(visit: Visit, made: Completion) -> Interaction:
    return replace(visit.interaction, unlinked=replace(_unlinked(visit), completion=made))


def _is_newest(services: Services, found: Completion) -> bool:
    newest = services.ephemeral.get(NEWEST, _bucket(services, found.email))
    return newest is not None and newest["sending"] == found.sending


def _key(services: Services, email: str) -> str:
    return f"address:{services.data_keys.mac('login', email)}"


def _bucket(services: Services, email: str) -> str:
    """Where letters to an address are counted."""
    return f"completion.send:{_key(services, email)}"


def _identity_bucket(services: Services, unlinked: Unlinked) -> str:
    identity = unlinked.proof.identity
    return f"completion.of:{services.data_keys.mac('identity', identity.kind, identity.value)}"


def _mac(services: Services, visit: Visit, email: str, code: str) -> str:
    return services.data_keys.mac("completion", visit.interaction.id, email, code)
