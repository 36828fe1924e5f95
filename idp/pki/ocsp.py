"""Whether a certificate was revoked, by asking its authority at each login (OCSP, RFC 6960)."""

import secrets
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from idp.outgoing import Outgoing, Unreachable
from idp.pki.certificate import HASHES, MALFORMED

TIMEOUT_S = 2.0
AT_ONCE = 4  # questions under way; those that come meanwhile wait as long as one may take
FAILURES, PAUSE = 3, timedelta(seconds=10)  # after so many in a row nobody waits for it: all threads could
MAX_BYTES = 32 * 1024  # an answer with the responder's certificate has 2 KiB
NONCE_BYTES = 32  # RFC 9654 §2.1
SKEW = timedelta(minutes=5)  # between the responder's clock and ours
PREPARED = timedelta(days=7)  # the age of an answer without nonce: anybody could have kept it
REQUEST, ANSWER = "application/ocsp-request", "application/ocsp-response"


class Status(Enum):
    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"  # the responder does not know the certificate


class NoAnswer(Exception):
    """Nothing that the authority stands for; the text is for the log."""


class Responder:
    """Asks one responder. Thread-safe; holds a login up for twice TIMEOUT_S at most, and while it fails not at all."""

    def __init__(self, url: str, outgoing: Outgoing, *, nonce_required: bool) -> None:
        self._url, self._outgoing, self._nonce_required = url, outgoing, nonce_required
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._failures, self._failed_at = 0, datetime.min.replace(tzinfo=UTC)

    def ask(self, certificate: x509.Certificate, authority: x509.Certificate, now: datetime) -> Status:
        """Raises NoAnswer."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        # SHA-1 names the issuer here and protects nothing; responders of the older profile know no other (RFC 5019).
        named_by = hashes.SHA1()  # noqa: S303 # nosec B303
        named = ocsp.OCSPRequestBuilder().add_certificate(certificate, authority, named_by)
        request = named.add_extension(x509.OCSPNonce(nonce), critical=False).build()
        try:
            answer = ocsp.load_der_ocsp_response(self._sent(request.public_bytes(Encoding.DER), now))
            return self._judged(answer, request, authority, now)
        except (InvalidSignature, *MALFORMED) as error:
            raise NoAnswer(f"not an answer of the authority: {type(error).__name__}") from error

    def _sent(self, request: bytes, now: datetime) -> bytes:
        if not self._places.acquire(timeout=TIMEOUT_S):
            raise NoAnswer("too many questions are under way")
        try:
            self._check_pause(now)  # maybe since it waits for its place
            answer = self._outgoing.post(
                self._url,
                request,
                content_type=REQUEST,
                accept=ANSWER,
                max_bytes=MAX_BYTES,
                timeout_s=TIMEOUT_S,
                is_signed=True,
            )
        except Unreachable as error:
            # Threads may lose one another's count: the pause comes a question later then.
            self._failures, self._failed_at = self._failures + 1, now
            raise NoAnswer(str(error)) from error
        finally:
            self._places.release()
        self._failures = 0
        if answer.status != 200 or answer.content_type != ANSWER:
            raise NoAnswer(f"status {answer.status}, not an answer of OCSP")
        return answer.body

    def _check_pause(self, now: datetime) -> None:
        if self._failures >= FAILURES and abs(now - self._failed_at) < PAUSE:  # abs: the clock may be set back
            raise NoAnswer("not asked: it failed several times in a row")

    def _judged(
        self, answer: ocsp.OCSPResponse, request: ocsp.OCSPRequest, authority: x509.Certificate, now: datetime
    ) -> Status:
        """RFC 6960 §3.2, in its order. Raises NoAnswer, or what of MALFORMED or InvalidSignature is met."""
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise NoAnswer(f"the responder says {answer.response_status.name.lower()}")
        asked = (request.serial_number, request.issuer_key_hash, request.issuer_name_hash)
        about = [each for each in answer.responses if _about(each) == asked]
        if len(about) != 1:
            raise NoAnswer("an answer about another certificate")
        _check_signature(answer, _signer(answer, authority, now))
        if not all(map(_is_known, answer.extensions)):
            raise NoAnswer("a critical extension that is not known")
        has_nonce = self._check_nonce(answer, request)
        _check_dates(about[0], now, has_nonce=has_nonce)
        return Status[about[0].certificate_status.name]

    def _check_nonce(self, answer: ocsp.OCSPResponse, request: ocsp.OCSPRequest) -> bool:
        """Whether it is of this very question: another's nonce is an old answer, none is a prepared one (RFC 9654)."""
        given = _nonce(answer.extensions)
        if given is not None and given != _nonce(request.extensions):
            raise NoAnswer("the nonce of another question")
        if given is None and self._nonce_required:
            raise NoAnswer("no nonce, which card.ocsp_nonce_required asks for")
        return given is not None


