"""The desk of registrations: claimed by one operator, who asks, approves or refuses, once."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from idp.domain import names
from idp.domain.desk_text import ANSWER_WITHIN, MAX_TEXT, sound_text
from idp.domain.ids import new_token
from idp.domain.registration import Registration, RegistrationStatus
from idp.errors import InvalidOperation
from idp.flows import births, letters
from idp.flows.operators.desk import Desk
from idp.flows.services import Services
from idp.store import Tx
from keys.seal import SealBroken

LINK_FOR = timedelta(days=7)  # P-072
CONFIRM, ANSWER = "/inscription/confirmer", "/inscription/question"


class Changed(InvalidOperation):
    """Somebody else was first: what was decided about is not what is stored."""


class NotYours(InvalidOperation):
    """The operator's own registration."""


class NotClaimed(InvalidOperation):
    """Whoever decides has claimed the registration before."""


class BirthLost(InvalidOperation):
    """The day and month of birth cannot be opened."""


class BadText(InvalidOperation):
    """Nothing was written, or too much."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the extract of the register says. outcome: "found", "differs", "absent", "no_number" or "no_extract"."""

    outcome: str
    rpps: str = ""
    name: str = ""


def claim(desk: Desk, registration_id: str, version: int) -> None:
    """« Je m'en occupe ». Raises Changed or NotYours."""
    with desk.db.write() as tx:
        found = _theirs(desk, tx, registration_id)
        _require(tx.registration_desk.claim(registration_id, version, desk.operator, desk.now()))
        _record(desk, tx, "registration.claimed", found, taken_from=found.claimed_by)


def release(desk: Desk, registration_id: str, version: int) -> None:
    """Back into the queue. Raises Changed or NotClaimed."""
    with desk.db.write() as tx:
        found = _claimed(desk, tx, registration_id)
        _require(tx.registration_desk.release(registration_id, version, desk.now()))
        _record(desk, tx, "registration.released", found)


def ask(services: Services, desk: Desk, registration_id: str, version: int, question: str) -> None:
    """Write to the person, who answers by a link. Raises Changed, NotClaimed or BadText."""
    text, token = _text(question), new_token()
    with desk.db.write() as tx:
        found = _claimed(desk, tx, registration_id)
        now = desk.now()
        _require(tx.registration_desk.touch(registration_id, version, now))
        expires_at = now + ANSWER_WITHIN
        tx.desk_messages.ask(registration_id, desk.operator, text, token=token, now=now, expires_at=expires_at)
        _write(services, tx, found, "registration_question", url=_url(services, ANSWER, token), question=text)
        _record(desk, tx, "registration.asked", found)


def approve(services: Services, desk: Desk, registration_id: str, version: int) -> None:
    """Send the link by which the person makes the account. Raises Changed or NotClaimed."""
    token = new_token()
    with desk.db.write() as tx:
        found, now = _claimed(desk, tx, registration_id), desk.now()
        until = now + LINK_FOR
        decide = tx.registration_desk.approve
        _require(decide(registration_id, version, desk.operator, now, token=token, expires_at=until))
        _send_link(services, tx, found, token)
        _record(desk, tx, "registration.approved", found, until=until.isoformat(), register=register(tx, found).outcome)


def refuse(services: Services, desk: Desk, registration_id: str, version: int, reason: str) -> None:
    """The person is told why. Raises Changed, NotClaimed or BadText."""
    text = _text(reason)
    with desk.db.write() as tx:
        found = _claimed(desk, tx, registration_id)
        _require(tx.registration_desk.refuse(registration_id, version, desk.operator, desk.now(), reason=text))
        _write(services, tx, found, "registration_refused", reason=text)
        _record(desk, tx, "registration.refused", found)


def resend(services: Services, desk: Desk, registration_id: str, version: int) -> None:
    """Another link, for seven days from now; the one before is dead. Raises Changed or NotYours."""
    token = new_token()
    with desk.db.write() as tx:
        found, until = _theirs(desk, tx, registration_id), desk.now() + LINK_FOR
        renew = tx.registration_desk.renew
        _require(renew(registration_id, version, desk.now(), token=token, expires_at=until))
        _send_link(services, tx, found, token)
        _record(desk, tx, "registration.link_sent_again", found, until=until.isoformat())


