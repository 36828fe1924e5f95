"""Adding an authenticator application: a secret by QR code, which a code of the application confirms."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import flask

from idp.domain.codes import six_digits
from idp.domain.enrolled import TOTP, TotpSecret
from idp.domain.texts import N_, Text
from idp.errors import JourneyError
from idp.flows import enrolled_codes
from idp.flows.portal import adding
from idp.flows.portal.adding import Begun
from idp.flows.portal.door import Visitor
from idp.flows.portal.frame import done, draw
from idp.flows.portal.fresh import sensitive
from idp.flows.services import Services
from idp.totp import key_uri, matching_step, new_secret
from keys.seal import SealBroken

PAGE = adding.PAGES[TOTP]
PENDING, MAX_TRIES = "totp_enrolment", 5
PROBLEMS: dict[str, Text] = {
    "expired": N_("Cette demande a expiré. Un nouveau QR code est affiché : lisez-le."),
    "malformed": N_("Le code compte six chiffres."),
    "wrong": N_("Ce code n'est pas celui de ce QR code. Vérifiez l'heure de votre téléphone, et réessayez."),
    "worn_out": N_("Trop d'essais. Un nouveau QR code est affiché : lisez-le."),
}


@dataclass(frozen=True, slots=True)
class Pending:
    """A secret that no code has confirmed yet: of one session."""

    secret: str = field(repr=False)
    tries: int
    version: int
    begun: Begun


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The page with the QR code, and its form."""

    @bp.get(PAGE)
    @sensitive(services, PAGE, adds_means=True)
    def show_totp(visitor: Visitor) -> flask.Response:
        adding.require_method(services, TOTP)
        return _page(services, visitor)

    @bp.post(PAGE)
    @sensitive(services, PAGE, adds_means=True, begun=lambda visitor: _pending(services, visitor) is not None)
    def confirm_totp(visitor: Visitor) -> flask.Response:
        adding.require_method(services, TOTP)
        typed = flask.request.form.get("name", "")
        name = adding.clean_name(typed)
        if name is None:
            return _page(services, visitor, {"name": services.pages.say(adding.BAD_NAME)}, typed)
        found = _check(services, visitor, flask.request.form.get("code", ""))
        if isinstance(found, str):
            return _page(services, visitor, {"code": found}, name)
        pending, step = found
        taken = services.ephemeral.take(PENDING, visitor.session.session_id)
        again = _read(services, visitor, taken, 0) if taken else None
        if again is None or again.secret != pending.secret:  # one tab was first, and another has drawn a new one since
            raise JourneyError("interaction_busy", status=409)
        adding.keep(
            services,
            visitor,
            TOTP,
            name,
            lambda tx, _, credential_id: tx.totp_secrets.add(
                TotpSecret(credential_id, enrolled_codes.seal(services, credential_id, pending.secret), step)
            ),
            level=pending.begun.level,
        )
        return done(services, visitor, N_("L'application d'authentification est ajoutée."), adding.MEANS)


def _check(services: Services, visitor: Visitor, typed: str) -> tuple[Pending, int] | str:
    """What waited, and the step of the right code, or the sentence for what is wrong.

    Raises JourneyError if another request was first.
    """
    services.network.slow_down()
    say, session_id = services.pages.say, visitor.session.session_id
    pending, code = _pending(services, visitor), six_digits(typed)
    if pending is None:
        return say(PROBLEMS["expired"])
    if code is None:
        return say(PROBLEMS["malformed"])
    if pending.tries >= MAX_TRIES:
        _draw(services, visitor, pending.begun)
        return say(PROBLEMS["worn_out"])
    if too_early := adding.attempt(services, visitor, TOTP):
        return too_early
    tried = _sealed(services, visitor, pending.secret, pending.tries + 1, pending.begun)
    if not services.ephemeral.swap(PENDING, session_id, pending.version, tried, pending.begun.expires_at):
        raise JourneyError("interaction_busy", status=409)
    step = matching_step(pending.secret, code, services.now())
    if step is None:
        adding.note_refusal(services, visitor, TOTP, "code_wrong")
        return say(PROBLEMS["wrong"])
    adding.forgive(services, visitor, TOTP)
    return pending, step


def _page(
    services: Services, visitor: Visitor, wrong: dict[str, str] | None = None, name: str | None = None
) -> flask.Response:
    """wrong: sentences by field."""
    wrong = wrong or {}
    if adding.is_full(services, visitor.account.account_id, TOTP):
        return adding.refuse_full(services, visitor)
    pending = _pending(services, visitor) or _draw(services, visitor, adding.begin(services, visitor))
    say, label = services.pages.say, services.settings.brand.name
    uri = key_uri(pending.secret, visitor.account.login_name, label)
    groups = [pending.secret[i : i + 4] for i in range(0, len(pending.secret), 4)]
    return draw(
        services,
        visitor,
        "portal/means_totp.html",
        here="means",
        status=400 if wrong else 200,
        action=PAGE,
        back_url=adding.MEANS,
        qr=adding.qr_code(uri),
        key_uri=uri,
        secret=" ".join(groups),
        minutes=-(-(pending.begun.expires_at - services.now()) // timedelta(minutes=1)),
        name=name if name is not None else say(N_("Mon téléphone")),
        max_name=adding.MAX_NAME,
        wrong=wrong,
        errors=list(wrong.values()),
        error_field="totp-code" if "code" in wrong else "totp-name",
    )


def _draw(services: Services, visitor: Visitor, begun: Begun) -> Pending:
    secret, left = new_secret(), begun.expires_at - services.now()
    services.ephemeral.renew(PENDING, begun.session_id, _sealed(services, visitor, secret, 0, begun), left)
    return Pending(secret, 0, 0, begun)


def _pending(services: Services, visitor: Visitor) -> Pending | None:
    found = services.ephemeral.get_versioned(PENDING, visitor.session.session_id)
    if found is None:
        return None
    return _read(services, visitor, *found)


def _read(services: Services, visitor: Visitor, kept: Mapping[str, Any], version: int) -> Pending | None:
    """None for what is over, also because the data key that sealed it was taken out since."""
    begun = adding.resumed(services, visitor, kept["begun"])
    try:
        secret = services.data_keys.open(base64.b64decode(kept["sealed"]), purpose=_purpose(visitor)).decode()
    except SealBroken:
        return None
    return Pending(secret, kept["tries"], version, begun) if begun else None


def _sealed(services: Services, visitor: Visitor, secret: str, tries: int, begun: Begun) -> dict[str, Any]:
    sealed = services.data_keys.seal(secret.encode(), purpose=_purpose(visitor))
    return {"sealed": base64.b64encode(sealed).decode(), "tries": tries, "begun": begun.kept()}


def _purpose(visitor: Visitor) -> str:
    return f"{PENDING}:{visitor.account.account_id}:{visitor.session.session_id}"