def _is_known(extension: x509.Extension[x509.ExtensionType]) -> bool:
    """§4.4: what is not understood may be passed over unless it is critical."""
    return not extension.critical or isinstance(extension.value, x509.OCSPNonce)


def _nonce(extensions: x509.Extensions) -> bytes | None:
    return next((each.value.nonce for each in extensions if isinstance(each.value, x509.OCSPNonce)), None)


def _about(single: ocsp.OCSPSingleResponse) -> tuple[int, bytes, bytes]:
    if not isinstance(single.hash_algorithm, hashes.SHA1):
        raise ValueError("another hash than that of the question")
    return single.serial_number, single.issuer_key_hash, single.issuer_name_hash


def _check_dates(single: ocsp.OCSPSingleResponse, now: datetime, *, has_nonce: bool) -> None:
    """§4.2.2.1. Without a date of the next answer, it is good for the question that it holds the nonce of."""
    since, until = single.this_update_utc, single.next_update_utc
    if since > now + SKEW:
        raise NoAnswer("an answer from the future")
    if until is not None and now >= until:
        raise NoAnswer("an answer that ran out")
    if until is None and (not has_nonce or since < now - SKEW):
        raise NoAnswer("an answer that does not say how long it is good")
    if not has_nonce and since < now - PREPARED:
        raise NoAnswer("an answer of long ago, without nonce")


def _signer(answer: ocsp.OCSPResponse, authority: x509.Certificate, now: datetime) -> x509.Certificate:
    """The authority itself, or whom it charged with this by a certificate of its own (§4.2.2.2). Raises NoAnswer."""
    for each in (authority, *_delegates(answer, authority, now)):
        by_name = answer.responder_name == each.subject
        if by_name or (answer.responder_name is None and answer.responder_key_hash == _key_hash(each)):
            return each
    raise NoAnswer("signed by whom the authority did not charge with it")


def _delegates(answer: ocsp.OCSPResponse, authority: x509.Certificate, now: datetime) -> Iterator[x509.Certificate]:
    for each in answer.certificates:
        try:
            each.verify_directly_issued_by(authority)
            is_charged = _is_for_ocsp(each.extensions) and isinstance(each.signature_hash_algorithm, HASHES)
        except (InvalidSignature, *MALFORMED):
            continue
        if is_charged and each.not_valid_before_utc <= now < each.not_valid_after_utc:
            yield each


def _is_for_ocsp(extensions: x509.Extensions) -> bool:
    purposes = [each.value for each in extensions if isinstance(each.value, x509.ExtendedKeyUsage)]
    usages = [each.value.digital_signature for each in extensions if isinstance(each.value, x509.KeyUsage)]
    return any(ExtendedKeyUsageOID.OCSP_SIGNING in each for each in purposes) and all(usages)


def _key_hash(certificate: x509.Certificate) -> bytes:
    """SHA-1 of the bits of the key (§4.2.1): again a name."""
    return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest


def _check_signature(answer: ocsp.OCSPResponse, signer: x509.Certificate) -> None:
    """Raises InvalidSignature; ValueError for an algorithm that is not accepted."""
    key, algorithm = signer.public_key(), answer.signature_hash_algorithm
    if not isinstance(algorithm, HASHES):
        raise ValueError("signed with a hash that is not accepted")
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(answer.signature, answer.tbs_response_bytes, padding.PKCS1v15(), algorithm)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(algorithm))
    else:
        raise ValueError("a key that is not accepted")
