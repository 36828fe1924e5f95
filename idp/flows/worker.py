"""What the worker does: named tasks, each at its own pace and in a thread of its own; none holds up another.

Several workers may run. Messages are leased one by one; a task that one of them at a time should do runs under a lease
in the database.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from idp import signing
from idp.domain.ids import new_id
from idp.errors import InvalidOperation, Unavailable
from idp.flows import births, identity_changes
from idp.flows.access.expiring import tell_expiring
from idp.flows.alerts import raise_alert
from idp.flows.audit_trail import seal_next
from idp.flows.backchannel import Backchannel
from idp.flows.card_lists import CardLists
from idp.flows.delivery import deliver_next
from idp.flows.enrolled_codes import seal_again
from idp.flows.operators import keyring, rpps
from idp.flows.operators.desk import Desk
from idp.flows.operators.purging import purge
from idp.flows.services import Services
from idp.store.audit import PAGE
from keys.signer import KeyUnavailable, UnsafeKeyFile

NAME = "worker"
HEARTBEAT = "worker"  # the lease whose end, while it is to come, says that a worker runs
HEARTBEAT_LASTS = timedelta(minutes=1)
MAIL_LANES, LOGOUT_LANES = 1, 4
RETRY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Task:
    """run: one turn; True if there is more to do at once, otherwise it is called again after `period`.

    alone: done by one worker at a time, which has the task's lease for that long from the start of a turn.
    """

    name: str
    period: timedelta
    run: Callable[[], bool]
    alone: timedelta | None = None


class Worker:
    """Runs tasks until it is told to stop; each ends its turn first."""

    def __init__(self, services: Services, tasks: Iterable[Task], stop: threading.Event) -> None:
        self._services, self._tasks, self._stop = services, tuple(tasks), stop
        self._holder = new_id()
        self._held: dict[str, datetime] = {}

    def run(self) -> None:
        """Returns when `stop` is set and every task has ended; the leases are free then."""
        threads = [threading.Thread(target=self._repeat, args=(task,), name=task.name) for task in self._tasks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        try:
            with self._services.db.write() as tx:
                tx.leases.release(self._holder)
        except Unavailable as error:
            structlog.get_logger().warning("leases not given back, they expire", cause=str(error))

    def _repeat(self, task: Task) -> None:
        log = structlog.get_logger().bind(task=task.name)
        while not self._stop.is_set():
            pause = task.period
            try:
                if self._may_run(task) and task.run():
                    continue
            except Unavailable as error:
                log.error("worker waits", cause=str(error))
                pause = min(pause, RETRY)
            except Exception as error:
                log.error("task failed", cause=type(error).__name__, exc_info=error)
                pause = min(pause, RETRY)
            self._stop.wait(pause.total_seconds())

    def _may_run(self, task: Task) -> bool:
        """A lease is renewed when half of it is over: a task of each second does not write each second."""
        now = self._services.now()
        if task.alone is None or now < self._held.get(task.name, now) - task.alone / 2:
            return True
        with self._services.db.write() as tx:
            has_lease = tx.leases.take(task.name, self._holder, now, task.alone)
        self._held[task.name] = now + task.alone if has_lease else now
        return has_lease


def tasks(services: Services, stop: threading.Event) -> list[Task]:
    """Everything that a provider needs done beside its requests."""
    desk = Desk(services.db, services.clock, services.registry, NAME)
    backchannel = Backchannel(services)
    soon, second = timedelta(seconds=0.5), timedelta(seconds=1)
    minute, hour, day = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
    trust = services.card_trust
    lists = [Task("card lists", minute, CardLists(services, trust, stop).refresh)] if trust else []
    mails = [Task("letters", soon, lambda: deliver_next(services)) for _ in range(MAIL_LANES)]
    logouts = [Task("logouts", soon, backchannel.deliver_next) for _ in range(LOGOUT_LANES)]
    return [
        *mails,
        *logouts,
        *lists,
        Task(HEARTBEAT, HEARTBEAT_LASTS / 4, lambda: False, alone=HEARTBEAT_LASTS),
        Task("configuration", second, lambda: read_configuration(services)),
        Task("seal audit", second, lambda: seal_audit(services), alone=5 * second),
        Task("look for late events", hour, lambda: look_for_late_events(services), alone=hour),
        Task("rotate keys", hour, lambda: rotate_keys(services, desk), alone=hour),
        Task("seal secrets again", hour, lambda: seal_again(services, is_stopped=stop.is_set), alone=hour),
        Task("seal births again", hour, lambda: births.seal_again(services, is_stopped=stop.is_set), alone=hour),
        Task("changes of identity", minute, lambda: identity_changes.apply_due(services), alone=minute),
        Task("tell of accesses that end", hour, lambda: tell_expiring(services), alone=hour),
        Task("tell of unchecked numbers", day, lambda: tell_of_unchecked(services, desk, stop), alone=day),
        Task("purge", hour, lambda: purge_once(services, desk, stop), alone=hour),
    ]


def read_configuration(services: Services) -> bool:
    """The keys that another process made or withdrew are those that sign logout tokens here too."""
    services.configuration.refresh()
    return False


def seal_audit(services: Services) -> bool:
    """Chain the events that were committed since the last turn."""
    return seal_next(services.db, services.data_keys.mac, services.now()) >= PAGE


def look_for_late_events(services: Services) -> bool:
    """Nothing of ours writes an event long after its instant: a clock is wrong, or somebody inserted it."""
    with services.db.read() as tx:
        late = tx.audit.late_count()
    if late:
        structlog.get_logger().error("audit events came too late to be sealed", count=late)
        with services.db.write() as tx:
            raise_alert(services, tx, "audit.late", count=str(late))
    return False


def rotate_keys(services: Services, desk: Desk) -> bool:
    """Make the next signing keys in time. A failure is an alert: there are weeks to look into it."""
    settings = services.settings
    try:
        keyring.rotate_due(
            desk,
            signing.place(settings),
            max_age=timedelta(days=settings.keys_max_age_days),
            publish_before=timedelta(hours=settings.keys_publish_before_h),
        )
    except (InvalidOperation, KeyUnavailable, UnsafeKeyFile, OSError) as error:
        structlog.get_logger().error("keys not rotated", cause=str(error))
        with services.db.write() as tx:
            raise_alert(services, tx, "keys.rotation_failed", reason=type(error).__name__)
    return False


def tell_of_unchecked(services: Services, desk: Desk, stop: threading.Event) -> bool:
    """Whose RPPS number nobody verified for long; without an extract nobody knows who is confirmed by one."""
    with services.db.read() as tx:
        has_extract = tx.rpps_extract.imported_at() is not None
    count = rpps.tell_unchecked(services, desk, is_stopped=stop.is_set) if has_extract else 0
    if count:
        structlog.get_logger().info("told of numbers that nobody verified for long", letters=count)
    return False


def purge_once(services: Services, desk: Desk, stop: threading.Event) -> bool:
    """Delete what is over; stops between two batches."""
    deleted = purge(desk, services.settings, is_stopped=stop.is_set)
    if deleted:
        structlog.get_logger().info("purged", **deleted)
    return False
