"""What a phone without a passkey proves: that its browser holds the key, and that its holder knows the PIN.

The signature first: only who holds the phone can have wrong PINs counted, and so keep its holder out.
"""

import base64
from datetime import timedelta

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from idp.domain.audit import AuditEvent
from idp.domain.phone import MOST_WRONG_PINS, Phone, is_pin
from idp.domain.throttle import ATTEMPTS
from idp.flows import notices
from idp.flows.services import Services
from idp.store import Tx

HALF_BYTES = 32  # of a signature: r, then s (Web Cryptography API §23.7.1)
MAX_KEY = 200  # characters: a SubjectPublicKeyInfo of P-256 has 91 bytes


class PhoneRefused(Exception):
    """What came of a phone does not do.

    code: key_malformed, signature_wrong, pin_malformed, pin_wrong, too_many_pins (after `wait`), phone_revoked.
    """

    def __init__(self, code: str, wait: timedelta = timedelta(0)) -> None:
        super().__init__(code)
        self.code, self.wait = code, wait


def read_key(posted: str) -> bytes:
    """A public key as `phone_key.js` sends it (base64url), in the one encoding that is stored. Raises PhoneRefused."""
    try:
        found = _public_key(_decoded(posted, MAX_KEY))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PhoneRefused("key_malformed") from error
    return found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def check_signature(public_key: bytes, message: bytes, posted: str) -> None:
    """ECDSA on P-256 with SHA-256, as WebCrypto writes it, in base64url. Raises PhoneRefused("signature_wrong")."""
    try:
        raw = _decoded(posted, 2 * HALF_BYTES * 4 // 3 + 4)
        if len(raw) != 2 * HALF_BYTES:
            raise ValueError("neither r nor s")
        r, s = (int.from_bytes(half, "big") for half in (raw[:HALF_BYTES], raw[HALF_BYTES:]))
        _public_key(public_key).verify(encode_dss_signature(r, s), message, ECDSA(SHA256()))
    except (ValueError, InvalidSignature) as error:
        raise PhoneRefused("signature_wrong") from error


def pin_digest(services: Services, key_id: str, pin: str) -> str:
    """What is stored of a PIN: who reads it needs our secret too, for there are a million PINs only."""
    return services.hasher.hash(_keyed(services, key_id, pin))


def verify(services: Services, phone: Phone, message: bytes, signature: str, pin: str) -> None:
    """That this phone signed the message, and its holder typed the PIN. Raises PhoneRefused.

    A PIN is counted as wrong before it is compared, so that of many at once each counts.
    """
    check_signature(phone.public_key, message, signature)
    if not is_pin(pin):
        raise PhoneRefused("pin_malformed")
    bucket = f"phone_pin:{phone.credential_id}"
    with services.db.write() as tx:
        wait = tx.throttle.take(bucket, ATTEMPTS, services.now())
        failures = 0 if wait else tx.phones.note_wrong_pin(phone.credential_id)
        is_live = tx.phones.find(phone.credential_id) is not None
    if not is_live:
        raise PhoneRefused("phone_revoked")
    if failures > MOST_WRONG_PINS:  # whoever counted the last one stopped before it was revoked
        with services.db.write() as tx:
            _revoke(services, tx, phone, failures)
        raise PhoneRefused("phone_revoked")
    if wait:
        raise PhoneRefused("too_many_pins", wait)
    if not services.hasher.verify(phone.pin_digest, _keyed(services, phone.key_id, pin)):
        raise PhoneRefused("phone_revoked" if _note_wrong(services, phone, failures) else "pin_wrong")
    with services.db.write() as tx:
        tx.throttle.forgive(bucket)  # locked in the order in which they are counted
        tx.phones.forgive(phone.credential_id)


def _note_wrong(services: Services, phone: Phone, failures: int) -> bool:
    """Audit it; True if it was one too many: the phone is revoked then, and its holder told, once."""
    is_last = failures >= MOST_WRONG_PINS
    with services.db.write() as tx:
        if is_last:
            tx.accounts.lock(phone.account_id)
        services.record(tx, _event("phone.pin_wrong", phone, failures, outcome="refused"))
        if is_last:
            _revoke(services, tx, phone, failures)
    return is_last


def _revoke(services: Services, tx: Tx, phone: Phone, failures: int) -> None:
    """Once, and its holder is told."""
    tx.accounts.lock(phone.account_id)
    account = tx.accounts.get(phone.account_id)
    if account is not None and tx.means.remove(phone.account_id, phone.credential_id, services.now()):
        services.record(tx, _event("phone.revoked", phone, failures))
        notices.tell(services, tx, account, "phone.revoked", means=phone.credential_id, method="phone")


def _event(name: str, phone: Phone, failures: int, *, outcome: str = "ok") -> AuditEvent:
    detail = {"means": phone.credential_id, "failures": str(failures)}
    return AuditEvent(name, "anonymous", phone.account_id, outcome=outcome, detail=detail)


def _keyed(services: Services, key_id: str, pin: str) -> str:
    return services.data_keys.mac("phone pin", key_id, pin)


def _public_key(spki: bytes) -> EllipticCurvePublicKey:
    """Raises ValueError for any key but one of P-256, on the curve."""
    found = load_der_public_key(spki)
    if not isinstance(found, EllipticCurvePublicKey) or not isinstance(found.curve, SECP256R1):
        raise ValueError("not a key of P-256")
    return found


def _decoded(posted: str, most: int) -> bytes:
    """base64url without padding. Raises ValueError for anything else, or more than `most` characters."""
    if len(posted) > most:
        raise ValueError("too long")
    return base64.b64decode(posted + "=" * (-len(posted) % 4), altchars=b"-_", validate=True)
