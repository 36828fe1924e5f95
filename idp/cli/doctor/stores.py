"""The database, the ephemeral store, and their clocks."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta

from idp.cli.doctor.finding import Finding, fail, ok, warn
from idp.clock import SystemClock
from idp.domain.policy import in_force
from idp.domain.suspension import Suspensions
from idp.errors import Unavailable
from idp.flows.enrolled import relying_party
from idp.flows.worker import HEARTBEAT
from idp.methods import registry
from idp.settings import Settings
from idp.store import Database, Ephemeral
from idp.store.ephemeral import EMBEDDED, connect
from idp.store.inspection import DatabaseFacts, inspect
from keys import data_ring
from keys.seal import HEADER_BYTES, sealed_under
from keys.signer import UnsafeKeyFile

WRITTEN_IN = 2026  # no clock is right that says an earlier year
SLIGHT, LARGE = timedelta(seconds=2), timedelta(seconds=30)


def database(settings: Settings) -> Iterator[Finding]:
    try:
        facts = _inspected(settings)
    except Unavailable as error:
        yield fail("database", f"{error} (database_url)")
        return
    yield ok("database", f"{facts.version}, its schema is up to date")
    if facts.may_change_audit:
        advice = "connect as a role of its own (`sesame migrate --grant-to ROLE`)"
        yield warn("database", f"the role of database_url may change and delete audit events: {advice}")


def worker(settings: Settings) -> Iterator[Finding]:
    """The worker renews a lease each quarter of a minute."""
    try:
        _inspected(settings)
        with closing(Database(settings.database_url)) as opened, opened.read() as tx:
            until, waiting = tx.leases.until(HEARTBEAT), tx.outbox.waiting()
    except Unavailable:  # told by its own check
        return
    if until is not None and until > datetime.now(UTC):
        yield ok("worker", f"it runs; {waiting} messages wait")
    else:
        yield warn("worker", f"none runs (`sesame worker`); {waiting} messages wait, and no audit event is sealed")


def sealed_secrets(settings: Settings) -> Iterator[Finding]:
    """Secrets of authenticator applications and days of birth outlive the data key that sealed them, and are useless
    without it.
    """
    try:
        _inspected(settings)
        with closing(Database(settings.database_url)) as opened, opened.read() as tx:
            found = {
                "of authenticator applications": tx.totp_secrets.beginnings(HEADER_BYTES),
                "days of birth of registrations": tx.registrations.birth_beginnings(HEADER_BYTES),
            }
        known = data_ring.parse(data_ring.read(settings.secret_file))
    except (Unavailable, UnsafeKeyFile):  # told by their own checks
        return
    for what, beginnings in found.items():
        yield from _sealed(what, beginnings, known)


def _sealed(what: str, beginnings: Mapping[bytes, int], known: Collection[int]) -> Iterator[Finding]:
    counted: Counter[int] = Counter()
    for sealed, count in beginnings.items():
        counted[sealed_under(sealed)] += count
    for kid, count in sorted(counted.items()):
        said = f"{count} {what} under data key {kid}"
        if kid not in known:
            yield fail("secrets", f"{said}, which is not in secret_file: none of them can be read; put the line back")
        elif kid != max(known):
            yield warn("secrets", f"{said}: keep its line until `sesame worker` has sealed them again, within the hour")
        else:
            yield ok("secrets", said)


def passkeys(settings: Settings) -> Iterator[Finding]:
    """They are for one host, for ever; the list of a person's means still counts those of another."""
    rp_id = relying_party(settings).id
    try:
        _inspected(settings)
        with closing(Database(settings.database_url)) as opened, opened.read() as tx:
            useless = tx.passkeys.of_other_hosts(rp_id)
    except Unavailable:  # told by its own check
        return
    if useless:
        advice = "nobody signs in with them: tell their holders to register others, or give the issuer its host again"
        yield warn("passkeys", f"made for another host than {rp_id}: {useless}; {advice}")


def policies(settings: Settings) -> Iterator[Finding]:
    """Entries that were recorded by other rules are left out, and no page says so; so is what is suspended."""
    now = datetime.now(UTC)
    try:
        _inspected(settings)
        only_after = registry.load([name for name in settings.methods if name not in settings.upstreams]).only_after
        with closing(Database(settings.database_url)) as opened, opened.read() as tx:
            found = {client.client_id: in_force(tx.policies.of(client.client_id), now) for client in tx.clients.all()}
            suspended = [each for each in tx.method_suspensions.all() if each.is_in_force(now)]
    except (Unavailable, registry.MethodError):  # told by its own check, or by whatever starts
        return
    for client_id, policy in found.items():
        kept = policy.within(only_after).methods if policy else ()
        for entry in policy.methods if policy else ():
            if entry not in kept:
                first = only_after.get(entry.id, "another first factor")
                advice = f"record the policy anew, {entry.id} after {first} (`sesame policy set`)"
                yield warn("policies", f"{client_id}: {entry.id} is left out, it stands without {first}; {advice}")
    for each in suspended:
        advice = f"`sesame method restore {each.method}` ends it earlier"
        yield warn("policies", f"{each.method} is suspended for every service until {each.until.isoformat()}; {advice}")
    for client_id, policy in found.items():
        left = policy.within(only_after).under(Suspensions.of(suspended), now) if policy else None
        if left and left.suspended and not left.methods:
            yield warn("policies", f"{client_id}: every method it accepts is suspended, nobody signs in there")


def ephemeral(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url == EMBEDDED:
        yield ok("ephemeral store", "embedded, in the one worker")
        return
    try:
        with closing(_store(settings)) as store:
            policy = store.eviction_policy()
    except Unavailable as error:
        yield fail("ephemeral store", f"{error} (redis_url)")
        return
    if policy is None:
        yield warn("ephemeral store", "it does not tell its eviction policy, which must be noeviction: ask who runs it")
    elif policy != "noeviction":
        yield fail("ephemeral store", f"it evicts ({policy}): set maxmemory-policy to noeviction")
    else:
        yield ok("ephemeral store", "it answers, and evicts nothing")


def clocks(settings: Settings) -> Iterator[Finding]:
    now = datetime.now(UTC)
    if now.year < WRITTEN_IN:
        yield fail("clock", f"this machine says {now.year}: synchronise it (NTP)")
    for name, theirs in (("the database", _database_clock(settings)), ("the ephemeral store", _store_clock(settings))):
        if theirs is None:
            continue
        apart = abs(theirs - datetime.now(UTC))
        said = f"this machine and {name} are {apart.total_seconds():.1f} s apart"
        if apart > LARGE:
            yield fail("clock", f"{said}: synchronise both (NTP)")
        elif apart > SLIGHT:
            yield warn("clock", f"{said}: synchronise both (NTP)")
        else:
            yield ok("clock", said)


def _inspected(settings: Settings) -> DatabaseFacts:
    with closing(Database(settings.database_url)) as opened:
        return inspect(opened)


def _store(settings: Settings) -> Ephemeral:
    return Ephemeral(connect(settings.ephemeral_url), SystemClock())


def _database_clock(settings: Settings) -> datetime | None:
    try:
        return _inspected(settings).now
    except Unavailable:  # told by its own check
        return None


def _store_clock(settings: Settings) -> datetime | None:
    if settings.redis_url == EMBEDDED:
        return None
    try:
        with closing(_store(settings)) as store:
            return store.server_time()
    except Unavailable:
        return None
