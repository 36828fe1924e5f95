"""The e-mail address of a registration is proven by a code: the same page and the same work whoever's it is.

Whether an account holds the address, the worker looks up when it writes the letter: that one gets no code.
"""

import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import flask

from idp.domain.codes import six_digits
from idp.domain.ids import digest, new_token
from idp.domain.registration import Registration
from idp.domain.texts import N_, Text
from idp.domain.throttle import ATTEMPTS, MAILS
from idp.errors import JourneyError
from idp.flows import answer, letters
from idp.flows.contexts import attempts_of
from idp.flows.services import Services
from idp.flows.signup import draft
from idp.flows.signup.draft import CODE, PAGES

LETTER, STORE = "registration_code", "signup_code"
GOOD_FOR = timedelta(minutes=10)
RESEND_AFTER = timedelta(seconds=60)
MAX_TRIES = 5
PROBLEMS: dict[str, Text] = {
    "too_many_codes": N_("Trop de codes ont été demandés. Réessayez dans %(minutes)s min."),
    "code_just_sent": N_("Un code vient d'être envoyé. Attendez une minute avant d'en demander un autre."),
    "code_expired": N_("Ce code n'est plus valable. Demandez un nouveau code."),
    "code_malformed": N_("Le code compte six chiffres."),
    "code_wrong": N_("Ce code n'est pas le bon. Vérifiez qu'il s'agit du dernier code reçu."),
    "code_worn_out": N_("Trop d'essais avec ce code. Demandez un nouveau code."),
    "too_many_attempts": N_("Trop d'essais infructueux. Réessayez dans %(minutes)s min."),
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a code does not count, or is not sent. code: of PROBLEMS; wait: where that is why."""

    code: str
    wait: timedelta = timedelta(0)


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The page of the code, within step 2."""

    @bp.get(CODE)
    @draft.stepped(services, 2)
    def code_page(found: Registration) -> flask.Response:
        if found.email is None:
            return answer.see_other(PAGES[2])
        return answer.see_other(PAGES[3]) if found.email_proven_at else _page(services, found)

    @bp.post(CODE)
    @draft.stepped(services, 2)
    def code_typed(found: Registration) -> flask.Response:
        if found.email is None:
            return answer.see_other(PAGES[2])
        if found.email_proven_at:  # a second press
            return answer.see_other(PAGES[3])
        if "resend" in flask.request.form:
            wrong = Wrong("code_just_sent") if _wait(services, found) else _send(services, found)
            return _page(services, found, wrong) if wrong else answer.see_other(CODE)
        token = new_token()
        if wrong := _check(services, found, flask.request.form.get("code", ""), token):
            return _page(services, found, wrong)
        response = answer.see_other(PAGES[3])
        services.browser.set(response, "signup", token)
        return response


def send_if_due(services: Services, found: Registration) -> str | None:
    """Send a code, unless one is on its way to this address; the sentence of a refusal."""
    if _wait(services, found):
        return None
    wrong = _send(services, found)
    return _said(services, wrong) if wrong else None


def _send(services: Services, found: Registration) -> Wrong | None:
    """The code before ends. Address and draft have an hourly allowance: taken with letter and event, or nothing is."""
    services.network.slow_down()
    services.network.note_failure()  # a sending costs as a failure does: one network cannot ask for ever
    email, now = found.email or "", services.now()
    code = f"{secrets.randbelow(1_000_000):06d}"
    buckets = (_bucket(services, email), f"signup.of:{found.registration_id}")
    with services.db.write() as tx:
        if wait := max(tx.throttle.delay(bucket, MAILS, now) for bucket in buckets):
            return Wrong("too_many_codes", wait)
        if any(tx.throttle.take(bucket, MAILS, now) for bucket in buckets):
            raise JourneyError("interaction_busy", status=409)
        minutes = str(GOOD_FOR // timedelta(minutes=1))
        values = {"to": email, "code": code, "minutes": minutes, "lang": services.pages.lang}
        letters.put(services, tx, LETTER, values)
        draft.note(services, tx, "signup.code_sent", found)
        waiting = {
            "email": email,
            "mac": _mac(services, found, email, code),
            "tries": 0,
            "sent_at": now.isoformat(),
            "expires_at": (now + GOOD_FOR).isoformat(),
        }
        services.ephemeral.renew(STORE, found.registration_id, waiting, GOOD_FOR)
    return None


def _check(services: Services, found: Registration, typed: str, token: str) -> Wrong | None:
    """None for the right code, once. Raises JourneyError if another request was first.

    token: the draft's cookie from then on; whoever has the one before chooses no password for this address.
    """
    services.network.slow_down()
    code, kept, email = six_digits(typed), _waiting(services, found), found.email or ""
    if kept is None:
        return Wrong("code_expired")
    waiting, version = kept
    if code is None:
        return Wrong("code_malformed")
    if waiting["tries"] >= MAX_TRIES:
        return Wrong("code_worn_out")
    bucket = attempts_of("signup", services.data_keys.mac("login", email))
    with services.db.write() as tx:
        wait = tx.throttle.take(bucket, ATTEMPTS, services.now())
    if wait:
        return Wrong("too_many_attempts", wait)
    tried = {**waiting, "tries": waiting["tries"] + 1}
    expires_at = datetime.fromisoformat(waiting["expires_at"])
    if not services.ephemeral.swap(STORE, found.registration_id, version, tried, expires_at):
        raise JourneyError("interaction_busy", status=409)
    is_right = hmac.compare_digest(_mac(services, found, email, code), waiting["mac"])
    with services.db.write() as tx:
        if is_right:
            tx.throttle.forgive(bucket)
            draft.save(services, tx, replace(found, email_proven_at=services.now(), browser_digest=digest(token)))
            draft.note(services, tx, "signup.email_proven", found)
        else:
            draft.note(services, tx, "signup.code_refused", found, "refused")
    if is_right:
        services.ephemeral.take(STORE, found.registration_id)
        return None
    services.network.note_failure()
    return Wrong("code_wrong")


def _waiting(services: Services, found: Registration) -> tuple[dict[str, Any], int] | None:
    """The code that would count: the last of this draft, if it went to this very address and is in time."""
    kept = services.ephemeral.get_versioned(STORE, found.registration_id)
    if kept is None or kept[0]["email"] != found.email:
        return None
    if services.now() >= datetime.fromisoformat(kept[0]["expires_at"]):
        return None
    return kept


def _wait(services: Services, found: Registration) -> timedelta:
    """Until another code may be sent to this address."""
    kept = _waiting(services, found)
    if kept is None:
        return timedelta(0)
    return max(datetime.fromisoformat(kept[0]["sent_at"]) + RESEND_AFTER - services.now(), timedelta(0))


def _page(services: Services, found: Registration, wrong: Wrong | None = None) -> flask.Response:
    return draft.draw(
        services,
        "signup/code.html",
        step=2,
        registration=found,
        errors=[_said(services, wrong)] if wrong else [],
        code_action=CODE,
        email=found.email,
        minutes=GOOD_FOR // timedelta(minutes=1),
        resend_wait_s=-(-_wait(services, found) // timedelta(seconds=1)),
        back_url=PAGES[2],
    )


def _said(services: Services, wrong: Wrong) -> str:
    minutes = {"minutes": -(-wrong.wait // timedelta(minutes=1))} if wrong.wait else {}
    return services.pages.say(PROBLEMS[wrong.code], **minutes)


def _bucket(services: Services, email: str) -> str:
    return f"signup.send:{services.data_keys.mac('login', email)}"


def _mac(services: Services, found: Registration, email: str, code: str) -> str:
    return services.data_keys.mac("signup", found.registration_id, email, code)
