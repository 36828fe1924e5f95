"""Prints the CPU ms of one check of a password at the default cost, with as many callers as the driver has users."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from idp.hashing import PasswordHasher
from idp.settings.sections import Argon2

CALLERS, CHECKS, ROUNDS = 8, 24, 3

hasher = PasswordHasher(Argon2())
digest = hasher.hash("correct-horse-battery")
found = []
with ThreadPoolExecutor(CALLERS) as callers:
    for _ in range(ROUNDS):
        begun = time.process_time()
        for is_right in callers.map(lambda _: hasher.verify(digest, "correct-horse-battery"), range(CHECKS)):
            if not is_right:
                raise SystemExit("the hash does not verify")
        found.append(1000 * (time.process_time() - begun) / CHECKS)
print(f"{statistics.median(found):.4f}")
