"""Password hashing: Argon2id, a cap on hashes at once, the same time for somebody who has no password."""

from concurrent.futures import ThreadPoolExecutor

import argon2

from idp.settings.sections import Argon2


class PasswordHasher:
    """Thread-safe. `at_once` threads of its own compute the hashes; each keeps the memory of one (19 MiB)."""

    def __init__(self, settings: Argon2) -> None:
        self._argon2 = argon2.PasswordHasher(
            time_cost=settings.time_cost,
            memory_cost=settings.memory_kib,
            parallelism=settings.parallelism,
            hash_len=32,
            salt_len=16,
            type=argon2.Type.ID,
        )
        self._threads = ThreadPoolExecutor(settings.at_once, thread_name_prefix="argon2")
        self._nobody = self.hash("nobody has this password")

    def hash(self, password: str) -> str:
        return self._threads.submit(self._argon2.hash, password).result()

    def verify(self, digest: str | None, password: str) -> bool:
        """True if `password` is the one of `digest`; None costs as much and is never right."""
        try:
            self._threads.submit(self._argon2.verify, digest or self._nobody, password).result()
        except argon2.exceptions.VerifyMismatchError:
            return False
        return digest is not None

    def is_outdated(self, digest: str) -> bool:
        """True if the digest was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(digest)
