"""What a phone made while it was enrolled, verified: a passkey, a key with a PIN, or proof of a passkey that it had."""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import structlog

from idp.ceremonies import (
    PasskeyRefused,
    creation_options,
    read_answer,
    request_options,
    verify_assertion,
    verify_creation,
)
from idp.domain.account import Account
from idp.domain.enrolled import PASSKEY, PHONE, NewPasskey
from idp.domain.phone import key_id, pin_problem, signed_text
from idp.flows.enrolled import StoredPasskeys, relying_party
from idp.flows.portal.adding import is_full
from idp.flows.qr.enrolments import Enrolment
from idp.flows.qr.phone_keys import PhoneRefused, check_signature, pin_digest, read_key
from idp.flows.services import Services

HELD = "held"  # in place of a kind: the phone has a passkey of the account already
ENROLS = "enrol"  # what a phone's key signs is for
LIMIT_PIN = 20  # characters: no more is looked at


class MadeRefused(Exception):
    """code: refused, known, full, pin_malformed, pin_guessable, pin_differs."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def options(services: Services, account: Account, enrolment: Enrolment, *, held: bool) -> str:
    """JSON for the browser of the phone: a new passkey of its own, or one of the account's that it has."""
    party = relying_party(services.settings)
    challenge = base64.b64decode(enrolment.challenge)
    left = (enrolment.expires_at - services.now()) // timedelta(milliseconds=1)
    with services.db.read() as tx:
        known = tx.passkeys.of(account.account_id)
    if held:
        return request_options(party, challenge, allowed=known, hints=("client-device",), timeout_ms=left)
    asked: dict[str, Any] = json.loads(
        creation_options(
            party,
            challenge,
            name=services.settings.brand.portal_name,
            user_handle=base64.b64decode(enrolment.user_handle),
            login=account.login_name,
            full_name=account.full_name,
            known=known,
            timeout_ms=left,
        )
    )
    asked["authenticatorSelection"]["authenticatorAttachment"] = "platform"  # this phone, and not a key beside it
    return json.dumps(asked)


def parts_to_sign(services: Services, enrolment: Enrolment) -> tuple[str, ...]:
    """Of `signed_text`, for a key without a passkey."""
    return services.settings.issuer, ENROLS, enrolment.id, enrolment.challenge


def verify(services: Services, enrolment: Enrolment, form: Mapping[str, str]) -> dict[str, Any]:
    """What is to be stored of it, as JSON, `kind` in it. Raises MadeRefused."""
    try:
        if form.get("kind") == PHONE:
            return _phone(services, enrolment, form)
        if form.get("kind") == HELD:
            return _held(services, enrolment, form.get("credential", ""))
        return _passkey(services, enrolment, form.get("credential", ""))
    except (PasskeyRefused, PhoneRefused) as refusal:
        structlog.get_logger().warning("phone not enrolled", cause=str(refusal))
        raise MadeRefused("refused") from refusal


def _passkey(services: Services, enrolment: Enrolment, credential: str) -> dict[str, Any]:
    made = verify_creation(relying_party(services.settings), base64.b64decode(enrolment.challenge), credential)
    with services.db.read() as tx:
        if tx.passkeys.find(made.webauthn_id):
            raise MadeRefused("known")
    if is_full(services, enrolment.account_id, PASSKEY):
        raise MadeRefused("full")
    packed = {name: _packed(value) for name, value in asdict(made).items()}
    return {"kind": PASSKEY, "passkey": packed}


def passkey(kept: Mapping[str, Any]) -> NewPasskey:
    """Of what `verify` gave for a passkey."""
    values = {name: _unpacked(value) for name, value in kept["passkey"].items()}
    return NewPasskey(**{**values, "transports": tuple(values["transports"])})


def _packed(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _unpacked(value: Any) -> Any:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value


def _held(services: Services, enrolment: Enrolment, credential: str) -> dict[str, Any]:
    """A passkey of this account, on this phone: nothing is added, and the phone is remembered."""
    answer, passkeys = read_answer(credential), StoredPasskeys(services)
    record = passkeys.find(answer.webauthn_id)
    if record is None or record.account_id != enrolment.account_id:
        raise PasskeyRefused("unknown, or another's")
    challenge = base64.b64decode(enrolment.challenge)
    passkeys.spend(challenge)  # before the counter moves: no key is called copied for an answer sent twice
    counter = verify_assertion(passkeys.party, challenge, answer, record, is_named=True)
    if not passkeys.count(record, counter):
        raise PasskeyRefused("copied")
    return {"kind": HELD, "credential_id": record.credential_id}


def _phone(services: Services, enrolment: Enrolment, form: Mapping[str, str]) -> dict[str, Any]:
    key = read_key(form.get("key", ""))
    message = signed_text(*parts_to_sign(services, enrolment))
    check_signature(key, message, form.get("signature", ""))
    pin = form.get("pin", "")[:LIMIT_PIN]
    if problem := pin_problem(pin):
        raise MadeRefused(f"pin_{problem}")
    if form.get("pin_again", "") != pin:
        raise MadeRefused("pin_differs")
    if is_full(services, enrolment.account_id, PHONE):
        raise MadeRefused("full")
    return {
        "kind": PHONE,
        "public_key": base64.b64encode(key).decode(),
        "pin_digest": pin_digest(services, key_id(key), pin),
    }
