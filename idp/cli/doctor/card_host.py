"""The card host: that it asks for certificates, keeps none for the next person, and that nobody else can show one.

Asked as a browser asks, with a certificate made for the occasion and a visa of no login: what comes back opens nothing.
A forged header that comes through to the provider writes an audit event there, `card.header_forged`.
"""

import base64
import secrets
from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from ssl import OP_NO_TICKET, TLSVersion
from tempfile import TemporaryDirectory
from urllib.parse import quote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from idp.cli.doctor.connection import Head, Server
from idp.cli.doctor.finding import Finding, fail, ok, warn
from idp.flows.card_dialog import FROM_US, NAVIGATION
from idp.flows.card_tickets import open_ticket, write_visa
from idp.outgoing import Unreachable
from idp.pki import CardRefused
from idp.settings import Settings, SettingsError, read_secret
from idp.web import card_hop
from idp.web.card_hop import CLIENT_CERT, NGINX_CLIENT_CERT, PATH, state
from keys.seal import DataKeys
from keys.signer import UnsafeKeyFile

PART = "card host"
ASKED = NAVIGATION | FROM_US  # as a browser that the login page sends
FOREIGN = "doctor.invalid"  # RFC 2606 §2
NOT_SERVED = (403, 404, 421)
NOT_SHOWN, ELSEWHERE = "not_shown", "elsewhere"


@dataclass(frozen=True, slots=True)
class Throwaway:
    """A certificate of nobody's, and what a forger would write of it."""

    der: bytes
    pem: bytes

    @classmethod
    def make(cls) -> "Throwaway":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sesame doctor")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        made = builder.not_valid_before(now).not_valid_after(now + timedelta(minutes=5)).sign(key, hashes.SHA256())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return cls(made.public_bytes(Encoding.DER), private + made.public_bytes(Encoding.PEM))

    def forged(self) -> Iterator[tuple[str, str]]:
        """Headers, bare (a proxy might add its secret) and with another secret; and the same with the underscores that
        WSGI cannot tell from hyphens.
        """
        certificate = x509.load_der_x509_certificate(self.der).public_bytes(Encoding.PEM).decode()
        guess = secrets.token_urlsafe(32)
        told = {NGINX_CLIENT_CERT: quote(certificate, safe=""), CLIENT_CERT: f":{base64.b64encode(self.der).decode()}:"}
        for name, value in ((name, each) for name, bare in told.items() for each in (bare, state(bare, guess))):
            yield name, value
            yield name.replace("-", "_"), value


@dataclass(frozen=True, slots=True)
class Visit:
    """One login that there is not."""

    settings: Settings
    data_keys: DataKeys
    card_host: Server
    issuer: Server
    shown: Throwaway
    handle: str
    nonce: str

    @classmethod
    def make(cls, settings: Settings) -> "Visit":
        """Raises SettingsError, UnsafeKeyFile."""
        return cls(
            settings=settings,
            data_keys=DataKeys(read_secret(settings.secret_file)),
            card_host=Server(settings.card.dialog_url or "", settings.outgoing),
            issuer=Server(settings.origin, settings.outgoing),
            shown=Throwaway.make(),
            handle=secrets.token_urlsafe(24),
            nonce=base64.b64encode(secrets.token_bytes(32)).decode(),
        )

    @property
    def path(self) -> str:
        return PATH + write_visa(self.data_keys, self.handle, self.nonce, datetime.now(UTC))

    def certificate(self, head: Head) -> bytes | str | None:
        """What the ticket holds; a word where there is none."""
        url = urlsplit(head.headers.get("location", ""))
        ticket = url.fragment.removeprefix("ticket=")
        if head.status != 303 or not ticket:
            return ELSEWHERE
        try:
            found = open_ticket(self.data_keys, ticket, self.handle, self.nonce, datetime.now(UTC))
        except CardRefused:
            return ELSEWHERE
        return NOT_SHOWN if found is None else found


def card_host(settings: Settings) -> Iterator[Finding]:
    """Nothing where the settings name none."""
    if settings.card.dialog_url is None or settings.card.dialog_secret_file is None:
        return
    if settings.outgoing.proxy:
        yield warn(
            PART, "not looked at: outgoing.proxy would stand between; run this where the card host can be reached"
        )
        return
    try:
        card_hop.read_secret(settings)
        visit = Visit.make(settings)
    except (SettingsError, UnsafeKeyFile) as error:
        yield fail(PART, str(error))
        return
    for address, check in ((settings.card.dialog_url, _there), (settings.issuer, _forged_here)):
        try:
            yield from check(visit)
        except Unreachable as error:
            yield warn(PART, f"{address} cannot be asked from here: {error}")


def _there(visit: Visit) -> Iterator[Finding]:
    """At the card host."""
    yield from _tls(visit)
    yield _passed_on(visit)
    yield from _resumption(visit)
    yield _other_host(visit)
    yield _other_server_name(visit)
    yield _nothing_else(visit)
    yield _forged_there(visit)


