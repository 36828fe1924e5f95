"""Asks in a window of the helper's own. Each question is a short process: Tk wants a main thread, and dies alone."""

import json
import subprocess  # nosec B404 - starts our own program
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import IO, Any

from card_reader.prompt import Language, PromptFailed, Question, Wanted
from card_reader.prompt_dialog import FAILURES

POLL_S = 0.1
CLOSE_S = 2.0


class WindowPrompt:
    """`prompt_dialog` in a process, which is told the question and tells the answer through its own two pipes."""

    command = (sys.executable, "-P", "-m", "card_reader.prompt_dialog")  # -P: no module of the current folder

    def ask_pin(self, question: Question, wanted: Wanted) -> str | None:
        answer = self._ask({"kind": "pin", **asdict(question)}, wanted)
        return answer if isinstance(answer, str) else None

    def allow(self, origin: str, language: Language, wanted: Wanted) -> bool | None:
        answer = self._ask({"kind": "allow", "origin": origin, "language": language}, wanted)
        return answer if isinstance(answer, bool) else None

    def _ask(self, asked: Mapping[str, Any], wanted: Wanted) -> Any:
        """The answer; None if nobody waits any more. Raises PromptFailed."""
        pipe = subprocess.PIPE
        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows: no console
        with subprocess.Popen(  # noqa: S603 # nosec B603 - as above
            self.command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, creationflags=flags, encoding="utf-8"
        ) as process:
            try:
                _tell(process.stdin, asked)
                while wanted():
                    with suppress(subprocess.TimeoutExpired):
                        return _answer(process.wait(POLL_S), process.stdout)
                return None
            finally:
                _close(process)


def _tell(stdin: IO[str] | None, asked: Mapping[str, Any]) -> None:
    with suppress(BrokenPipeError):  # it has ended, and its status says why
        if stdin is not None:
            stdin.write(json.dumps(asked) + "\n")
            stdin.flush()


def _answer(status: int, stdout: IO[str] | None) -> Any:
    if status != 0 or stdout is None:
        raise PromptFailed(FAILURES.get(status, f"the window's process ended with status {status}"))
    try:
        return json.loads(stdout.read())["answer"]
    except (ValueError, KeyError):
        raise PromptFailed("the window's process gave no answer") from None


def _close(process: subprocess.Popen[str]) -> None:
    """The dialog goes away with its standard input."""
    with suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(CLOSE_S)
    except subprocess.TimeoutExpired:
        process.kill()
