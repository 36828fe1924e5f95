"""The authorities of cards, and their revocation lists."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from idp.cli.doctor.finding import Finding, fail, ok, warn
from idp.methods.cps_card import CpsCard
from idp.pki import CardTrust
from idp.pki.authorities import common_name
from idp.pki.expiry import Validity, validities
from idp.settings import Settings, SettingsError, read_secret
from keys.seal import DataKeys
from keys.signer import UnsafeKeyFile


def authorities(settings: Settings) -> Iterator[Finding]:
    """Each authority: how long it is good, and whether a list or a responder says which of its cards were revoked."""
    if settings.card.authorities is None and CpsCard.id not in settings.methods:
        return
    try:
        trust = CardTrust.load(settings.card, mac=_mac(settings))
    except SettingsError as error:
        yield from (fail("card", line) for line in str(error).splitlines())
        return
    now = datetime.now(UTC)
    for validity in validities(trust, now):
        yield _authority(validity) if validity.kind == "authority" else _list(trust, validity, now)
    yield from _responders(trust)
    if trust.index and (strange := trust.index.strange()):
        advice = "put there by another, or under another secret: remove them"
        yield warn("card", f"card.revocation_dir: {len(strange)} files are not lists of this provider, {advice}")
    if hours := settings.card.revocation_max_age_h:
        yield warn("card", f"card.revocation_max_age_h: a list counts for {hours} hours after it ran out")
    if settings.card.test_cards:
        yield (warn if settings.is_secure else ok)("card", "card.test_cards: whoever has a test card may sign in")


def _mac(settings: Settings) -> Callable[..., str] | None:
    """What the lists of the worker are known by; a secret that cannot be read is told by its own check."""
    try:
        return DataKeys(read_secret(settings.secret_file)).mac
    except (SettingsError, UnsafeKeyFile):
        return None


def _authority(validity: Validity) -> Finding:
    if validity.is_over or (validity.since and validity.since > datetime.now(UTC)):
        return fail("card", f"{validity.name}: valid until {validity.until:%Y-%m-%d}; put its successor there")
    if validity.within:
        return warn("card", f"{validity.name}: {validity.left.days} days left; its cards are refused after that")
    return ok("card", f"{validity.name}: {validity.left.days} days left")


def _list(trust: CardTrust, validity: Validity, now: datetime) -> Finding:
    if validity.is_over:
        told = f"{validity.name}: no revocation list that it signed and that is in force"
        if "ocsp" in trust.settings.revocation:
            return warn("card", f"{told}: its responder alone is asked; see card.addresses and card.crl_files")
        return fail("card", f"{told}: its cards are refused; see card.addresses and card.crl_files")
    since, until = f"{validity.since:%Y-%m-%d %H:%MZ}", f"{validity.until:%Y-%m-%d %H:%MZ}"
    if validity.within:
        return warn(
            "card", f"{validity.name}: its list runs out on {until}, and no later one came; does the worker run?"
        )
    own = [each for each in trust.revocation.lists(now) if common_name(each.authority) == validity.name]
    revoked = sum(len(each.serials) for each in own)
    return ok("card", f"{validity.name}: {revoked} revoked, a list of {since} until {until}")


def _responders(trust: CardTrust) -> Iterator[Finding]:
    """Not asked from here: a question is about a card."""
    if "ocsp" not in trust.settings.revocation:
        return
    named = trust.addresses()
    for authority in trust.authorities:
        found = named.get(authority)
        if found is None or found.ocsp is None:
            say = warn if trust.revocation.uses_lists else fail
            yield say("card", f"{common_name(authority)}: no OCSP responder; see card.addresses")
