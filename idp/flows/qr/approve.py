"""The phone's page: what it is asked to approve, the number, the key, and « Ce n'est pas moi ».

A GET changes nothing, for an application that previews addresses follows them too: the POST of the first page binds
the request to this phone's browser, and the POST of the second answers it.
"""

import re
from contextlib import suppress
from datetime import timedelta
from typing import Any

import flask

from idp.domain.enrolled import PHONE
from idp.domain.phone import PIN_DIGITS, KnownPhone
from idp.domain.phone_request import MAX_WRONG, PhoneRequest, RequestRefused, State
from idp.domain.texts import N_, Text
from idp.flows import answer
from idp.flows.portal import places
from idp.flows.qr import approving, requests
from idp.flows.qr.approving import Answer, KeyRefused
from idp.flows.qr.web_app import HOME, known_phone
from idp.flows.services import Services

ENDS = {  # why a request is of no use here: a status, a title, and what to do
    "foreign": (
        404,
        N_("Ce code n'est pas valable"),
        N_("Ce QR code n'est pas l'un des nôtres, ou il n'est plus affiché. Lisez celui de l'ordinateur."),
    ),
    "expired": (410, N_("Cette demande a expiré"), N_("Sur l'ordinateur, affichez un nouveau code et lisez-le.")),
    "suspended": (
        403,
        N_("La connexion par téléphone est suspendue"),
        N_("Rien n'a été ouvert. Sur l'ordinateur, choisissez un autre mode d'authentification."),
    ),
    "scanned": (
        409,
        N_("Un autre téléphone a déjà lu ce code"),
        N_("Si ce n'est pas le vôtre, fermez la page sur l'ordinateur. Sinon, affichez-y un nouveau code."),
    ),
    "refused": (410, N_("Cette connexion est refusée"), N_("Rien n'a été ouvert sur l'ordinateur.")),
    "wrong_numbers": (
        410,
        N_("Cette connexion est refusée"),
        N_("Trois nombres faux : la connexion est arrêtée. Sur l'ordinateur, affichez un nouveau code et lisez-le."),
    ),
    "busy": (409, N_("Votre réponse n'a pas été prise en compte"), N_("Une autre réponse est en cours. Réessayez.")),
    "approved": (410, N_("Cette connexion est déjà approuvée"), N_("Un code n'est utilisé qu'une fois.")),
}
PROBLEMS: dict[str, Text] = {
    "number_missing": N_("Saisissez les deux chiffres affichés sur l'ordinateur."),
    "number_wrong": N_("Ce n'est pas le nombre affiché sur l'ordinateur. Vérifiez-le et réessayez."),
    "other_network": N_(
        "Ce service demande que votre téléphone soit sur le même réseau que l'ordinateur. Connectez-le au Wi-Fi de "
        "votre établissement, puis réessayez."
    ),
    "passkey_refused": N_("Cette clé d'accès n'est pas reconnue. Essayez-en une autre."),
    "passkey_copied": N_(
        "Cette clé d'accès est refusée : elle a peut-être été copiée. L'assistance est prévenue : "
        "contactez-la, et choisissez un autre mode."
    ),
    "account_inactive": N_("Ce compte ne permet pas de se connecter. Contactez l'assistance."),
    "unknown_phone": N_("Ce téléphone n'est pas, ou n'est plus, enregistré pour votre compte."),
    "phone_revoked": N_("Ce téléphone a été retiré de votre compte. Enregistrez-le à nouveau."),
    "signature_wrong": N_("La clé de ce téléphone n'est pas reconnue. Enregistrez-le à nouveau."),
    "pin_malformed": N_("Le code PIN compte six chiffres."),
    "pin_wrong": N_("Ce code PIN n'est pas le bon. Réessayez."),
    "too_many_pins": N_("Trop d'essais infructueux. Réessayez dans %(minutes)s min."),
    "busy": N_("Votre réponse est déjà en cours. Réessayez."),
}
STOPPED = frozenset({State.REFUSED.value, "wrong_numbers"})
OF_THE_PIN = frozenset({"pin_malformed", "pin_wrong", "too_many_pins"})
OF_THE_NUMBER = frozenset({"number_missing", "number_wrong"})


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """Scan, approve, refuse, and what came of it."""
    _add_scan(bp, services)
    _add_answer(bp, services)

    @bp.get("/qr/approved")
    def approved() -> flask.Response:
        """Says no more than its address: the request itself is gone when the computer has taken it."""
        return services.pages.render("qr/approve_done.html", installs=True, is_approved=True)

    @bp.get("/qr/refused")
    def refused() -> flask.Response:
        return services.pages.render("qr/approve_done.html", installs=True, is_approved=False)


def _add_scan(bp: flask.Blueprint, services: Services) -> None:
    """What a camera opens, and the button that binds the request to this phone."""

    @bp.get("/qr/<token>")
    def scanned(token: str) -> flask.Response:
        """What would be approved. Changes nothing."""
        try:
            request = requests.find_by_token(services, token)
            if request.is_of(services.browser.hash):
                return answer.see_other(_path(request))
            request.scanned(services.browser.hash, services.now())
        except RequestRefused as refusal:
            return _end(services, refusal.code)
        return services.pages.render("qr/approve_scan.html", action=f"/qr/{token}", **_shown(services, request))

    @bp.post("/qr/<token>")
    def scan(token: str) -> flask.Response:
        services.browser.check_form()
        try:
            request = requests.scan(services, requests.find_by_token(services, token))
            if flask.request.form.get("decision") == "refuse":
                return _refuse(services, request)
        except RequestRefused as refusal:
            return _end(services, "scanned" if refusal.code == "busy" else refusal.code)
        return answer.see_other(_path(request))


