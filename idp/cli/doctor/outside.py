"""What others see and do: the mail server, the public address, the proxy in front."""

import json
import secrets
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

from idp.cli.doctor.finding import Finding, fail, ok, warn
from idp.errors import Unavailable
from idp.mail import SmtpMailer
from idp.outgoing import Outgoing, Unreachable
from idp.settings import Settings, SettingsError

METADATA = "/.well-known/openid-configuration"
TIMEOUT_S = 5
LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


def mail(settings: Settings) -> Iterator[Finding]:
    shown = f"{settings.mail.host}:{settings.mail.port}"
    try:
        SmtpMailer(settings.mail).check()
    except (Unavailable, SettingsError) as error:
        yield fail("mail", f"{shown}: {error}")
        return
    spoken = {"none": "in clear", "starttls": "over TLS (STARTTLS)", "implicit": "over TLS"}[settings.mail.tls]
    login = ", it accepts our name and password" if settings.mail.username else ""
    yield ok("mail", f"{shown} answers {spoken}{login}")


def issuer(settings: Settings) -> Iterator[Finding]:
    """Asked from here, as clients do; a public address that this machine cannot reach is a warning."""
    if not settings.is_secure:
        yield warn("issuer", "http: for trials on this machine only")
    try:
        answer = Outgoing(settings.outgoing).get(settings.issuer + METADATA, accept="application/json")
    except Unreachable as error:
        yield warn("issuer", f"{settings.issuer} cannot be asked from here: {error}")
        return
    found = _issuer_of(answer.body)
    if answer.status != 200 or found is None:
        yield fail("issuer", f"{settings.issuer}{METADATA} answers {answer.status}, without metadata: see the proxy")
    elif found != settings.issuer:
        yield fail("issuer", f"{settings.issuer} answers as another issuer, {found}: correct `issuer` or the proxy")
    else:
        yield ok("issuer", f"{settings.issuer} answers as itself")


def trusted_proxies(settings: Settings) -> Iterator[Finding]:
    if settings.is_secure and not settings.trusted_proxies:
        advice = "name the proxy in trusted_proxies, or the whole world is one network to us"
        yield warn("proxy", f"issuer is https, so a proxy speaks TLS for us: {advice}")
    if any(network.num_addresses > 2**16 and not network.is_private for network in settings.trusted_proxies):
        yield fail("proxy", "trusted_proxies: a network of the whole Internet may say who it is; name the proxy alone")


def listener(settings: Settings) -> Iterator[Finding]:
    """Whom the running server believes. X-Request-Id is believed of whom X-Forwarded-For is, and comes back."""
    given = f"doctor-{secrets.token_hex(8)}"
    try:
        source, returned = _ask_listener(settings, given)
    except Unreachable as error:
        yield warn("proxy", f"no server at {settings.host}:{settings.port} could be asked whom it believes: {error}")
        return
    is_trusted = any(ip_address(source) in network for network in settings.trusted_proxies)
    if returned == given and not is_trusted:
        yield fail("proxy", f"the server believes {source}, which trusted_proxies does not name: restart it")
    elif returned != given and is_trusted:
        yield warn("proxy", f"the server does not believe {source}, which trusted_proxies names: restart it")
    else:
        yield ok("proxy", f"{source} is {'' if is_trusted else 'not '}believed, as trusted_proxies says")


def forged_headers(settings: Settings) -> Iterator[Finding]:
    """What the proxy lets through from anybody."""
    if not settings.is_secure:
        return
    for name, advice in (
        ("X-Request-Id", "it must set X-Request-Id and X-Forwarded-For itself"),
        ("X_Request_Id", "it must drop headers whose name has an underscore"),
    ):
        given = f"doctor-{secrets.token_hex(8)}"
        try:
            with Outgoing(settings.outgoing).session() as session:
                answer = session.get(settings.issuer + "/healthz", headers={name: given}, timeout=TIMEOUT_S)
        except Unreachable:  # told by the check of the issuer
            return
        if answer.headers.get("X-Request-Id") == given:
            yield fail("proxy", f"it passes on {name} of anybody, and so what they say of their address: {advice}")
        else:
            yield ok("proxy", f"it keeps {name} of others to itself")


CHECKS = (mail, issuer, trusted_proxies, listener, forged_headers)


def _issuer_of(body: bytes) -> str | None:
    try:
        found: Any = json.loads(body)
        return str(found["issuer"])
    except (ValueError, KeyError, TypeError):
        return None


def _ask_listener(settings: Settings, given: str) -> tuple[str, str | None]:
    """Our address as the server sees it, and the X-Request-Id of its answer. Raises Unreachable."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}.get(settings.host, settings.host)  # noqa: S104 # nosec B104 - to connect to
    ours = settings.outgoing.model_copy(update={"allowed_networks": LOOPBACK, "proxy": None})
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}/healthz"
    with Outgoing(ours).session() as session:
        return host, session.get(url, headers={"X-Request-Id": given}, timeout=TIMEOUT_S).headers.get("X-Request-Id")
