"""The clients that the simulator knows, and how they prove at the back channel who they are."""

import base64
import binascii
import hashlib
import hmac
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_plus

import flask
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.util import urlsafe_b64encode


@dataclass(frozen=True, slots=True, repr=False)
class Client:
    """A registered client: with a secret, or with the subject of its certificate (RFC 4514), or either.

    backchannel_logout_uri: where logout tokens go; empty for nowhere.
    """

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()
    secret: str = ""
    tls_subject: str = ""
    backchannel_logout_uri: str = ""

    def __repr__(self) -> str:
        return f"Client({self.client_id!r})"


class BackChannelError(Exception):
    """An error of the token endpoint (RFC 6749 §5.2) or of a protected resource (RFC 6750 §3.1)."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


def authenticate(clients: Mapping[str, Client], request: flask.Request) -> Client:
    """By client_secret_basic, client_secret_post or tls_client_auth (RFC 8705 §2.1). Raises BackChannelError."""
    client_id, secret, methods = _basic(request.headers.get("Authorization", ""))
    if "client_secret" in request.form:
        client_id, secret, methods = request.form.get("client_id", ""), request.form["client_secret"], methods + 1
    if methods > 1:  # RFC 6749 §2.3
        raise BackChannelError("invalid_request", "more than one way of client authentication")
    client = clients.get(client_id or request.form.get("client_id", ""))
    if client is None or request.form.get("client_id", client.client_id) != client.client_id:
        raise BackChannelError("invalid_client", "unknown client", 401)
    if client.secret and hmac.compare_digest(secret.encode(), client.secret.encode()):
        return client
    presented = certificate(request)
    if not methods and client.tls_subject and presented and presented.subject.rfc4514_string() == client.tls_subject:
        return client
    raise BackChannelError("invalid_client", "client authentication failed", 401)


def certificate(request: flask.Request) -> x509.Certificate | None:
    """What the client presented in the TLS handshake, which checked who issued it."""
    pem = request.environ.get("SSL_CLIENT_CERT")
    return x509.load_pem_x509_certificate(pem.encode()) if pem else None


def thumbprint(presented: x509.Certificate | None) -> str:
    """`x5t#S256` (RFC 8705 §3.1), empty without a certificate: an access token is bound to it."""
    return urlsafe_b64encode(presented.fingerprint(SHA256())).decode() if presented else ""


def proves(verifier: str, challenge: str) -> bool:
    """PKCE with S256 (RFC 7636 §4.6)."""
    derived = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    return hmac.compare_digest(derived, challenge.encode())


def mutual_tls(certificate_and_key: Path, client_authorities: Path) -> ssl.SSLContext:
    """For `Servers.add`: TLS that asks for a client certificate, and goes on without one. PEM files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate_and_key)
    context.load_verify_locations(client_authorities)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _basic(header: str) -> tuple[str, str, int]:
    """client_id, secret and 1, or nothing and 0. Form-encoded inside (RFC 6749 §2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", "", 0
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise BackChannelError("invalid_client", "malformed credentials", 401) from None
    return unquote_plus(client_id), unquote_plus(secret), 1
