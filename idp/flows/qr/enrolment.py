"""A phone that is being enrolled: it makes its key, and waits until the computer says that it is the right one.

Nobody is signed in there. A GET only shows; the phone that is first to ask is the only one that goes on.
"""

import base64
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import flask

from idp.ceremonies import CHALLENGE_BYTES, HANDLE_BYTES
from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.enrolled import PASSKEY, PHONE
from idp.domain.ids import digest, new_token
from idp.domain.phone import COOKIE_FOR, PIN_DIGITS
from idp.domain.texts import N_, Text
from idp.errors import JourneyError
from idp.flows import answer
from idp.flows.portal import places
from idp.flows.portal.adding import BAD_NAME, MAX_NAME, clean_name, is_full
from idp.flows.qr import enrolments, made
from idp.flows.qr.enrolments import Enrolment, State
from idp.flows.qr.made import HELD, MadeRefused
from idp.flows.services import Services

PAGE = "/qr/enrol/<token>"
PROBLEMS: dict[str, Text] = {
    "refused": N_("La clé de ce téléphone n'a pas pu être vérifiée. Réessayez."),
    "known": N_("Ce téléphone est déjà enregistré."),
    "full": N_("Ce compte a déjà trop de clés de cette sorte : retirez-en une d'abord, ou choisissez l'autre façon."),
    "pin_malformed": N_("Le code PIN compte six chiffres."),
    "pin_guessable": N_("Ce code PIN est trop facile à deviner : ni suite, ni répétition, ni date."),
    "pin_differs": N_("Les deux codes PIN ne sont pas identiques."),
}


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The pages of the phone."""

    @bp.get(PAGE)
    def show_enrolment(token: str) -> flask.Response:
        return _page(services, token)

    @bp.get(f"{PAGE}/state")
    def look_at_enrolment(token: str) -> flask.Response:
        return flask.jsonify(state=_state(services, enrolments.find(services, token)))

    @bp.post(PAGE)
    def claim(token: str) -> flask.Response:
        services.browser.check_form()
        _claim(services, token)
        return _go_on(services, token)

    @bp.post(f"{PAGE}/key")
    def keep_key(token: str) -> flask.Response:
        services.browser.check_form()
        form = flask.request.form
        found = _own(services, token, State.CLAIMED)
        problem = _keep(services, found, form) if found is not None else None
        if problem:
            return _page(services, token, problem, form)
        return _go_on(services, token)

    @bp.post(f"{PAGE}/finish")
    def finish(token: str) -> flask.Response:
        """The computer has confirmed: this browser is remembered, once; it is told again if the answer was lost."""
        services.browser.check_form()
        response = _go_on(services, token)
        found = enrolments.find(services, token)
        if found is not None and _state(services, found) == State.CONFIRMED:
            _remember(services, found)
            services.browser.set(response, "phone", _cookie(services, found), COOKIE_FOR)
        return response


def _cookie(services: Services, found: Enrolment) -> str:
    """The same for one enrolment, so that it can be sent again."""
    return services.data_keys.mac("phone cookie", found.token)


def _remember(services: Services, found: Enrolment) -> None:
    """First in SQL: what fails between is done again."""
    cookie = digest(_cookie(services, found))
    with services.db.write() as tx:
        tx.accounts.lock(found.account_id)
        is_live = found.credential_id in {each.credential_id for each in tx.means.credentials(found.account_id)}
        if is_live and tx.phones.by_cookie(cookie) is None:
            tx.phones.remember_browser(found.credential_id, cookie, services.now())
    if found.state is State.CONFIRMED:
        with suppress(JourneyError):  # another tab was first, or it is forgotten: the browser has its cookie
            enrolments.change(services, found, state=State.FINISHED)


def _go_on(services: Services, token: str) -> flask.Response:
    """To its page; where there is none the address is anybody's words, and goes into no header."""
    if enrolments.find(services, token) is None:
        return _page(services, token)
    return answer.see_other(f"/qr/enrol/{token}")


def _state(services: Services, found: Enrolment | None) -> str:
    """How it stands for this browser: `taken` where another was first, `over` where there is none."""
    if found is None:
        return "over"
    is_mine = found.state is State.DRAWN or found.browser == services.browser.hash
    if found.state is State.KEEPING and is_mine:
        return State.MADE  # in a moment it is confirmed, or refused
    if found.state is State.FINISHED and is_mine and services.browser.read("phone") != _cookie(services, found):
        return State.CONFIRMED  # the answer was lost
    return found.state if is_mine else "taken"


def _own(services: Services, token: str, state: State) -> Enrolment | None:
    """The enrolment of this browser, if it stands so."""
    found = enrolments.find(services, token)
    return found if found is not None and _state(services, found) == found.state == state else None


