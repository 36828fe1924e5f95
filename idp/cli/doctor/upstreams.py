"""Other providers that people sign in with: whether they answer, and how long our certificate is good for them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509

from idp.cli.doctor.finding import Finding, fail, ok, warn
from idp.methods import federation
from idp.methods.federation import leaving
from idp.methods.federation.faults import LoginRefused
from idp.outgoing import Outgoing, Unreachable
from idp.settings import Settings, SettingsError
from idp.settings.upstreams import Upstream

PART = "upstream"
SOON = timedelta(days=30)


def answers(settings: Settings) -> Iterator[Finding]:
    """Asked from here for what they publish; one that does not answer is a warning: people have other methods."""
    now = datetime.now(UTC)
    for name, upstream in _enabled(settings):
        try:
            published = federation.connect(name, upstream, Outgoing(settings.outgoing)).check(now)
        except SettingsError as error:
            yield fail(PART, str(error))
        except Unreachable as error:
            yield warn(PART, f"{name}: {upstream.issuer} cannot be asked from here: {error}")
        except LoginRefused as error:
            yield fail(PART, f"{name}: {error}; see upstreams.{name}")
        else:
            yield ok(PART, f"{name}: {upstream.issuer} answers as itself")
            yield from (warn(PART, f"{name}: {lack}") for lack in _lacks(upstream, published))
        if upstream.test_identities:
            told = f"upstreams.{name}.test_identities: whoever has a test identity may sign in"
            yield (warn if settings.is_secure else ok)(PART, told)


def certificates(settings: Settings) -> Iterator[Finding]:
    now = datetime.now(UTC)
    for name, upstream in _enabled(settings):
        if upstream.client_certificate_file is None:
            continue
        try:
            shown = x509.load_pem_x509_certificate(upstream.client_certificate_file.read_bytes())
        except (OSError, ValueError):
            continue  # said above
        left, until = shown.not_valid_after_utc - now, f"{shown.not_valid_after_utc:%Y-%m-%d}"
        told = f"{name}: client_certificate_file: valid until {until}"
        if left <= timedelta(0):
            yield fail(PART, f"{told}; put its successor there")
        else:
            yield (warn if left < SOON else ok)(PART, told)


def _lacks(upstream: Upstream, published: Mapping[str, Any]) -> Iterator[str]:
    """What its metadata, where they are read, do not announce, and logins need (RFC 8414 §2, RFC 9207 §3)."""
    if "issuer" not in published:
        return
    if upstream.iss_required and published.get("authorization_response_iss_parameter_supported") is not True:
        yield "it does not say that its answers carry iss; without it, set iss_required = false"
    if "S256" not in _listed(published, "code_challenge_methods_supported", ()):
        yield "it does not announce PKCE (S256), which is always used"
    if upstream.token_auth not in _listed(published, "token_endpoint_auth_methods_supported", ("client_secret_basic",)):
        yield f"it does not announce token_auth = {upstream.token_auth}"
    if upstream.backchannel_logout and published.get("backchannel_logout_supported") is not True:
        yield "it does not announce back-channel logout, which backchannel_logout waits for"
    if published.get("end_session_endpoint") and leaving.end_session_endpoint(upstream, published) is None:
        yield "its end_session_endpoint is on none of origins: nobody is offered to leave it"


def _listed(published: Mapping[str, Any], name: str, default: tuple[str, ...]) -> Sequence[Any]:
    found = published.get(name, default)
    return found if isinstance(found, list | tuple) else ()


def _enabled(settings: Settings) -> list[tuple[str, Upstream]]:
    return [(name, of) for name, of in settings.upstreams.items() if name in settings.methods]
