"""Timed runs of one operation: a closed loop of virtual users, and the CPU that the server spent on them."""

import asyncio
import statistics
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field

import uvloop

from bench import processes
from bench.operations import LOGIN, NEEDS_PEOPLE
from bench.relying_party import RelyingParty, Shared
from bench.server import Server

WARM_S = 1.0
GIVE_UP_AFTER = 50


@dataclass(frozen=True, slots=True)
class Load:
    seconds: float
    runs: int
    users: int  # virtual
    wait_s: float  # at most, for the machine to be quiet


@dataclass(slots=True)
class Run:
    """One timed run. Times are ms for one operation; cores are CPU seconds a second."""

    count: int
    errors: Counter[str]
    cpu_ms: float | None
    store_ms: float
    per_second: float
    p50_ms: float | None
    p99_ms: float | None
    requests: float
    server_cores: float
    driver_cores: float
    other_cores: float
    calibration_ms: float


@dataclass(slots=True)
class Result:
    """The runs of one operation at one peer, and what a login spends on the password hash."""

    runs: list[Run] = field(default_factory=list)
    hash_ms: list[float] = field(default_factory=list)
    failed: str = ""

    @property
    def cpu_ms(self) -> float | None:
        """Median of the runs, net of the hash."""
        found = [run.cpu_ms for run in self.runs if run.cpu_ms is not None]
        hashing = statistics.median(self.hash_ms) if self.hash_ms else 0.0
        return statistics.median(found) - hashing if found and not self.failed else None


class Bench:
    """Measures the operations of one server, which is running."""

    def __init__(self, server: Server, stores: list[int], core: int | None) -> None:
        self.server, self.stores, self.core = server, stores, core
        self.shared = Shared()

    def metadata(self) -> dict[str, object]:
        """The provider's own description of what it can do."""
        return uvloop.run(self._metadata())

    def operation(self, name: str, load: Load) -> Result:
        """An operation that the provider cannot do, or does wrong, is a result too: `failed` says why."""
        result = Result()
        try:
            for _ in range(load.runs):
                if name == LOGIN and self.server.peer.hash_ms:
                    result.hash_ms.append(self._hash_ms())
                processes.wait_quiet(seconds=load.wait_s)
                result.runs.append(uvloop.run(self._run(name, load)))
        except Exception as error:
            result.failed = f"{type(error).__name__}: {error}"[:400]
        errors = sum((run.errors for run in result.runs), Counter[str]())
        if errors and not result.failed:
            result.failed = f"{errors.total()} errors, as {next(iter(errors))}"
        return result

    def exercise(self, names: tuple[str, ...], seconds: float, users: int) -> None:
        """Use each operation, so that every worker has loaded what it loads late."""
        for name in names:
            uvloop.run(self._exercise(name, seconds, users))

    async def _metadata(self) -> dict[str, object]:
        user = RelyingParty(self.server.peer, self.shared)
        try:
            return await user.discovery()
        finally:
            user.http.close()

    async def _exercise(self, name: str, seconds: float, users: int) -> None:
        agents = await self._agents(name, users)
        await drive(agents, name, seconds)
        _close(agents)

    async def _agents(self, name: str, count: int) -> list[RelyingParty]:
        agents = [RelyingParty(self.server.peer, self.shared) for _ in range(count)]
        await agents[0].learn()
        people = self.shared.people
        if name in NEEDS_PEOPLE:
            missing = max(self.server.peer.people, count) - len(people)
            shares = [len(range(number, missing, count)) for number in range(count)]
            await asyncio.gather(*(agent.sign_in(share) for agent, share in zip(agents, shares, strict=True)))
            for number, agent in enumerate(agents):
                agent.people = people[number::count]
        return agents

    async def _run(self, name: str, load: Load) -> Run:
        agents = await self._agents(name, load.users)
        await drive(agents, name, WARM_S)
        sent, verified = sum(agent.http.requests for agent in agents), self.shared.verified
        calibration = processes.calibration_ms()
        before = self._clocks()
        latencies, errors = await drive(agents, name, load.seconds)
        after = self._clocks()
        server, stores, driver, busy, wall = (now - then for then, now in zip(before, after, strict=True))
        sent = sum(agent.http.requests for agent in agents) - sent
        if name in {"login", "sso"} and self.shared.verified == verified:
            errors["no id_token was verified"] += 1
        await agents[0].must_refuse(name)
        _close(agents)
        count = len(latencies)
        return Run(
            count=count,
            errors=errors,
            cpu_ms=1000 * server / count if count else None,
            store_ms=1000 * stores / max(1, count),
            per_second=count / wall,
            p50_ms=_percentile(latencies, 0.50),
            p99_ms=_percentile(latencies, 0.99),
            requests=sent / max(1, count),
            server_cores=server / wall,
            driver_cores=driver / wall,
            other_cores=max(0.0, busy - server - stores - driver) / wall,
            calibration_ms=min(calibration, processes.calibration_ms()),
        )

    def _clocks(self) -> tuple[float, float, float, float, float]:
        return (
            processes.cpu_seconds([self.server.pid]),
            processes.cpu_seconds(self.stores),
            time.process_time(),
            processes.machine_busy_seconds(),
            time.perf_counter(),
        )

    def _hash_ms(self) -> float:
        """One check of a password, measured alone on the server's core."""
        bound = [] if self.core is None else ["taskset", "-c", str(self.core)]
        done = subprocess.run([*bound, *self.server.peer.hash_ms], check=True, capture_output=True, text=True)
        return float(done.stdout)


async def drive(agents: list[RelyingParty], name: str, seconds: float) -> tuple[list[float], Counter[str]]:
    """Closed loop: each virtual user repeats the operation until the time is up. Latencies (s, sorted) and errors."""
    latencies: list[float] = []
    errors: Counter[str] = Counter()
    stop = time.perf_counter() + seconds

    async def repeat(agent: RelyingParty) -> None:
        call = getattr(agent, name)
        while (begun := time.perf_counter()) < stop and errors.total() <= GIVE_UP_AFTER:
            try:
                await call()
            except Exception as error:
                errors[f"{type(error).__name__}: {error}"[:300]] += 1
            else:
                latencies.append(time.perf_counter() - begun)

    await asyncio.gather(*(repeat(agent) for agent in agents))
    return sorted(latencies), errors


def _percentile(ordered: list[float], share: float) -> float | None:
    return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def _close(agents: list[RelyingParty]) -> None:
    for agent in agents:
        agent.http.close()