def birth(services: Services, desk: Desk, registration_id: str) -> str:
    """Day and month of birth, which support asks on the telephone; that it was looked at is noted.

    Raises NotClaimed, and BirthLost if its key was taken out of the ring, or it was altered; empty if the registration
    has none.
    """
    with desk.db.write() as tx:
        found = _claimed(desk, tx, registration_id)
        if found.birth is None:
            return ""
        try:
            opened = services.data_keys.open(found.birth, purpose=births.purpose(registration_id)).decode()
        except SealBroken as error:
            structlog.get_logger().error("a day of birth does not open", registration=registration_id, cause=str(error))
            raise BirthLost(f"{registration_id}: the day of birth does not open") from error
        _record(desk, tx, "registration.birth_seen", found)
    return opened


def register(tx: Tx, about: Registration) -> Verdict:
    """Whether the register has the number, proven or else typed, with the name of the person (RIE-PS 07)."""
    proven = about.proven or {}
    pairs = [(proven.get("kind"), proven.get("value")), *proven.get("related", ())]
    numbers = [value for kind, value in pairs if kind == "rpps"] or [about.form.get("rpps", "")]
    rpps = str(numbers[0] or "")
    if not rpps:
        return Verdict("no_number")
    if tx.rpps_extract.imported_at() is None:
        return Verdict("no_extract", rpps)
    found = tx.rpps_extract.get(rpps)
    if found is None:
        return Verdict("absent", rpps)
    is_same = _are_names(about, found.family_name, found.given_name)
    return Verdict("found" if is_same else "differs", rpps, f"{found.given_name} {found.family_name}")


def is_own(desk: Desk, tx: Tx, about: Registration) -> bool:
    """True if an address, a number, or both names of the registration are the operator's own."""
    operator = desk.own_account(tx)
    if operator is None:
        return False
    proven = about.proven or {}
    typed = {("email", about.email), ("rpps", about.form.get("rpps")), ("adeli", about.form.get("adeli"))}
    theirs = typed | {(proven.get("kind"), proven.get("value"))} | {(k, v) for k, v in proven.get("related", ())}
    held = {*operator.identities.items(), ("email", operator.email)} - {("email", None)}
    is_named_so = _are_names(about, operator.family_name, operator.given_name)
    return is_named_so or about.account_id == operator.account_id or not theirs.isdisjoint(held)


# --------------------------------------------------------------------------


def _are_names(about: Registration, family: str, given: str) -> bool:
    typed = about.form.get("family_name", ""), about.form.get("given_name", "")
    return names.is_same(family, typed[0]) and names.is_same(given, typed[1])


def _theirs(desk: Desk, tx: Tx, registration_id: str) -> Registration:
    """Somebody else's registration."""
    found = tx.registration_desk.get(registration_id)
    if found is None:
        raise Changed(f"{registration_id}: no such registration")
    if is_own(desk, tx, found):
        raise NotYours("this registration is your own: another operator decides")
    return found


def _claimed(desk: Desk, tx: Tx, registration_id: str) -> Registration:
    found = _theirs(desk, tx, registration_id)
    if found.status is not RegistrationStatus.SUBMITTED:
        raise Changed("this registration was decided meanwhile")
    if found.claimed_by != desk.operator:
        raise NotClaimed("claim the registration first")
    return found


def _require(was_first: bool) -> None:
    if not was_first:
        raise Changed("somebody else changed this registration meanwhile")


def _text(typed: str) -> str:
    found = sound_text(typed)
    if found is None:
        raise BadText(f"1 to {MAX_TEXT} characters are needed")
    return found


def _send_link(services: Services, tx: Tx, about: Registration, token: str) -> None:
    days = str(LINK_FOR // timedelta(days=1))
    _write(services, tx, about, "registration_approved", url=_url(services, CONFIRM, token), days=days)


def _write(services: Services, tx: Tx, about: Registration, kind: str, **values: str) -> None:
    if about.email:
        letters.put(services, tx, kind, {"to": about.email, "lang": about.lang, **values})


def _url(services: Services, path: str, token: str) -> str:
    return f"{services.settings.issuer}{path}/{token}"


def _record(desk: Desk, tx: Tx, name: str, about: Registration, /, **facts: object) -> None:
    """`subject`: the registration, whose history this is; there is no account yet."""
    desk.record(tx, name, subject=about.registration_id, client_id=about.client_id, **facts)
