"""CPU seconds and memory of process trees, read from /proc."""

import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


def _stat(pid: int) -> list[bytes]:
    return (PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()


def tree(roots: Iterable[int]) -> set[int]:
    """The roots and all their living descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
            except OSError:  # it ended meanwhile
                continue
    found: set[int] = set()
    todo = list(roots)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo += children.get(pid, ())
    return found


def cpu_seconds(roots: Iterable[int]) -> float:
    """user + sys of the trees, ended children included."""
    total = 0
    for pid in tree(roots):
        try:
            total += sum(int(ticks) for ticks in _stat(pid)[11:15])
        except OSError:
            continue
    return total / TICKS_PER_S


def pss_mib(roots: Iterable[int]) -> float:
    """Proportional set size of the trees: a page that n processes share counts one nth in each."""
    total = 0
    for pid in tree(roots):
        try:
            lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def machine_busy_seconds() -> float:
    """CPU seconds of all programs since the start of the machine, those of its neighbours (steal) included."""
    fields = (PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(ticks) for ticks in fields)
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_S


def wait_quiet(*, seconds: float, cores: float = 0.3) -> None:
    """Other programs share this machine: wait (not for ever) until they rest."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = machine_busy_seconds()
        time.sleep(0.5)
        if (machine_busy_seconds() - before) / 0.5 < cores:
            return


def calibration_ms() -> float:
    """CPU ms of a fixed piece of Python: shows how slow the machine is just now."""
    begun = time.process_time()
    table = {}
    for number in range(30_000):
        table[str(number % 997)] = hashlib.sha256(b"%d" % number).digest()
    return 1000 * (time.process_time() - begun)
