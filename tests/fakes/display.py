"""A display that nobody sees, and somebody who types on it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Display:
    name: str

    def windows(self, title: str) -> list[str]:
        """Identifiers of the windows whose title has these words."""
        return self._do("search", "--name", title)

    def types(self, window: str, text: str) -> None:
        """The text, and the return key."""
        self._do("windowfocus", "--sync", window)
        self._do("type", "--delay", "20", text)
        self.presses("Return")

    def presses(self, key: str) -> None:
        """And see what comes of it."""
        self._do("key", key, "sleep", "0.3")

    def _do(self, *arguments: str) -> list[str]:
        done = subprocess.run(
            ["xdotool", *arguments],
            env={**os.environ, "DISPLAY": self.name},
            capture_output=True,
            text=True,
            check=False,  # 1: there is no such window
            timeout=10,
        )
        return done.stdout.split()


@contextmanager
def display() -> Iterator[Display]:
    told, telling = os.pipe()
    server = ["Xvfb", "-displayfd", str(telling), "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
    with subprocess.Popen(server, pass_fds=[telling], stderr=subprocess.DEVNULL) as process:
        os.close(telling)
        with os.fdopen(told) as numbers:
            number = numbers.readline().strip()
        try:
            yield Display(f":{number}")
        finally:
            process.terminate()
