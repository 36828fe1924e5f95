"""`python -m bench`: services, the peers one after another, then the table. `make bench` prepares, and calls this."""

import argparse
import dataclasses
import json
import os
import platform
import shutil
import signal
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from bench import processes
from bench.measure import Bench, Load, Result
from bench.operations import TARGETS, is_offered
from bench.server import NotStarted, cores, serve
from bench.services import Services, start
from bench.table import table

PEERS = {"floor": "es256-granian", "sesame": "postgresql-redis", "node-oidc": "redis"}  # in this order
RESULTS = Path(__file__).resolve().parent / "results"
MEMORY_WORKERS, SETTLE_S, EXERCISE_S = 4, 3.0, 2.0
Measured = dict[str, Result]


def main() -> None:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended then too
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=arguments.scratch))
    folder.chmod(0o711)  # PostgreSQL, which may run as another user, passes through
    pair = cores()
    everywhere = os.sched_getaffinity(0)
    if pair:
        os.sched_setaffinity(0, {pair[1]})
    try:
        with start(folder) as services:
            measured, starts = {}, {}
            for name in arguments.peers:
                measured[name], starts[name] = _measure(name, arguments, folder, services, pair and pair[0])
            os.sched_setaffinity(0, everywhere)  # several workers share all cores
            memory = _memory(folder, services, measured) if "sesame" in measured else {}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _report(measured, {"start_s": starts, "memory": memory}, arguments)
    is_whole = all(starts[name] and not any(result.failed for result in measured[name].values()) for name in measured)
    sys.exit(0 if is_whole else 1)


def _measure(
    name: str, arguments: argparse.Namespace, folder: Path, services: Services, core: int | None
) -> tuple[Measured, float | None]:
    print(f"\n{name} {PEERS[name]}", flush=True)
    load = Load(arguments.seconds, arguments.runs, arguments.users, arguments.wait)
    found: Measured = {}
    try:
        with serve(name, PEERS[name], workers=1, folder=folder / name, services=services, core=core) as server:
            bench = Bench(server, [services.pids[store] for store in server.peer.stores], core)
            offered = bench.metadata()
            for operation in arguments.operations:
                if is_offered(operation, offered):
                    found[operation] = bench.operation(operation, load)
                    print(f"  {operation:19}{_summary(found[operation])}", flush=True)
                else:
                    print(f"  {operation:19}not offered", flush=True)
            return found, server.start_s
    except NotStarted as error:
        print(f"  {error}", flush=True)
        return found, None


def _summary(result: Result) -> str:
    if result.failed:
        return f"FAILED {result.failed}"
    runs = result.runs

    def median(key: str) -> float:
        return statistics.median(getattr(run, key) or 0.0 for run in runs)

    costs = sorted(run.cpu_ms or 0.0 for run in runs)
    hashing = f" less {statistics.median(result.hash_ms):.2f} of hash" if result.hash_ms else ""
    return (
        f"cpu {median('cpu_ms'):7.3f} ms ({costs[0]:.3f} to {costs[-1]:.3f}{hashing}), store {median('store_ms'):.3f}; "
        f"{median('per_second'):7.0f}/s, p50 {median('p50_ms'):.1f} p99 {median('p99_ms'):.1f} ms; "
        f"{median('requests'):.1f} requests; cores {median('server_cores'):.2f} driver {median('driver_cores'):.2f} "
        f"others {median('other_cores'):.2f}"
    )


def _memory(folder: Path, services: Services, measured: dict[str, Measured]) -> dict[str, float]:
    """PSS (MiB) and time to ready (s) of this provider with four workers, before and after use."""
    print(f"\nsesame, {MEMORY_WORKERS} workers", flush=True)
    operations = tuple(name for name, result in measured["sesame"].items() if not result.failed)
    name = f"sesame-{MEMORY_WORKERS}"
    try:
        with serve(
            "sesame", PEERS["sesame"], workers=MEMORY_WORKERS, folder=folder / name, services=services, core=None
        ) as server:
            time.sleep(SETTLE_S)  # the first worker is ready before the last
            idle = processes.pss_mib([server.pid])
            Bench(server, [], None).exercise(operations, EXERCISE_S, 16)
            used = processes.pss_mib([server.pid])
            processes_now = len(processes.tree([server.pid]))
            print(
                f"  ready in {server.start_s:.2f} s; {processes_now} processes, PSS {idle:.0f} MiB, "
                f"after use {used:.0f} MiB",
                flush=True,
            )
            return {"ready_s": server.start_s, "idle_mib": idle, "used_mib": used, "processes": processes_now}
    except NotStarted as error:
        print(f"  {error}", flush=True)
        return {}


def _report(measured: dict[str, Measured], more: dict[str, Any], arguments: argparse.Namespace) -> None:
    costs = {
        name: {operation: result.cpu_ms for operation, result in found.items()} for name, found in measured.items()
    }
    shown = table(costs.get("sesame", {}), costs.get("floor", {}), costs.get("node-oidc", {}))
    document = {
        "date": str(date.today()),  # noqa: DTZ011 - the day here
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
        "load": {"seconds": arguments.seconds, "runs": arguments.runs, "users": arguments.users},
        "operations": {
            name: {operation: dataclasses.asdict(result) for operation, result in found.items()}
            for name, found in measured.items()
        },
        **more,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "table.md").write_text(shown + "\n", encoding="utf-8")
    (RESULTS / "runs.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\n{shown}\n\nCPU of one worker for one operation, median of {arguments.runs}; login net of the hash.")
    print(f"Kept in {RESULTS.parent.name}/{RESULTS.name}/.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="see bench/README.md")
    parser.add_argument("--scratch", type=Path, required=True, help="folder of the installed peers")
    parser.add_argument("--ops", dest="operations", default=",".join(TARGETS), help="separated by commas")
    parser.add_argument("--peers", default=",".join(PEERS), help="separated by commas")
    parser.add_argument("--seconds", type=float, default=3, help="of one timed run, 30 at most")
    parser.add_argument("--runs", type=int, default=3, help="the median counts")
    parser.add_argument("--wait", type=float, default=20, help="seconds at most for the machine to be quiet, each run")
    parser.add_argument("--users", type=int, default=8, help="virtual, each with one connection")
    arguments = parser.parse_args()
    for key, known in (("operations", TARGETS), ("peers", PEERS)):
        chosen = getattr(arguments, key).split(",")
        if unknown := [name for name in chosen if name not in known]:
            parser.error(f"{', '.join(unknown)}: one of {', '.join(known)}")
        setattr(arguments, key, chosen)
    if not 0 < arguments.seconds <= 30 or arguments.runs < 1 or arguments.users < 1:
        parser.error("seconds: up to 30; runs and users: 1 or more")
    return arguments


if __name__ == "__main__":
    main()
