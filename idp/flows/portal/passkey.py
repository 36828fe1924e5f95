"""Registering a passkey: a challenge of this session, answered once by an authenticator that verifies its user."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import flask
import structlog

from idp.ceremonies import CHALLENGE_BYTES, HANDLE_BYTES, PasskeyRefused, creation_options, verify_creation
from idp.domain.enrolled import PASSKEY, NewPasskey
from idp.domain.texts import N_, Text
from idp.errors import InvalidOperation
from idp.flows.enrolled import relying_party, write_passkey
from idp.flows.portal import adding
from idp.flows.portal.adding import Begun
from idp.flows.portal.door import Visitor
from idp.flows.portal.frame import done, draw
from idp.flows.portal.fresh import sensitive
from idp.flows.services import Services

PAGE = adding.PAGES[PASSKEY]
PENDING = "passkey_enrolment"
PROBLEMS: dict[str, Text] = {
    "missing": N_("Aucune clé d'accès n'a été enregistrée. Réessayez."),
    "expired": N_("Cette demande a expiré. Réessayez."),
    "refused": N_("Cette clé d'accès n'a pas pu être vérifiée. Réessayez, ou essayez avec un autre appareil."),
    "known": N_("Cette clé d'accès est déjà enregistrée."),
}


@dataclass(frozen=True, slots=True)
class Pending:
    """What was asked of an authenticator: of one session, for one answer."""

    challenge: bytes
    user_handle: bytes
    begun: Begun


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The page whose script asks the browser, and its form."""

    @bp.get(PAGE)
    @sensitive(services, PAGE, adds_means=True)
    def show_passkey(visitor: Visitor) -> flask.Response:
        adding.require_method(services, PASSKEY)
        return _page(services, visitor)

    @bp.post(PAGE)
    @sensitive(services, PAGE, adds_means=True, begun=lambda visitor: _waiting(services, visitor) is not None)
    def register_passkey(visitor: Visitor) -> flask.Response:
        adding.require_method(services, PASSKEY)
        form, say = flask.request.form, services.pages.say
        typed = form.get("name", "")
        name = adding.clean_name(typed)
        if name is None:
            return _page(services, visitor, say(adding.BAD_NAME), typed, field="passkey-name")
        kept = services.ephemeral.take(PENDING, visitor.session.session_id)  # spent, whatever comes of it
        pending = _read(services, visitor, kept) if kept else None
        if pending is None:
            return _page(services, visitor, say(PROBLEMS["expired"]), name)
        made = _check(services, visitor, pending, form.get("credential", ""))
        if isinstance(made, str):
            return _page(services, visitor, made, name, begun=pending.begun)
        try:
            adding.keep(
                services,
                visitor,
                PASSKEY,
                name,
                lambda tx, account, id_: write_passkey(tx, account.account_id, id_, made, pending.user_handle),
                level=pending.begun.level,
            )
        except InvalidOperation:
            adding.note_refusal(services, visitor, PASSKEY, "known")
            return _page(services, visitor, say(PROBLEMS["known"]), name, begun=pending.begun)
        return done(services, visitor, N_("La clé d'accès est ajoutée."), adding.MEANS)


def _check(services: Services, visitor: Visitor, pending: Pending, answer: str) -> NewPasskey | str:
    """The passkey that was made, or the sentence for what is wrong."""
    services.network.slow_down()
    say = services.pages.say
    if not answer:
        return say(PROBLEMS["missing"])
    if too_early := adding.attempt(services, visitor, PASSKEY):
        return too_early
    try:
        made = verify_creation(relying_party(services.settings), pending.challenge, answer)
    except PasskeyRefused as refusal:
        structlog.get_logger().warning("passkey not registered", cause=str(refusal))
        adding.note_refusal(services, visitor, PASSKEY, "refused")
        return say(PROBLEMS["refused"])
    adding.forgive(services, visitor, PASSKEY)
    return made


def _page(
    services: Services,
    visitor: Visitor,
    error: str | None = None,
    name: str | None = None,
    *,
    field: str | None = None,
    begun: Begun | None = None,
) -> flask.Response:
    """field: which one the error is about, if it is about one; begun: what goes on with another challenge."""
    if adding.is_full(services, visitor.account.account_id, PASSKEY):
        return adding.refuse_full(services, visitor)
    account, say = visitor.account, services.pages.say
    with services.db.read() as tx:
        handle, known = tx.passkeys.handle(account.account_id), tx.passkeys.of(account.account_id)
    pending = _pending(services, visitor, handle, begun)
    options = creation_options(
        relying_party(services.settings),
        pending.challenge,
        name=services.settings.brand.portal_name,
        user_handle=pending.user_handle,
        login=account.login_name,
        full_name=account.full_name,
        known=known,
        timeout_ms=(pending.begun.expires_at - services.now()) // timedelta(milliseconds=1),
    )
    return draw(
        services,
        visitor,
        "portal/means_passkey.html",
        here="means",
        status=400 if error else 200,
        action=PAGE,
        back_url=adding.MEANS,
        options=options,
        name=name if name is not None else say(N_("Mon appareil")),
        max_name=adding.MAX_NAME,
        is_refused=error is not None and error != say(PROBLEMS["known"]),
        wrong=error if field else None,
        errors=[error] if error else [],
        error_field=field,
    )


def _pending(services: Services, visitor: Visitor, handle: bytes | None, begun: Begun | None) -> Pending:
    """What waits in this session, for the handle that the account has now, or else something new."""
    found = _waiting(services, visitor)
    if found and found.user_handle == (handle or found.user_handle):
        return found
    begun = begun or (found.begun if found else adding.begin(services, visitor))
    made = Pending(secrets.token_bytes(CHALLENGE_BYTES), handle or secrets.token_bytes(HANDLE_BYTES), begun)
    kept = {
        "challenge": base64.b64encode(made.challenge).decode(),
        "user_handle": base64.b64encode(made.user_handle).decode(),
        "begun": begun.kept(),
    }
    services.ephemeral.put(PENDING, visitor.session.session_id, kept, begun.expires_at - services.now())
    return made


def _waiting(services: Services, visitor: Visitor) -> Pending | None:
    kept = services.ephemeral.get(PENDING, visitor.session.session_id)
    return _read(services, visitor, kept) if kept else None


def _read(services: Services, visitor: Visitor, kept: Mapping[str, Any]) -> Pending | None:
    challenge, user_handle = (base64.b64decode(kept[name]) for name in ("challenge", "user_handle"))
    begun = adding.resumed(services, visitor, kept["begun"])
    return Pending(challenge, user_handle, begun) if begun else None
