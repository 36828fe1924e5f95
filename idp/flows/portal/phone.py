"""Adding a phone: the computer shows a QR code, and confirms the phone that answered before anything is stored."""

import base64
from collections.abc import Callable
from datetime import timedelta

import flask

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.enrolled import PASSKEY, PHONE
from idp.domain.ids import new_id
from idp.domain.phone import NewPhone
from idp.domain.texts import N_, Text
from idp.errors import InvalidOperation, JourneyError
from idp.flows import answer
from idp.flows.enrolled import write_passkey
from idp.flows.portal import adding, places
from idp.flows.portal.contact_change import hold
from idp.flows.portal.door import Visitor, opened
from idp.flows.portal.frame import done, draw
from idp.flows.portal.fresh import sensitive
from idp.flows.qr import enrolments
from idp.flows.qr.enrolments import Enrolment, State
from idp.flows.qr.made import HELD, passkey
from idp.flows.services import Services
from idp.store import Tx

METHOD = "qr_code"
PAGE = adding.PAGES[METHOD]
AT_WORK = (State.DRAWN, State.CLAIMED, State.MADE, State.KEEPING)
UNTOLD: Text = N_(
    "Le téléphone est ajouté, mais n'a pas pu en être averti : retirez-le de la liste, puis ajoutez-le à nouveau."
)


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The page of the QR code, what it asks while it waits, and the two answers."""

    @sensitive(services, PAGE, adds_means=True)
    def begin(visitor: Visitor) -> flask.Response:
        if all(adding.is_full(services, visitor.account.account_id, kind) for kind in (PHONE, PASSKEY)):
            return adding.refuse_full(services, visitor)
        return _page(services, visitor, enrolments.draw(services, adding.begin(services, visitor).kept()))

    @bp.get(PAGE)
    @opened(services, PAGE)
    def show_phone(visitor: Visitor) -> flask.Response:
        """What was begun while the proof was fresh stays to be seen: it is loaded anew when the phone answers."""
        adding.require_method(services, METHOD)
        waiting = _waiting(services, visitor)
        return _page(services, visitor, waiting) if waiting else begin()

    @bp.get(f"{PAGE}/state")
    @opened(services, PAGE)
    def look_at_phone(visitor: Visitor) -> flask.Response:
        waiting = _waiting(services, visitor)
        return flask.jsonify(state=_stands(waiting) if waiting else "over")

    @bp.post(f"{PAGE}/confirm")
    @sensitive(services, PAGE, adds_means=True, begun=lambda visitor: _waiting(services, visitor) is not None)
    def confirm_phone(visitor: Visitor) -> flask.Response:
        if not _confirm(services, visitor, _answered(services, visitor)):
            return done(services, visitor, UNTOLD, adding.MEANS, is_refused=True)
        return done(services, visitor, N_("Le téléphone est ajouté."), adding.MEANS)

    @bp.post(f"{PAGE}/refuse")
    @opened(services, PAGE)
    def refuse_phone(visitor: Visitor) -> flask.Response:
        """Somebody else read the QR code, or the person begins again."""
        waiting = _waiting(services, visitor)
        if waiting is None or waiting.state is State.KEEPING:  # it expired, or was confirmed: the list has it
            enrolments.leave(services, visitor.session.session_id)
            return answer.see_other(adding.MEANS)
        enrolments.change(services, waiting, state=State.REFUSED)
        enrolments.leave(services, visitor.session.session_id)
        if waiting.state is not State.DRAWN:
            adding.note_refusal(services, visitor, PHONE, "not_their_phone")
        return done(services, visitor, N_("Aucun téléphone n'a été ajouté."), adding.MEANS)


def _waiting(services: Services, visitor: Visitor) -> Enrolment | None:
    """What this session has begun, and may still end."""
    found = enrolments.of_session(services, visitor.session.session_id)
    if found is None or found.state not in AT_WORK or adding.resumed(services, visitor, found.begun) is None:
        return None
    return found


def _stands(waiting: Enrolment) -> State:
    """As the page has it: what is being stored may have to be confirmed once more."""
    return State.MADE if waiting.state is State.KEEPING else waiting.state


def _answered(services: Services, visitor: Visitor) -> Enrolment:
    """The enrolment whose phone the form speaks of. Raises JourneyError for another, or none."""
    waiting = _waiting(services, visitor)
    if waiting is None or _stands(waiting) is not State.MADE or flask.request.form.get("seen") != waiting.seen:
        raise JourneyError("enrolment_over", status=409, detail="not the phone that was shown, or none")
    return waiting


def _confirm(services: Services, visitor: Visitor, shown: Enrolment) -> bool:
    """Once. What the phone made is stored, or the phone is told that it was not. Confirmed again, what was stored while
    the ephemeral store went away goes on. False if it is stored, and the phone cannot be told. Raises JourneyError.
    """
    begun = adding.resumed(services, visitor, shown.begun)
    if begun is None:
        raise JourneyError("enrolment_over", status=409, detail="begun elsewhere")
    session_id, kind, name = visitor.session.session_id, shown.made["kind"], shown.made["name"]
    if shown.state is State.KEEPING:
        if not _is_stored(services, shown):
            enrolments.leave(services, session_id)
            raise JourneyError("enrolment_over", status=409, detail="it is being stored, or could not be")
        return _tell_phone(services, shown, session_id, shown.credential_id)
    made_id = new_id() if kind != HELD else ""
    held = enrolments.change(services, shown, state=State.KEEPING, credential_id=made_id)
    try:
        if kind == HELD:
            _remember(services, visitor, shown.made["credential_id"])
        else:
            adding.keep(services, visitor, kind, name, _writer(shown), level=begun.level, credential_id=made_id)
    except (JourneyError, InvalidOperation) as error:
        enrolments.change(services, held, state=State.REFUSED)
        adding.note_refusal(services, visitor, kind, "not_kept")
        raise JourneyError("enrolment_over", status=409, detail=str(error)) from error
    is_told = _tell_phone(services, held, session_id, made_id or shown.made["credential_id"])
    if kind == HELD and not is_told:
        raise JourneyError("enrolment_over", status=409, detail="the phone cannot be told; nothing was added")
    return is_told


def _is_stored(services: Services, shown: Enrolment) -> bool:
    with services.db.read() as tx:
        return shown.credential_id in {each.credential_id for each in tx.means.credentials(shown.account_id)}


def _tell_phone(services: Services, held: Enrolment, session_id: str, credential_id: str) -> bool:
    """The phone may have its cookie. False if nothing is left by which it could learn that."""
    try:
        enrolments.change(services, held, state=State.CONFIRMED, credential_id=credential_id)
    except JourneyError:
        found = enrolments.find(services, held.token)
        if found is None or found.state not in (State.CONFIRMED, State.FINISHED):
            return False
    enrolments.leave(services, session_id)
    return True


def _writer(shown: Enrolment) -> Callable[[Tx, Account, str], None]:
    """Writes what the phone made. The account is locked."""
    made = shown.made

    def write(tx: Tx, account: Account, credential_id: str) -> None:
        if made["kind"] == PHONE:
            tx.phones.add(credential_id, NewPhone(base64.b64decode(made["public_key"]), made["pin_digest"]))
        else:
            handle = base64.b64decode(shown.user_handle)
            write_passkey(tx, account.account_id, credential_id, passkey(made), handle)

    return write


def _remember(services: Services, visitor: Visitor, credential_id: str) -> None:
    """The phone proved a passkey that the account has. Raises JourneyError if it was removed meanwhile."""
    with services.db.write() as tx:
        account = hold(services, tx, visitor)
        if credential_id not in {each.credential_id for each in tx.means.credentials(account.account_id)}:
            raise JourneyError("interaction_gone", status=409, detail="the passkey was removed meanwhile")
        who, detail = account.account_id, {"method": PASSKEY, "means": credential_id}
        services.record(tx, AuditEvent("phone.remembered", who, who, detail=detail))


def _page(services: Services, visitor: Visitor, waiting: Enrolment) -> flask.Response:
    said, parts = places.browser(waiting.user_agent)
    address = f"{services.settings.issuer}/qr/enrol/{waiting.token}"
    shown = {
        "name": waiting.made.get("name", ""),
        "browser": services.pages.say(said, **parts),
        "network": services.pages.say(places.network(waiting.network, services.settings.egress))
        if waiting.network
        else "",
        "number": waiting.number,
        "seen": waiting.seen,
        "has_pin": waiting.made.get("kind") == PHONE,
    }
    return draw(
        services,
        visitor,
        "portal/means_phone.html",
        here="means",
        asks_provider=True,
        action=PAGE,
        back_url=adding.MEANS,
        state=_stands(waiting),
        qr=adding.qr_code(address),
        address=address,
        minutes=-(-(waiting.expires_at - services.now()) // timedelta(minutes=1)),
        phone=shown,
    )
