"""Signatures per second of CPU of one process: the file back end, and a token under one lock or behind p11-kit-proxy.

Medians, and the ratio to the file back end in the same round with its least and its greatest.

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
from functools import partial
from pathlib import Path
from statistics import median

from keys import ring
from keys.place import Place
from keys.signer import TokenAccess

LABEL, PIN = "bench", "1234"
INPUT = b"x" * 600  # as long as the header and the claims of an ID token
ALGS = ("ES256", "RS256", "PS256")
SECONDS, RUNS = 0.25, 9


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


def _measure(places: dict[str, Place], threads: int) -> None:
    """Each place in turn, again and again: what else the machine does meanwhile then weighs on all alike."""
    signers = {name: place.open() for name, place in places.items()}
    for alg in ALGS:
        rates: dict[str, list[float]] = {name: [] for name in places}
        for _ in range(RUNS):
            for name, signer in signers.items():
                (key,) = ring.of(signer.keys(), alg)
                rates[name].append(_run(partial(signer.sign, key.kid, INPUT), threads))
        for name, found in rates.items():
            ratios = sorted(rate / base for rate, base in zip(found, rates["file"], strict=True))
            shown = f"{median(ratios):6.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            print(f"{alg} {name:6} {threads} threads {median(found):8.0f} / s {shown} of file", flush=True)


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
        if chosen.proxy:
            access = replace(places["token"].token or sys.exit(1), proxy=True)
            places["proxy"] = Place(folder / "ring", access)
        for threads in (1, 4):
            _measure(places, threads)


if __name__ == "__main__":
    main()