def _tls(visit: Visit) -> Iterator[Finding]:
    """A CPS3 signs for TLS 1.2 alone: whoever could speak 1.3 must be given 1.2."""
    server, new, old = visit.card_host, visit.card_host.context(), visit.card_host.context()
    new.set_alpn_protocols(["h2", "http/1.1"])
    found = server.shake(new)
    if found.version == "TLSv1.2":
        yield ok(PART, f"{server.host} speaks TLS 1.2, and no newer")
    else:
        advice = "give it an address or a port of its own (`sesame card nginx`)"
        yield fail(PART, f"{server.host} chooses {found.version}, for which older cards cannot sign: {advice}")
        old.maximum_version = TLSVersion.TLSv1_2
        try:
            server.shake(old)
        except Unreachable:
            yield fail(PART, f"{server.host} refuses TLS 1.2")
    if found.protocol == "h2":
        yield fail(PART, f"{server.host} speaks HTTP/2, whose connections outlive a login: turn it off there")


def _passed_on(visit: Visit) -> Finding:
    server = visit.card_host
    context = server.context()
    context.maximum_version = TLSVersion.TLSv1_2
    with TemporaryDirectory(prefix="sesame-doctor-") as folder:
        file = Path(folder) / "certificate.pem"
        file.touch(mode=0o600)
        file.write_bytes(visit.shown.pem)
        context.load_cert_chain(file)
    head = server.get(visit.path, ASKED.items(), context=context)
    found = visit.certificate(head)
    if found == NOT_SHOWN:
        return fail(PART, "it asks for no certificate, or passes none on: see `sesame card nginx`")
    if found != visit.shown.der:
        return fail(
            PART, f"it answers {head.status} and no ticket: see the secret and the lines of `sesame card nginx`"
        )
    return ok(PART, "it asks for a certificate, whichever, and passes it on")


def _resumption(visit: Visit) -> Iterator[Finding]:
    """The next person at a shared computer must not be the last, by what a browser keeps."""
    server, resumed = visit.card_host, set()
    for without in (OP_NO_TICKET, 0):
        context = server.context()
        context.options |= without
        context.maximum_version = TLSVersion.TLSv1_2
        session = server.shake(context).session
        if session is not None and server.shake(context, session).is_resumed:
            resumed.add("by a ticket" if session.has_ticket else "by their identifier")
    if resumed:
        advice = "ssl_session_cache off, ssl_session_tickets off"
        yield fail(PART, f"TLS sessions are resumed {' and '.join(sorted(resumed))}, without the card: {advice}")
    else:
        yield ok(PART, "TLS sessions are not resumed")
    kept = server.get(visit.path, ASKED.items()).headers.get("connection", "").lower()
    if kept != "close":
        yield fail(PART, "connections stay open, and with them the card's login: keepalive_timeout 0")
    else:
        yield ok(PART, "each connection is closed")


def _other_host(visit: Visit) -> Finding:
    """For what would have been a ticket; another server block of the same address may be the one that refuses."""
    head = visit.card_host.get(visit.path, ASKED.items(), host=FOREIGN)
    return _misdirected("another Host", head, NOT_SERVED)


def _other_server_name(visit: Visit) -> Finding:
    server, what = visit.card_host, "another name in TLS"
    try:
        head = server.get(PATH, context=server.context(is_verified=False), server_name=FOREIGN)
    except Unreachable as error:
        if error.reason == "tls":
            return ok(PART, f"{what} is refused in the handshake")
        return warn(PART, f"{what} gets no answer: {error}")
    return _misdirected(what, head, (421,))


def _misdirected(what: str, head: Head, right: Container[int]) -> Finding:
    if head.status in right:
        return ok(PART, f"{what} is answered {head.status}")
    return fail(PART, f"{what} is answered {head.status}, not 421: see `sesame card nginx`")


def _nothing_else(visit: Visit) -> Finding:
    status = visit.card_host.get("/healthz").status
    if status == 200:
        return fail(PART, f"it serves more than {PATH}: see `sesame card nginx`")
    if status not in NOT_SERVED:
        return warn(PART, f"/healthz is answered {status}: cannot tell whether it serves more than {PATH}")
    return ok(PART, f"it serves {PATH} alone")


def _forged_there(visit: Visit) -> Finding:
    """Without a certificate, and with headers that tell of one."""
    for name, value in visit.shown.forged():
        head = visit.card_host.get(visit.path, [*ASKED.items(), (name, value)])
        if isinstance(visit.certificate(head), bytes):
            return fail(PART, f"{name} of anybody is believed there: whoever has a certificate without its key gets in")
    return ok(PART, "headers that tell of a certificate are not believed there")


def _forged_here(visit: Visit) -> Iterator[Finding]:
    """At the public address: the provider refuses them, but they should not come that far."""
    issuer = visit.settings.issuer
    believed: list[str] = []
    passed: list[str] = []
    unclear: set[int] = set()
    for name, value in visit.shown.forged():
        head = visit.issuer.get(visit.path, [*ASKED.items(), (name, value)])
        if isinstance(visit.certificate(head), bytes):
            believed.append(name)
        elif head.status == 400:
            passed.append(name)
        elif head.status not in (403, 404):
            unclear.add(head.status)
    if believed:
        yield fail(PART, f"{_each(believed)} of anybody is believed at {issuer}: whoever has a certificate gets in")
    if passed:
        advice = "the provider refuses them; have the proxy remove them (`sesame card nginx`)"
        yield warn(PART, f"{issuer} lets through {_each(passed)}: {advice}")
    if unclear:
        found = ", ".join(map(str, sorted(unclear)))
        yield warn(PART, f"{issuer} answers {found}: cannot tell whether it keeps headers of the card host to itself")
    if not (believed or passed or unclear):
        yield ok(PART, f"{issuer} keeps headers of the card host to itself")


def _each(names: list[str]) -> str:
    return ", ".join(dict.fromkeys(names))
