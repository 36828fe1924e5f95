"""A card in Python behind the interface of the real one: for demonstrations and tests only."""

import hashlib
import hmac
import threading
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from card_reader import certificates, web_eid
from card_reader.card import CardError, Seen, State, Token, Tries
from card_reader.pin import Pin

MOST_TRIES = 3
READER = "Simulated reader"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(repr=False, eq=False)
class Inserted:
    """What is in the reader. The card keeps the count of its tries when it is taken out and put in again."""

    certificate: x509.Certificate
    key: PrivateKey
    pin_digest: bytes
    tries_left: int = MOST_TRIES

    @property
    def tries(self) -> Tries:
        return "final" if self.tries_left == 1 else "low" if 0 < self.tries_left < MOST_TRIES else "ok"


@dataclass(repr=False, eq=False)
class SimulatedCard:
    """A reader, and the cards that were put into it."""

    _cards: list[Inserted] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def insert(self, certificate: x509.Certificate, key: PrivateKey, pin: str) -> Inserted:
        """Put in a new card."""
        return self.put_back(Inserted(certificate, key, _digest(pin)))

    def put_back(self, card: Inserted) -> Inserted:
        """Put in a card that was taken out; another that is there stays, as in a second reader."""
        with self._lock:
            self._cards.append(card)
        return card

    def remove(self) -> None:
        """Take out every card."""
        with self._lock:
            self._cards.clear()

    def look(self) -> Seen:
        with self._lock:
            try:
                certificate, card = self._only()
            except CardError as error:
                if error.code == "no_card":
                    return Seen(State.ABSENT)
                return Seen(State.UNREADABLE, reader=READER, code=error.code)
            state = State.PRESENT if card.tries_left else State.LOCKED
            fingerprint = certificates.fingerprint(certificate)
            return Seen(state, certificates.holder(certificate), card.tries, READER, fingerprint=fingerprint)

    def sign(self, pin: str, origin: str, nonce: str, expected: str | None = None) -> Token:
        typed = Pin(pin)
        del pin  # a traceback shows the locals of its frames
        typed.check_form()
        with self._lock:
            certificate, card = self._only()
            certificates.check(certificate, expected)
            _try(card, typed)
            algorithms = web_eid.algorithms(certificate)
            if not algorithms:
                raise CardError("unsupported", "the key of the card is of no known kind")
            message = web_eid.to_be_signed(origin, nonce, algorithms[0])
            signature = self._sign(card.key, algorithms[0], message)
            if card not in self._cards:
                raise CardError("card_removed")
        signed = web_eid.token(certificate, algorithms[0], signature)
        web_eid.check(signed, origin, nonce)
        return signed

    def _only(self) -> tuple[x509.Certificate, Inserted]:
        return certificates.only(self._cards, lambda card: certificates.authentication([card.certificate]))

    def _sign(self, key: PrivateKey, algorithm: str, message: bytes) -> bytes:
        hashed = web_eid.HASHES[algorithm]()
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(message, padding.PKCS1v15(), hashed)
        length = (key.curve.key_size + 7) // 8
        numbers = decode_dss_signature(key.sign(message, ec.ECDSA(hashed)))
        return b"".join(number.to_bytes(length) for number in numbers)


def _try(card: Inserted, typed: Pin) -> None:
    """Raises CardError for a PIN that is not the card's."""
    if not card.tries_left:
        raise CardError("pin_locked")
    if hmac.compare_digest(_digest(typed.text), card.pin_digest):
        card.tries_left = MOST_TRIES
        return
    card.tries_left -= 1
    raise CardError("pin_incorrect", tries=card.tries) if card.tries_left else CardError("pin_locked")


def _digest(pin: str) -> bytes:
    return hashlib.sha256(pin.encode()).digest()
