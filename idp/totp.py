"""Time-based one-time passwords (RFC 6238). SHA-1, six digits and 30 s: what every application does."""

import hmac
from datetime import datetime

import pyotp

from idp.domain.codes import DIGITS

STEP_S, DRIFT = 30, 1


def new_secret() -> str:
    """160 random bits (RFC 4226 §4, R6), base32."""
    return str(pyotp.random_base32())


def key_uri(secret: str, login: str, issuer: str) -> str:
    """What the QR code of an enrolment says."""
    return str(pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S).provisioning_uri(name=login, issuer_name=issuer))


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The latest step whose code this is, of the current one and its neighbours (§5.2): all three are compared."""
    current, generator, found = int(now.timestamp()) // STEP_S, pyotp.HOTP(secret, digits=DIGITS), None
    for step in range(current - DRIFT, current + DRIFT + 1):
        if hmac.compare_digest(generator.at(step).encode(), code.encode()):
            found = step
    return found
