"""What crosses to the card host and back through the browser: a visa there, a ticket from there.

A visa says that a login in progress asks for a certificate, and which nonce it drew. A ticket holds the certificate
that was shown, sealed for that login: nobody reads it on its way, and it opens nothing anywhere else.
"""

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from idp.pki import CardRefused
from keys.seal import DataKeys, SealBroken

LIFETIME = timedelta(minutes=5)
MAX_VISA = 400  # characters


@dataclass(frozen=True, slots=True)
class Visa:
    """handle: of the Interaction."""

    handle: str
    nonce: str
    expires_at: datetime


class VisaForged(Exception):
    """We did not write this visa."""


def write_visa(data_keys: DataKeys, handle: str, nonce: str, now: datetime) -> str:
    """nonce: Base64. The visa stands in a URL as it is."""
    until = str(int((now + LIFETIME).timestamp()))
    drawn = _url_safe(nonce)
    return ".".join((handle, drawn, until, _mac(data_keys, handle, drawn, until)))


def read_visa(data_keys: DataKeys, visa: str) -> Visa:
    """Raises VisaForged; whether it has expired, the caller looks."""
    parts = visa.split(".")
    if len(visa) > MAX_VISA or len(parts) != 4:
        raise VisaForged
    handle, nonce, until, mac = parts
    if not hmac.compare_digest(mac.encode("utf-8", "replace"), _mac(data_keys, handle, nonce, until).encode()):
        raise VisaForged
    return Visa(handle, nonce, datetime.fromtimestamp(int(until), UTC))


def seal_ticket(data_keys: DataKeys, visa: Visa, certificate: bytes | None, now: datetime) -> str:
    """certificate: DER; None if none was shown."""
    shown = base64.b64encode(certificate).decode() if certificate is not None else None
    content = json.dumps({"nonce": visa.nonce, "at": now.isoformat(), "certificate": shown})
    sealed = data_keys.seal(content.encode(), purpose=_purpose(visa.handle))
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_ticket(data_keys: DataKeys, ticket: str, handle: str, nonce: str, now: datetime) -> bytes | None:
    """The certificate that was shown for this nonce of this login; None if none was.

    Raises CardRefused: "ticket_malformed" for what was not sealed for this login, "ticket_expired" for what was sealed
    for an earlier nonce of it, or five minutes ago.
    """
    try:
        sealed = base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
        content = json.loads(data_keys.open(sealed, purpose=_purpose(handle)))
    except (SealBroken, binascii.Error, ValueError) as error:
        raise CardRefused("ticket_malformed") from error
    is_late = now - datetime.fromisoformat(content["at"]) >= LIFETIME
    if is_late or not hmac.compare_digest(content["nonce"], _url_safe(nonce)):
        raise CardRefused("ticket_expired")
    return base64.b64decode(content["certificate"]) if content["certificate"] is not None else None


def _mac(data_keys: DataKeys, *parts: str) -> str:
    return data_keys.mac("card visa", *parts)


def _purpose(handle: str) -> str:
    return f"card ticket:{handle}"


def _url_safe(nonce: str) -> str:
    return nonce.translate(str.maketrans("+/", "-_")).rstrip("=")
