"""A card behind a PKCS#11 module.

Threads: python-pkcs11 initialises a module without locks of the operating system and releases Python's own during each
call, so that two threads crash the process. One lock for the whole process is held round every call.
Processes: what a module holds does not survive a fork. It is loaded at the first call; a child of later is refused.
Logins: they are those of the process, not of a session. A login ends with the call that tried the PIN. One that is
found all the same says nothing about the PIN: `UserAlreadyLoggedIn` is a failure, after which nobody is logged in.
"""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pkcs11
from cryptography import x509
from pkcs11 import MGF, Attribute, Mechanism, ObjectClass, SignMixin, SlotFlag, TokenFlag, _pkcs11, exceptions

from card_reader import certificates, web_eid
from card_reader.card import CardError, Seen, State, Token, Tries
from card_reader.pin import Pin

MECHANISMS = {
    "RS256": (Mechanism.SHA256_RSA_PKCS, None),
    "PS256": (Mechanism.SHA256_RSA_PKCS_PSS, (Mechanism.SHA256, MGF.SHA256, web_eid.PSS_SALT_LENGTH)),
    "ES256": (Mechanism.ECDSA, None),
    "ES384": (Mechanism.ECDSA, None),
    "ES512": (Mechanism.ECDSA, None),
}
GONE = (exceptions.DeviceRemoved, exceptions.TokenNotPresent)
REFUSED_PIN = (exceptions.PinIncorrect, exceptions.PinInvalid, exceptions.PinLenRange)
NOTICED_WITHIN_S = 1.5  # a removal reaches a module some time after the call that it broke

_lock = threading.Lock()
_owner: list[int] = []  # the process that uses modules


@dataclass(frozen=True, slots=True)
class _Inside:
    """A card in a reader. certificate, key_id: those of authentication; none on a card that cannot sign in."""

    slot: pkcs11.Slot
    certificate: x509.Certificate | None = None
    key_id: bytes = b""


Read = dict[tuple[int, bytes, str], tuple[x509.Certificate | None, bytes]]


class Pkcs11Card:
    """Whatever card is in a reader that the module at `module` serves."""

    def __init__(self, module: Path) -> None:
        self._module = module
        self._read: Read = {}

    def start_again(self) -> None:
        """For a module that does not notice by itself what is put in and taken out, as SoftHSM. Raises CardError."""
        with _library(self._module) as library:
            _start_again(library)

    def look(self) -> Seen:
        try:
            with _library(self._module) as library, _errors(library):
                if not library.get_slots():  # some modules have a slot without a reader, and do not tell
                    return Seen(State.ABSENT, code="no_reader")
                certificate, card = _only(library, self._read)
                token = card.slot.get_token()
        except CardError as error:
            if error.code in {"no_card", "card_removed"}:
                return Seen(State.ABSENT)
            return Seen(State.UNREADABLE, code=error.code)
        state = State.LOCKED if token.flags & TokenFlag.USER_PIN_LOCKED else State.PRESENT
        return Seen(
            state,
            certificates.holder(certificate),
            _tries(token),
            reader=card.slot.slot_description.strip(),
            fingerprint=certificates.fingerprint(certificate),
        )

    def sign(self, pin: str, origin: str, nonce: str, expected: str | None = None) -> Token:
        typed = Pin(pin)
        del pin  # a traceback shows the locals of its frames
        typed.check_form()
        with _library(self._module) as library:
            with _errors(library):
                certificate, card = _only(library, {})  # what was read before may be of another card
                certificates.check(certificate, expected)
                algorithm = _algorithm(certificate, card.slot)
            message = web_eid.to_be_signed(origin, nonce, algorithm)
            with _errors(library, card.slot), _logged_in(library, card.slot, typed) as session:
                signature = _sign(session, card.key_id, algorithm, message)
        signed = web_eid.token(certificate, algorithm, signature)
        web_eid.check(signed, origin, nonce)
        return signed


@contextmanager
def _library(module: Path) -> Iterator[_pkcs11.lib]:
    """The module, for one caller at a time. Raises CardError: no_module; failed in a child of who uses it."""
    if not _owner:
        _owner.append(os.getpid())
    if _owner[0] != os.getpid():  # before the lock, which a thread of the parent may have held during the fork
        raise CardError("failed", "the process was forked after a PKCS#11 module had been loaded")
    with _lock:
        try:
            library = pkcs11.lib(str(module))
        except exceptions.PKCS11Error as error:
            raise CardError("no_module", f"{module}: {error or type(error).__name__}") from None
        yield library


@contextmanager
def _errors(library: _pkcs11.lib, slot: pkcs11.Slot | None = None) -> Iterator[None]:
    """Turns what the module raises into CardError, after which nobody is logged in and nothing is open.

    slot: that of the card in use, to tell a card that was taken out from one that failed.
    """
    try:
        yield
    except exceptions.PKCS11Error as error:
        _start_again(library)
        if isinstance(error, GONE) or (slot and _is_gone(library, slot)):
            raise CardError("card_removed") from None
        raise CardError("failed", f"{type(error).__name__} {error}".strip()) from None


