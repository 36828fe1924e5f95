"""The HTTP server: granian, its workers on one listening socket, replaced one by one without refusing anybody."""

import ctypes
import gc
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

from granian import _signals
from granian._granian import SocketHolder, WorkerSignal
from granian._internal import load_target
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from idp.flows import metrics
from idp.settings import Settings, SettingsError

LOGGING = {"loggers": {"_granian": {"propagate": True}, "granian.access": {}}}  # to the root's handler, in its format


CONNECTIONS = 2048  # at once, for each worker; those that send no header are closed after HEADER_TIMEOUT_MS
HEADER_TIMEOUT_MS = 10_000
BACKLOG = 1024
SILENT_S = 10  # that a connection which says nothing stays with the kernel, before a worker sees it
STOP_S = 20  # that requests have to end, before their worker is killed
NOTICED_S = 0.5  # within which a worker notices a signal that came just before it began to wait
OVERLAP_S = 1.0  # between the start of a worker and the end of the one that it replaces
PASSED_SOCKET = 3  # sd_listen_fds(3)
PR_SET_PDEATHSIG = 1  # prctl(2)
M_ARENA_MAX = -8  # mallopt(3)


def serve(target: str, settings: Settings) -> None:
    """Serve the WSGI factory `target` ("module:function") until a signal ends it.

    SIGTERM, SIGINT: requests end, within STOP_S, and no new one begins. SIGHUP: workers are replaced one by one;
    each new one reads settings and keys again. Raises SettingsError if the port is taken.
    """
    listener = passed_listener() or listen(settings.host, settings.port)
    multiprocessing.set_start_method("fork", force=True)  # a worker inherits the socket, and what is loaded already
    os.register_at_fork(after_in_child=_end_when_told)
    with ExitStack() as opened:
        if settings.metrics:
            _count_together(opened)
        if settings.redis_url == "valkey":
            from idp.valkey import Valkey  # noqa: PLC0415 - an extra

            opened.enter_context(Valkey(settings))
        server = _Server(
            target,
            listener=listener,
            interface=Interfaces.WSGI,
            workers=settings.workers,
            blocking_threads=settings.threads,
            backlog=BACKLOG,
            backpressure=CONNECTIONS,
            http=HTTPModes.http1,  # `auto` never gives up a connection that says nothing
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS),
            log_level=LogLevels.error,
            log_dictconfig=LOGGING,
            respawn_failed_workers=True,
            respawn_interval=OVERLAP_S,
            workers_kill_timeout=STOP_S,
        )
        server.on_startup(gc.freeze)  # the collector would write to the pages that workers share
        server.serve(target_loader=partial(_in_worker, target, os.getpid()), wrap_loader=False)


def _count_together(opened: ExitStack) -> None:
    """A folder in which workers write what they count (idp.flows.metrics): those of an earlier start are not in it."""
    os.environ[metrics.FOLDER] = opened.enter_context(TemporaryDirectory(prefix="sesame-metrics-"))
    opened.callback(os.environ.pop, metrics.FOLDER)


class _Server(MPServer):
    """Workers accept from one listening socket, which outlives each of them.

    On Linux granian gives each a socket of its own on the same port (SO_REUSEPORT): connections that wait at one whose
    worker ends are reset, unless the kernel is told otherwise for the whole machine (net.ipv4.tcp_migrate_req).
    """

    def __init__(self, target: str, *, listener: socket.socket, **options: Any) -> None:
        super().__init__(target, **options)
        self._listener = listener

    def _init_shared_socket(self) -> None:
        self._number: int = self._listener.detach()  # from here on it is granian's, in each process
        self._shd: Any = SocketHolder(self._number, False, BACKLOG)  # type: ignore[call-arg] # its stub is older than it
        self._sso = None

    def _drop_shared_socket(self) -> None:
        os.close(self._number)


def _end_when_told() -> None:
    """From its first moment on: the parent's handlers would only take note. granian sets others once it serves."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def _in_worker(target: str, parent: int) -> Callable[..., Any]:
    """The application, in a worker that ends when its parent is gone."""
    if sys.platform == "linux":
        c_library = ctypes.CDLL(None)
        if hasattr(c_library, "mallopt"):  # of glibc: what one thread has freed is for every other, 5 MiB a worker less
            c_library.mallopt(M_ARENA_MAX, 1)
        c_library.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit(1)
    application: Callable[..., Any] = load_target(target, factory=True)
    _signals.set_sync_signals = _told_once
    # granian then waits for a lock, which no signal interrupts that came before, or to another thread: wake it.
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, NOTICED_S, NOTICED_S)
    return application


def _told_once() -> Any:
    """What granian waits for, set by the first signal alone: told again while its threads end, it waits for one that
    waits for the interpreter's lock, which it holds. A server of several threads that is killed tells its workers once
    for each of them (prctl(2)).
    """
    event, is_told = WorkerSignal(), False

    def tell(*_: Any) -> None:
        nonlocal is_told
        if not is_told:
            is_told = True
            event.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    return event


def passed_listener() -> socket.socket | None:
    """The socket that systemd holds for this process, if it does (sd_listen_fds(3)): connections wait in it while the
    service is restarted.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        return None
    return _patient(socket.socket(fileno=PASSED_SOCKET))


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host` (IPv4, IPv6, or a name) and on that port alone. Raises SettingsError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, address = found[0][0], str(found[0][4][0])
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
        return _patient(
            socket.create_server((address, port), family=family, backlog=BACKLOG, dualstack_ipv6=both)  # not shared
        )
    except OSError as error:
        shown = f"[{host}]" if ":" in host else host
        raise SettingsError(f"port: {shown}:{port} cannot be listened on: {error.strerror}") from error


def _patient(listener: socket.socket) -> socket.socket:
    """Hand a connection to a worker once it has said something: a worker that ends closes those that were silent."""
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sys.platform == "linux":
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENT_S)
    return listener
