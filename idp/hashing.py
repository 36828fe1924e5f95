"""Password hashing: Argon2id, a cap on hashes at once, the same work for somebody who has no password."""

import functools
import re
import secrets
import unicodedata
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import argon2
from argon2.low_level import ARGON2_VERSION

from idp.settings.sections import Argon2

T = TypeVar("T")
PARAMETERS = re.compile(r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$")
SALT_BYTES, DIGEST_BYTES = 16, 32


class PasswordHasher:
    """Thread-safe. `at_once` threads of its own compute the hashes; each keeps the memory of one (19 MiB).

    A check costs one hash for each set of parameters in use, whoever is asked for: one hash alone, made with the
    parameters of the person's digest, would take another time than that of somebody unknown.
    """

    def __init__(self, settings: Argon2, in_use: Callable[[], Collection[str]] = tuple) -> None:
        """in_use: the parameters of the stored digests, each as a digest begins (`$argon2id$v=19$m=…,t=…,p=…$`);
        asked once, at the first check. Those that a digest shows later are learnt from it.
        """
        self._argon2 = argon2.PasswordHasher(
            time_cost=settings.time_cost,
            memory_cost=settings.memory_kib,
            parallelism=settings.parallelism,
            hash_len=DIGEST_BYTES,
            salt_len=SALT_BYTES,
            type=argon2.Type.ID,
        )
        self._threads = _Threads(settings.at_once, thread_name_prefix="argon2")
        self._nobodies: dict[str, str] = {}
        self._in_use: Callable[[], Collection[str]] | None = in_use
        cost = f"m={settings.memory_kib},t={settings.time_cost},p={settings.parallelism}"
        self._own = f"$argon2id$v={ARGON2_VERSION}${cost}$"

    @property
    def on_wait(self) -> Callable[[int], None]:
        """Told 1 when a hash begins to wait for a thread, and -1 when it has one."""
        return self._threads.on_wait

    @on_wait.setter
    def on_wait(self, told: Callable[[int], None]) -> None:
        self._threads.on_wait = told

    def hash(self, password: str) -> str:
        """The digest of the password in NFC: keyboards write one character in several ways."""
        return self._threads.submit(self._argon2.hash, unicodedata.normalize("NFC", password)).result()

    def verify(self, digest: str | None, password: str) -> bool:
        """True if `password` is the one of `digest`; None costs as much and is never right.

        What was not typed in NFC is also tried as it is: that costs twice, whoever is asked for.
        """
        if self._in_use is not None:
            in_use = filter(PARAMETERS.fullmatch, self._in_use())  # one broken digest stops its holder alone
            self._learn(self._own, *in_use)
            self._in_use = None
        if digest is not None:
            self._learn(_parameters(digest))
        forms = dict.fromkeys((unicodedata.normalize("NFC", password), password))
        return any(self._threads.submit(self._check, digest, form).result() for form in forms)

    def is_outdated(self, digest: str) -> bool:
        """True if the digest was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(digest)

    def _learn(self, *found: str) -> None:
        """Make a digest of nobody's for each set of parameters that has none."""
        for parameters in found:
            if parameters not in self._nobodies:
                self._nobodies = {**self._nobodies, parameters: self._threads.submit(_nobody, parameters).result()}

    def _check(self, digest: str | None, password: str) -> bool:
        checked = self._nobodies if digest is None else {**self._nobodies, _parameters(digest): digest}
        right = [each for each in checked.values() if self._is_right(each, password)]
        return digest in right

    def _is_right(self, digest: str, password: str) -> bool:
        try:
            return self._argon2.verify(digest, password)
        except argon2.exceptions.VerifyMismatchError:
            return False


class _Threads(ThreadPoolExecutor):
    on_wait: Callable[[int], None] = staticmethod(lambda change: None)  # noqa: ARG005

    def submit(self, work: Callable[..., T], /, *args: Any, **named: Any) -> Future[T]:
        self.on_wait(1)
        return super().submit(self._begin, work, *args, **named)

    def _begin(self, work: Callable[..., T], *args: Any, **named: Any) -> T:
        self.on_wait(-1)
        return work(*args, **named)


def _parameters(digest: str) -> str:
    """What a digest begins with. Raises InvalidHashError."""
    found = PARAMETERS.match(digest)
    if found is None:
        raise argon2.exceptions.InvalidHashError
    return found.group()


@functools.cache
def _nobody(parameters: str) -> str:
    """The digest, with these parameters, of a password that nobody has. Raises InvalidHashError."""
    like = f"{_parameters(parameters)}{'A' * 22}${'A' * 43}"  # base64 of a salt and of a hash as long as ours
    return argon2.PasswordHasher.from_parameters(argon2.extract_parameters(like)).hash(secrets.token_urlsafe())