def _start_again(library: _pkcs11.lib) -> None:
    """Ends every session and login: python-pkcs11 cannot otherwise close a session whose login or logout failed."""
    try:
        library.finalize()
    except exceptions.PKCS11Error:
        pass  # it counts as finalized, and `pkcs11.lib` initializes it at the next call
    else:
        library.initialize()


def _is_gone(library: _pkcs11.lib, slot: pkcs11.Slot) -> bool:
    ends_at = time.monotonic() + NOTICED_WITHIN_S
    while time.monotonic() < ends_at:
        try:
            if slot.slot_id not in {each.slot_id for each in library.get_slots(token_present=True)}:
                return True
        except exceptions.PKCS11Error:
            return True
        time.sleep(0.05)
    return False


def _only(library: _pkcs11.lib, read: Read) -> tuple[x509.Certificate, _Inside]:
    """The card that could sign in. read: certificates of cards that are where they were; kept up to date."""
    inside, present = [], set()
    for slot in _occupied(library):
        try:
            token = slot.get_token()
        except exceptions.TokenNotRecognised:
            inside.append(_Inside(slot))
            continue
        except GONE:
            continue
        key = (slot.slot_id, token.serial, token.label)
        present.add(key)
        try:
            read[key] = read.get(key) or _authentication(token)
        except (exceptions.TokenNotRecognised, *GONE):
            continue  # a token that nobody has initialized is no card
        inside.append(_Inside(slot, *read[key]))
    for key in read.keys() - present:
        del read[key]
    return certificates.only(inside, lambda card: card.certificate)


def _occupied(library: _pkcs11.lib) -> list[pkcs11.Slot]:
    """OpenSC leaves a card that it does not know out of the first list: it would seem that there is none."""
    known = library.get_slots(token_present=True)
    return known or [slot for slot in library.get_slots() if slot.flags & SlotFlag.TOKEN_PRESENT]


def _authentication(token: pkcs11.Token) -> tuple[x509.Certificate | None, bytes]:
    """The certificate of authentication and its CKA_ID, which its private key shares; no PIN is needed to read them."""
    ids: dict[x509.Certificate, bytes] = {}
    with token.open() as session:
        for found in list(
            session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE})
        ):  # else the search stays open
            try:
                ids[x509.load_der_x509_certificate(found[Attribute.VALUE])] = found[Attribute.ID]
            except (ValueError, x509.InvalidVersion, exceptions.AttributeTypeInvalid):
                continue  # nothing that we could use
    certificate = certificates.authentication(ids)
    return certificate, ids[certificate] if certificate else b""


def _algorithm(certificate: x509.Certificate, slot: pkcs11.Slot) -> str:
    offered = slot.get_mechanisms()
    for algorithm in web_eid.algorithms(certificate):
        if MECHANISMS[algorithm][0] in offered:
            return algorithm
    raise CardError("unsupported", f"{slot.slot_description.strip()} offers no mechanism for the key")


@contextmanager
def _logged_in(library: _pkcs11.lib, slot: pkcs11.Slot, typed: Pin) -> Iterator[pkcs11.Session]:
    """Tries the PIN once; logs out at the end, whatever happens."""
    before = slot.get_token()
    try:
        session = before.open(user_pin=typed.text)
    except (*REFUSED_PIN, exceptions.PinLocked) as error:
        token = slot.get_token()
        is_locked = isinstance(error, exceptions.PinLocked) or token.flags & TokenFlag.USER_PIN_LOCKED
        _start_again(library)
        raise CardError("pin_locked" if is_locked else "pin_incorrect", tries=_tries(token)) from None
    try:
        yield session
    finally:
        try:
            session.close()  # logs out first
        except exceptions.PKCS11Error:
            _start_again(library)
        else:
            if _tries(before) != "ok":  # OpenSC goes on saying what it read of the counter before this PIN reset it
                _start_again(library)


def _sign(session: pkcs11.Session, key_id: bytes, algorithm: str, message: bytes) -> bytes:
    keys = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: key_id}))
    if len(keys) != 1 or not isinstance(keys[0], SignMixin):
        raise CardError("failed", f"{len(keys)} private keys have the CKA_ID of the certificate")
    mechanism, parameters = MECHANISMS[algorithm]
    if mechanism is Mechanism.ECDSA:  # of a digest
        message = hashlib.new(web_eid.HASHES[algorithm]().name, message).digest()
    return keys[0].sign(message, mechanism=mechanism, mechanism_param=parameters)


def _tries(token: pkcs11.Token) -> Tries:
    if token.flags & TokenFlag.USER_PIN_FINAL_TRY:
        return "final"
    return "low" if token.flags & TokenFlag.USER_PIN_COUNT_LOW else "ok"
