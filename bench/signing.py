"""Signatures per second of CPU of one process: the file back end, and a token under one lock or behind p11-kit-proxy.

    python -m bench.signing [--module LIBSOFTHSM2.SO]
    python -m bench.signing --module P11-KIT-PROXY.SO --proxy

Every signature of a token is verified before it is given out, and this is measured too. Bind it to a core with
`taskset -c 0`. Debian: softhsm2, p11-kit-modules.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from keys.place import Place
from keys.signer import Signer, TokenAccess

LABEL, PIN = "bench", "1234"
INPUT = b"x" * 600  # as long as the header and the claims of an ID token
ALGS = ("ES256", "RS256", "PS256")
SECONDS, RUNS = 0.5, 3


def per_second(signer: Signer, kid: str, threads: int) -> float:
    """Per second of CPU, which other programs on the core disturb less; the median of some runs."""
    return median(_run(lambda: signer.sign(kid, INPUT), threads) for _ in range(RUNS))


def _run(sign: Callable[[], bytes], threads: int) -> float:
    sign()
    ends_at = time.perf_counter() + SECONDS

    def work(_: int) -> int:
        made = 0
        while time.perf_counter() < ends_at:
            sign()
            made += 1
        return made

    used_s = time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        made = sum(pool.map(work, range(threads)))
    return made / (time.process_time() - used_s)


def _measure(name: str, place: Place) -> None:
    signer = place.open()
    for threads in (1, 4):
        rates = [f"{per_second(signer, key.kid, threads):8.0f}" for key in signer.keys()]  # noqa: SIM118 - no dict
        print(f"{name:16} {threads} threads", *rates, flush=True)


def _token(folder: Path, module: Path) -> TokenAccess:
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    command = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--so-pin", PIN, "--pin", PIN]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (folder / "pin").write_text(PIN)
    (folder / "pin").chmod(0o600)
    return TokenAccess(module, LABEL, folder / "pin")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--module", type=Path, default=Path("/usr/lib/softhsm/libsofthsm2.so"))
    options.add_argument("--proxy", action="store_true", help="The module is safe for threads.")
    chosen, now = options.parse_args(), datetime.now(UTC)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places = {"file": Place(folder / "file"), "token": Place(folder / "ring", _token(folder, chosen.module))}
        for place in places.values():
            place.create(ALGS, now=now)
        print(f"{'':26} ", *(f"{alg:>8}" for alg in ALGS))
        for each, place in places.items():
            _measure(each, place)
        if chosen.proxy:
            access = replace(places["token"].token or sys.exit(1), proxy=True)
            _measure("proxy", Place(folder / "ring", access))


if __name__ == "__main__":
    sys.exit(main())
