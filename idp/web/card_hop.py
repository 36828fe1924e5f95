"""Who may say which certificate a client showed: the proxy of the card host, known by its secret, and nobody else.

The secret stands in the value that states the certificate, `<certificate>;secret="<secret>"`: WSGI has one name for
`X-A` and `X_A`, and whichever of two headers reaches us, who wrote it knew the secret. What it says is passed on as
`SEEN` in the environ; the headers themselves never reach the application.
"""

import base64
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from idp.settings import Settings, SettingsError, read_private

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CLIENT_CERT = "Client-Cert"  # RFC 9440 §2.2, with a parameter (RFC 8941 §3.1.2)
NGINX_CLIENT_CERT = "X-Sesame-Client-Cert"  # $ssl_client_escaped_cert, and the same parameter
PATH = "/carte/"
SEEN = "sesame.card"  # in the environ: what was believed of the proxy, or Forged
MAX_CERTIFICATE = 8 * 1024  # bytes: a card's is under 4096

SECRET = re.compile(rb"[A-Za-z0-9+/=_.~-]{32,256}")  # what any proxy can write between quotation marks
BAD_SECRET = "one line of 32 to 256 of A-Z, a-z, 0-9 and + / = _ . ~ - (`openssl rand -base64 48`)"
STATED = re.compile(r'([^";]*);secret="([^"]*)"')
BYTES = re.compile(r":([A-Za-z0-9+/]+={0,2}):")  # RFC 8941 §3.3.5
PEM = re.compile(r"-----BEGIN CERTIFICATE-----\n((?:[A-Za-z0-9+/=]{1,64}\n)+)-----END CERTIFICATE-----\n?")


@dataclass(frozen=True, slots=True)
class Shown:
    """certificate: DER, whose key the client has; None if it showed none, no bytes for one that cannot be read."""

    certificate: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Forged:
    """The headers came from somebody else, or cannot be believed; reason: a code, for the audit."""

    reason: str


class CardHop:
    """WSGI middleware, before everything that answers.

    secret: of the proxy; None where there is no card host. refusing: who answers a request that is refused: it finds
    `Forged` in the environ.
    """

    def __init__(self, app: "WSGIApplication", *, refusing: "WSGIApplication", secret: bytes | None) -> None:
        self._app, self._refusing, self._secret = app, refusing, secret

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if not (_CLIENT_CERT in environ or _NGINX_CLIENT_CERT in environ):
            return self._app(environ, start_response)
        rfc, nginx = environ.pop(_CLIENT_CERT, ""), environ.pop(_NGINX_CLIENT_CERT, "")
        if not rfc and not nginx:  # how some proxies remove a header
            return self._app(environ, start_response)
        environ[SEEN] = seen = self._judge(rfc, nginx, environ.get("PATH_INFO", ""))
        start_response = _without_cookies(start_response)
        if isinstance(seen, Forged):
            return self._refusing(environ, start_response)
        environ.pop("HTTP_COOKIE", None)  # those of the issuer's host come along where only the port differs
        return self._app(environ, start_response)

    def _judge(self, rfc: str, nginx: str, path: str) -> Shown | Forged:
        if self._secret is None:
            return Forged("no_card_host")
        if rfc and nginx:
            return Forged("two_certificates")
        stated = STATED.fullmatch(rfc or nginx)
        if stated is None:
            return Forged("no_secret")
        certificate, secret = stated.groups()
        if not hmac.compare_digest(secret.encode("latin-1", "replace"), self._secret):
            return Forged("wrong_secret")
        if not path.startswith(PATH):
            return Forged("other_path")
        try:
            return Shown(_of_rfc9440(certificate) if rfc else _of_nginx(certificate))
        except ValueError:
            return Shown(b"")


def state(certificate: str, secret: str) -> str:
    """The value of a header, as a proxy writes it."""
    return f'{certificate};secret="{secret}"'


def read_secret(settings: Settings) -> bytes | None:
    """What the proxy proves itself with; None where there is no card host. Raises SettingsError."""
    if settings.card.dialog_secret_file is None:
        return None
    secret = read_private("card.dialog_secret_file", settings.card.dialog_secret_file)
    if not SECRET.fullmatch(secret):
        raise SettingsError(f"card.dialog_secret_file: {BAD_SECRET}")
    return secret


def _of_rfc9440(value: str) -> bytes | None:
    """DER; None for no bytes: no certificate. Raises ValueError for what is not exactly one."""
    return None if value == "::" else _decoded(BYTES.fullmatch(value))


def _of_nginx(value: str) -> bytes | None:
    """The same."""
    return None if not value else _decoded(PEM.fullmatch(unquote(value, errors="strict")))


def _decoded(found: re.Match[str] | None) -> bytes:
    """Raises ValueError."""
    if found is None:
        raise ValueError
    text = found[1].replace("\n", "")
    der = base64.b64decode(text, validate=True)  # its binascii.Error is a ValueError
    if len(der) > MAX_CERTIFICATE or base64.b64encode(der).decode() != text:
        raise ValueError
    return der


def _without_cookies(start_response: "StartResponse") -> "StartResponse":
    def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        kept = [(name, value) for name, value in headers if name.lower() != "set-cookie"]
        return start_response(status, kept, *error)

    return start


def environ_key(name: str) -> str:
    """As WSGI names a header (PEP 3333): `-` and `_` are one, so that what a proxy removes must be removed in both."""
    return "HTTP_" + name.upper().replace("-", "_")


_CLIENT_CERT, _NGINX_CLIENT_CERT = environ_key(CLIENT_CERT), environ_key(NGINX_CLIENT_CERT)