def _claim(services: Services, token: str) -> None:
    """The first browser that asks has it; a second one is audited, for one of the two is not the holder's."""
    services.network.slow_down()
    found = enrolments.find(services, token)
    stands = _state(services, found)
    if found is None or stands == "taken":
        services.network.note_failure()
    if found is not None and stands == "taken":
        _audit(services, found, "second_phone")
    if found is None or stands != State.DRAWN:
        return
    with services.db.read() as tx:
        handle = tx.passkeys.handle(found.account_id)
    enrolments.change(
        services,
        found,
        state=State.CLAIMED,
        browser=services.browser.hash,
        user_agent=flask.request.user_agent.string[:200],
        network=services.network.prefix,
        challenge=_base64(secrets.token_bytes(CHALLENGE_BYTES)),
        user_handle=_base64(handle or secrets.token_bytes(HANDLE_BYTES)),
    )


def _keep(services: Services, found: Enrolment, form: Mapping[str, str]) -> tuple[str, str] | None:
    """Keep what the phone made until the computer confirms it; the field and the sentence of what is wrong with it.

    The challenge is spent, whatever comes of it. Raises JourneyError if another request was first.
    """
    services.network.slow_down()
    name = clean_name(form.get("name", ""))
    if name is None:
        return "phone-name", services.pages.say(BAD_NAME)
    try:
        kept = made.verify(services, found, form)
    except MadeRefused as refusal:
        enrolments.change(services, found, challenge=_base64(secrets.token_bytes(CHALLENGE_BYTES)))
        if refusal.code in {"refused", "known"}:
            services.network.note_failure()
            _audit(services, found, refusal.code)
        return "phone-pin" if refusal.code.startswith("pin") else "", services.pages.say(PROBLEMS[refusal.code])
    enrolments.change(
        services,
        found,
        state=State.MADE,
        made={**kept, "name": name},
        seen=new_token(),
        number=str(10 + secrets.randbelow(90)),
    )
    return None


def _audit(services: Services, found: Enrolment, reason: str) -> None:
    detail = {"method": PHONE, "reason": reason}
    services.append(AuditEvent("means.add_refused", "anonymous", found.account_id, outcome="refused", detail=detail))


def _page(
    services: Services, token: str, problem: tuple[str, str] | None = None, form: Mapping[str, str] | None = None
) -> flask.Response:
    """problem: id of the field it is about, if it is about one, and what to say. form: what was sent."""
    found = enrolments.find(services, token)
    stands = _state(services, found)
    action = f"/qr/enrol/{token}"
    if found is None or stands in {"taken", State.REFUSED}:
        status = 410 if found is None else 409
        return services.pages.render("qr/enrol_over.html", status=status, state=stands, home_url="/qr")
    values: dict[str, Any] = {"action": action, "state": stands, "asks_provider": True}
    if stands != State.CLAIMED:
        names = {State.DRAWN: "claim", State.FINISHED: "done"}
        template = f"qr/enrol_{names.get(State(stands), 'wait')}.html"
        return services.pages.render(template, number=found.number, home_url="/qr", **values)
    return _making(services, found, values, problem, form or {})


def _making(
    services: Services,
    found: Enrolment,
    values: dict[str, Any],
    problem: tuple[str, str] | None,
    form: Mapping[str, str],
) -> flask.Response:
    """Where the phone makes its key."""
    # Where no passkey can be added, one that the phone has already will do, or else a PIN.
    held = HELD in (flask.request.args.get("with"), form.get("kind")) or is_full(services, found.account_id, PASSKEY)
    said, parts = places.browser(flask.request.user_agent.string[:200])
    field, sentence = problem or ("", "")
    account = _account(services, found)
    return services.pages.render(
        "qr/enrol_key.html",
        status=400 if problem else 200,
        held=held,
        login=account.login_name,
        options=made.options(services, account, found, held=held),
        parts=made.parts_to_sign(services, found),
        name=form.get("name", services.pages.say(said, **parts))[:MAX_NAME],
        max_name=MAX_NAME,
        pin_digits=PIN_DIGITS,
        has_pin=form.get("kind") == PHONE,
        errors=[sentence] if sentence else [],
        error_field=field,
        **values,
    )


def _account(services: Services, found: Enrolment) -> Account:
    """Raises JourneyError for one that was closed meanwhile."""
    with services.db.read() as tx:
        account = tx.accounts.get(found.account_id)
    if account is None or not account.is_active:
        raise JourneyError("enrolment_over", status=410, detail="account closed meanwhile")
    return account


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
