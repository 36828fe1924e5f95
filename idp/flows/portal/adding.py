"""What adding a means of any kind shares: what a fresh proof lets begin, how tries are counted, and the unit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import flask

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.authn import Assurance
from idp.domain.enrolled import MOST_OF_A_KIND
from idp.domain.ids import new_id
from idp.domain.means import Credential
from idp.domain.texts import N_, Text
from idp.domain.throttle import ATTEMPTS
from idp.errors import JourneyError
from idp.flows import notices, own_means
from idp.flows.contexts import attempts_of
from idp.flows.portal.contact_change import hold
from idp.flows.portal.door import HOME, Visitor
from idp.flows.portal.frame import done
from idp.flows.services import Services
from idp.store import Tx

MEANS = f"{HOME}/means"
PAGES = {  # methods whose means a page of ours enrols
    "totp": f"{MEANS}/totp",
    "passkey": f"{MEANS}/passkey",
    "qr_code": f"{MEANS}/phone",
}
LIFETIME = timedelta(minutes=10)  # of what was begun: an application must be installed first
MAX_NAME = 64
BAD_NAME: Text = N_("Un nom compte de 1 à 64 caractères, sans caractère invisible.")
TOO_MANY: Text = N_("Vous en avez déjà %(most)s : retirez-en un d'abord.")
TOO_MANY_ATTEMPTS: Text = N_("Trop d'essais infructueux. Réessayez dans %(minutes)s min.")


@dataclass(frozen=True, slots=True)
class Begun:
    """What was begun while a proof was fresh, and may be finished when it is no more: whose, where, worth what."""

    account_id: str
    session_id: str
    level: Assurance
    expires_at: datetime

    def kept(self) -> dict[str, str]:
        """As JSON has it, to be stored with what waits; `resumed` reads it."""
        return {
            "account_id": self.account_id,
            "session_id": self.session_id,
            "level": self.level.name,
            "expires_at": self.expires_at.isoformat(),
        }


def begin(services: Services, visitor: Visitor) -> Begun:
    """Worth the freshest proofs of this session. Raises JourneyError if there are none, or none is MEDIUM at least."""
    recent = own_means.recent(services, visitor.session.proofs)
    if not recent:
        raise JourneyError("interaction_busy", status=409, detail="the proof went stale meanwhile")
    level = max(proof.assurance for proof in recent)
    if level < Assurance.MEDIUM:
        raise JourneyError("means_needed", status=403)
    return Begun(visitor.account.account_id, visitor.session.session_id, level, services.now() + LIFETIME)


def resumed(services: Services, visitor: Visitor, kept: Mapping[str, str]) -> Begun | None:
    """None for what is over, was begun by somebody else or in another session, or by proofs that a suspension made void
    since.
    """
    begun = Begun(
        kept["account_id"], kept["session_id"], Assurance[kept["level"]], datetime.fromisoformat(kept["expires_at"])
    )
    is_theirs = (begun.account_id, begun.session_id) == (visitor.account.account_id, visitor.session.session_id)
    return begun if is_theirs and services.now() < begun.expires_at and _stands(services, visitor, begun) else None


def _stands(services: Services, visitor: Visitor, begun: Begun) -> bool:
    """A proof of this session that still counts was fresh when it was begun, and worth as much."""
    since = begun.expires_at - LIFETIME - own_means.FRESH
    worth = [proof for proof in visitor.session.proofs if proof.at >= since and proof.assurance >= begun.level]
    return any(own_means.counts(services, proof) for proof in worth)


def clean_name(typed: str) -> str | None:
    """A name as it is kept; None for one that is none."""
    name = " ".join(typed.split())
    return name if 0 < len(name) <= MAX_NAME and name.isprintable() else None


def require_method(services: Services, method_id: str) -> None:
    """Raises JourneyError("not_found") where the operator does not have the method."""
    if method_id not in services.registry:
        raise JourneyError("not_found", status=404, detail=f"the method {method_id} is not loaded")


def is_full(services: Services, account_id: str, kind: str) -> bool:
    """True if the account has as many of this kind as it may."""
    with services.db.read() as tx:
        return _is_full(tx, account_id, kind)


def attempt(services: Services, visitor: Visitor, kind: str) -> str | None:
    """Count a try to add something of this kind; the sentence that says how long to wait, if it comes too early."""
    with services.db.write() as tx:
        wait = tx.throttle.take(_bucket(visitor, kind), ATTEMPTS, services.now())
    return services.pages.say(TOO_MANY_ATTEMPTS, minutes=-(-wait // timedelta(minutes=1))) if wait else None


def forgive(services: Services, visitor: Visitor, kind: str) -> None:
    """The try was good."""
    with services.db.write() as tx:
        tx.throttle.forgive(_bucket(visitor, kind))


def qr_code(text: str) -> str:
    """An image, as SVG that a page has in it."""
    import segno  # noqa: PLC0415 - seldom needed

    return segno.make_qr(text, error="m").svg_inline(scale=5, border=4, light="#fff", svgclass=None, lineclass=None)


def refuse_full(services: Services, visitor: Visitor) -> flask.Response:
    """Back to the list, which says why no more of this kind can be added."""
    return done(services, visitor, TOO_MANY, MEANS, is_refused=True, most=str(MOST_OF_A_KIND))


def keep(
    services: Services,
    visitor: Visitor,
    kind: str,
    name: str,
    write: Callable[[Tx, Account, str], None],
    *,
    level: Assurance,
    credential_id: str | None = None,
) -> None:
    """One unit: the credential with what `write` stores beside its id, the event, and the letter to the holder.

    level: of the proofs that were fresh when it was begun. credential_id: its id, if that was drawn before. Raises
    JourneyError if the account or the session ended, or the account was filled, meanwhile.
    """
    if level < Assurance.MEDIUM:
        raise JourneyError("means_needed", status=403)
    with services.db.write() as tx:
        account = hold(services, tx, visitor)
        if _is_full(tx, account.account_id, kind):
            raise JourneyError("interaction_busy", status=409, detail="too many of a kind")
        made = Credential(credential_id or new_id(), kind, kind, level, services.now(), name)
        tx.means.add_credential(account.account_id, made)
        write(tx, account, made.credential_id)
        detail = {"method": kind, "means": made.credential_id, "assurance": level.name}
        services.record(tx, AuditEvent("means.added", account.account_id, account.account_id, detail=detail))
        # Whoever adds one has proven two factors: the link of the letter takes what this session rests on, too.
        session_id = visitor.session.session_id
        notices.tell(services, tx, account, "means.added", means=made.credential_id, method=kind, session=session_id)


def note_refusal(services: Services, visitor: Visitor, kind: str, reason: str) -> None:
    """Somebody tried to add what proves nothing."""
    services.network.note_failure()
    account_id, detail = visitor.account.account_id, {"method": kind, "reason": reason}
    services.append(AuditEvent("means.add_refused", account_id, account_id, outcome="refused", detail=detail))


def _is_full(tx: Tx, account_id: str, kind: str) -> bool:
    return sum(each.kind == kind for each in tx.means.credentials(account_id)) >= MOST_OF_A_KIND


def _bucket(visitor: Visitor, kind: str) -> str:
    return attempts_of(f"{kind}_enrolment", visitor.account.account_id)
