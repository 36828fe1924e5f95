"""Asks in the terminal that the helper was started from, without showing what is typed."""

import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from card_reader.prompt import Language, PromptFailed, Question, Wanted
from card_reader.prompt_texts import lines, texts

POLL_S = 0.2
MOST_TYPED = 256  # bytes


class Terminal(Protocol):
    def write(self, text: str) -> None: ...

    def read_line(self, wanted: Wanted, *, hidden: bool) -> str | None:
        """None at the end of the input, and once nobody waits any more."""


class TerminalPrompt:
    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def ask_pin(self, question: Question, wanted: Wanted) -> str | None:
        own = texts(question.language)
        shown = (question.origin, *lines(question), own.compare, own.warnings[question.tries])
        text = "".join(f"\n  {line}" for line in shown if line)
        self._terminal.write(f"\n{own.origin_asks}\n{text}\n\n{own.pin} ({own.cancel}: Enter) > ")
        return self._terminal.read_line(wanted, hidden=True) or None

    def allow(self, origin: str, language: Language, wanted: Wanted) -> bool | None:
        own = texts(language)
        self._terminal.write(
            f"\n{own.allow_question}\n\n  {origin}\n\n{own.allow_advice}\n{own.allow} [{own.yes}/N] > "
        )
        typed = self._terminal.read_line(wanted, hidden=False)
        return {own.yes: True, "n": False}.get((typed or "").strip().lower())


if sys.platform == "win32":
    import msvcrt

    class Console:
        """The console of Windows; nothing that is typed is shown."""

        def write(self, text: str) -> None:
            sys.stderr.write(text)
            sys.stderr.flush()

        def read_line(self, wanted: Wanted, *, hidden: bool) -> str | None:
            while msvcrt.kbhit():
                msvcrt.getwch()  # typed for something else
            typed = ""
            while wanted():
                if not msvcrt.kbhit():
                    time.sleep(POLL_S)
                    continue
                key = msvcrt.getwch()
                if key in "\r\n":
                    return self._ended(typed)
                if key == "\x03":
                    return self._ended(None)
                typed = typed[:-1] if key == "\b" else typed + key
                if not hidden:
                    self.write(key)
            return self._ended(None)

        def _ended(self, typed: str | None) -> str | None:
            self.write("\n")
            return typed

    def controlling() -> Terminal:
        """Raises PromptFailed if the helper was started without a console."""
        if sys.stdin is None or not sys.stdin.isatty():
            raise PromptFailed("there is no console to ask in")
        return Console()

else:
    import termios

    class Tty:
        """A terminal device, open for reading and writing."""

        def __init__(self, descriptor: int) -> None:
            self._descriptor = descriptor

        def write(self, text: str) -> None:
            os.write(self._descriptor, text.encode())

        def read_line(self, wanted: Wanted, *, hidden: bool) -> str | None:
            with self._echo(shown=not hidden):
                termios.tcflush(self._descriptor, termios.TCIFLUSH)  # typed for something else
                while wanted():
                    if select.select([self._descriptor], [], [], POLL_S)[0]:
                        typed = os.read(self._descriptor, MOST_TYPED).decode(errors="replace")
                        return typed.rstrip("\r\n") if typed else None
                return None

        @contextmanager
        def _echo(self, *, shown: bool) -> Iterator[None]:
            before = termios.tcgetattr(self._descriptor)
            during = [*before]
            during[3] = before[3] | termios.ECHO if shown else before[3] & ~termios.ECHO
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, during)
            try:
                yield
            finally:
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, before)
                self.write("\n")

    def controlling() -> Terminal:
        """Raises PromptFailed if the helper was started without a terminal."""
        try:
            return Tty(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
        except OSError:
            raise PromptFailed("there is no terminal to ask in") from None
