"""The authorities of cards, and their revocation lists."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509

from idp.cli.doctor.finding import Finding, fail, ok, warn
from idp.methods.cps_card import CpsCard
from idp.pki import CardTrust
from idp.pki.authorities import common_name
from idp.settings import Settings, SettingsError

SOON = timedelta(days=90)  # a new authority is made known by then, and somebody must put it there


def authorities(settings: Settings) -> Iterator[Finding]:
    """Each authority: how long it is good, and whether a list says which of its cards were revoked."""
    if settings.card.authorities is None and CpsCard.id not in settings.methods:
        return
    try:
        trust = CardTrust.load(settings.card)
    except SettingsError as error:
        yield from (fail("card", line) for line in str(error).splitlines())
        return
    now = datetime.now(UTC)
    for authority in trust.authorities:
        yield _validity(authority, now)
        yield _list(trust, authority, now)
    if settings.card.test_cards:
        yield (warn if settings.is_secure else ok)("card", "card.test_cards: whoever has a test card may sign in")


def _validity(authority: x509.Certificate, now: datetime) -> Finding:
    name, days = common_name(authority), (authority.not_valid_after_utc - now).days
    if not authority.not_valid_before_utc <= now < authority.not_valid_after_utc:
        return fail("card", f"{name}: valid until {authority.not_valid_after_utc:%Y-%m-%d}; put its successor there")
    if authority.not_valid_after_utc - now < SOON:
        return warn("card", f"{name}: {days} days left; its cards are refused after that")
    return ok("card", f"{name}: {days} days left")


def _list(trust: CardTrust, authority: x509.Certificate, now: datetime) -> Finding:
    newest = trust.revocation.newest(authority, now)
    if newest is None:
        advice = "its cards are refused; see card.crl_files"
        return fail(
            "card", f"{common_name(authority)}: no revocation list that it signed and that is in force: {advice}"
        )
    return ok(
        "card", f"{common_name(authority)}: {len(newest.serials)} revoked, a list until {newest.until:%Y-%m-%d %H:%MZ}"
    )