def _add_answer(bp: flask.Blueprint, services: Services) -> None:
    """What is asked of the phone that scanned, and its answer."""

    @bp.get("/qr/request/<request_id>")
    def asked(request_id: str) -> flask.Response:
        try:
            request = requests.find(services, request_id)
            request.require_phone(services.browser.hash, services.now())
        except RequestRefused as refusal:
            return _over(services, request_id, refusal.code)
        return _page(services, request)

    @bp.post("/qr/request/<request_id>")
    def answered(request_id: str) -> flask.Response:
        services.browser.check_form()
        services.network.slow_down()
        try:
            request = requests.find(services, request_id)
            request.require_phone(services.browser.hash, services.now())
            if flask.request.form.get("decision") == "refuse":
                return _refuse(services, request)
            return _approve(services, request)
        except RequestRefused as refusal:
            return _over(services, request_id, refusal.code)


def _refuse(services: Services, request: PhoneRequest) -> flask.Response:
    """« Ce n'est pas moi ». Raises RequestRefused."""
    approving.refuse(services, request, known_phone(services))
    return answer.see_other("/qr/refused")


def _approve(services: Services, request: PhoneRequest) -> flask.Response:
    """Raises RequestRefused for what ends it."""
    form = flask.request.form
    sent = Answer(*(form.get(name, "") for name in ("number", "challenge", "credential", "signature", "pin")))
    if not re.fullmatch(r"\s*[0-9]\s*[0-9]\s*", sent.number, re.ASCII):
        return _page(services, request, "number_missing")
    try:
        approving.approve(services, request, known_phone(services), sent)
    except KeyRefused as refusal:
        request = requests.find(services, request.id)
        return _page(services, request, refusal.code, wait=refusal.wait, typed=sent.number)
    except RequestRefused as refusal:
        if refusal.code not in PROBLEMS:
            raise
        request = requests.find(services, request.id)
        request.require_phone(services.browser.hash, services.now())
        return _page(services, request, refusal.code)
    return answer.see_other("/qr/approved")


def _page(
    services: Services,
    request: PhoneRequest,
    problem: str | None = None,
    *,
    wait: timedelta = timedelta(0),
    typed: str = "",
) -> flask.Response:
    """Of a request that waits for this phone. problem: a key of PROBLEMS. typed: the number, kept if it was right."""
    known = known_phone(services)
    if problem is None and approving.is_elsewhere(services, request):
        problem = "other_network"
    by_pin = known is not None and known.kind == PHONE
    minutes = -(-wait // timedelta(minutes=1))
    error = services.pages.say(PROBLEMS[problem], minutes=minutes) if problem else None
    field = "approve-pin" if problem in OF_THE_PIN else "approve-number" if problem in OF_THE_NUMBER else None
    return services.pages.render(
        "qr/approve.html",
        status=400 if problem and flask.request.method == "POST" else 200,
        installs=True,
        action=_path(request),
        challenge=request.challenge,
        by_pin=by_pin,
        known=known,
        options=None if by_pin else approving.options(services, request, known),
        signs=_signs(services, request, known) if by_pin else None,
        pin_digits=PIN_DIGITS,
        home_url=HOME,
        errors=[error] if error else [],
        error_field=field,
        number_typed=typed if field == "approve-pin" else "",
        **_shown(services, request),
    )


def _signs(services: Services, request: PhoneRequest, known: KnownPhone | None) -> dict[str, str]:
    """What the script of a phone without passkeys needs to sign with its key."""
    with services.db.read() as tx:
        phone = tx.phones.find(known.credential_id) if known else None
    return {
        "issuer": services.settings.issuer,
        "request": request.id,
        "key": phone.key_id if phone else "",
    }


def _shown(services: Services, request: PhoneRequest) -> dict[str, Any]:
    """What a person compares with the computer before them."""
    say = services.pages.say
    words, parts = places.browser(request.user_agent)
    now = services.now()
    return {
        "service_name": request.service,
        "browser": say(words, **parts),
        "network": say(places.network(request.network, services.settings.egress)),
        "seconds_ago": max(int((now - request.opened_at).total_seconds()), 0),
        "seconds_left": int(request.left(now).total_seconds()),
    }


def _end(services: Services, code: str) -> flask.Response:
    status, title, text = ENDS.get(code, ENDS["expired"])
    say = services.pages.say
    return services.pages.render(
        "qr/approve_end.html",
        status=status,
        installs=True,
        title=say(title),
        text=say(text),
        is_stopped=code in STOPPED,
        home_url=HOME,
    )


def _over(services: Services, request_id: str, code: str) -> flask.Response:
    """Why this phone can answer it no more; three wrong numbers are told to the phone that sent them."""
    with suppress(RequestRefused):
        request = requests.find(services, request_id)
        if code == State.REFUSED.value and request.is_of(services.browser.hash) and request.wrong >= MAX_WRONG:
            code = "wrong_numbers"
    return _end(services, code)


def _path(request: PhoneRequest) -> str:
    return f"/qr/request/{request.id}"
