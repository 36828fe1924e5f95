"""Who may call a PKCS#11 module: one call alone, or several that only sign, on a module that allows it.

A module may hang for ever in a call, which nothing ends. Each call is therefore made by a thread that is kept for that;
who asked for it leaves in time, with the locks that he holds, and until it is over everybody else is refused at once.
"""

import signal
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from queue import SimpleQueue
from typing import Any, Final, Generic, TypeVar

from keys.signer import SignerUnavailable

MOST_BESIDE: Final = 16  # signatures at once, hence threads that a module can keep
NOT_FOR_US: Final = frozenset({signal.SIGALRM, signal.SIGHUP, signal.SIGINT, signal.SIGTERM})

Answer = TypeVar("Answer")


class NeverCame(SignerUnavailable):
    """The module has not come back from a call, ours or that of another, which may still be going on."""


class Gate:
    """Whoever wants to be alone is let in before those who come to sign later."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._beside = 0
        self._wanting_alone = 0
        self._is_taken = False
        self._hung = 0  # calls that nobody awaits any more

    def alone(self, work: Callable[[], Answer], within_s: float) -> Answer:
        """What `work` answers. Raises what it raises, NeverCame if it or those before it take too long."""
        with self._changed:
            self._wanting_alone += 1
            try:
                self._await(lambda: not self._is_taken and not self._beside, within_s)
            finally:
                self._wanting_alone -= 1
                self._changed.notify_all()  # who gives up stands in nobody's way
            self._is_taken = True
        return self._made(work, self._leave_alone, within_s)

    def beside_others(self, work: Callable[[], Answer], within_s: float) -> Answer:
        """As `alone`, at the same time as others of this kind."""
        with self._changed:
            self._await(lambda: not self._is_taken and not self._wanting_alone and self._beside < MOST_BESIDE, within_s)
            self._beside += 1
        return self._made(work, self._leave_others, within_s)

    def _await(self, is_free: Callable[[], bool], within_s: float) -> None:
        came = self._changed.wait_for(lambda: self._hung or is_free(), within_s)
        if self._hung or not came:
            raise NeverCame("the PKCS#11 module has not come back from a call yet")

    def _made(self, work: Callable[[], Answer], leave: Callable[[], None], within_s: float) -> Answer:
        call = _Call(work, lambda: self._end(call, leave))
        _Hand.take(call)
        try:
            return call.answer.result(within_s)
        except NotInTime:
            with self._changed:
                if not call.has_ended:
                    call.is_given_up = True
                    self._hung += 1
                    raise NeverCame("the PKCS#11 module does not come back from a call") from None
            return call.answer.result()

    def _end(self, call: "_Call[Any]", leave: Callable[[], None]) -> None:
        with self._changed:
            call.has_ended = True
            self._hung -= call.is_given_up
            leave()
            self._changed.notify_all()

    def _leave_alone(self) -> None:
        self._is_taken = False

    def _leave_others(self) -> None:
        self._beside -= 1


class _Call(Generic[Answer]):
    """end: to be called before the answer is given."""

    def __init__(self, work: Callable[[], Answer], end: Callable[[], None]) -> None:
        self._work, self._end = work, end
        self.answer = Future[Answer]()
        self.is_given_up = self.has_ended = False

    def make(self) -> None:
        try:
            answered = self._work()
        except BaseException as error:
            self._end()
            self.answer.set_exception(error)
        else:
            self._end()
            self.answer.set_result(answered)
        finally:
            del self  # the error, which is in the answer, holds this frame


class _Hand(threading.Thread):
    """Makes one call after the other, as long as the process lives. No signal of the server interrupts the module."""

    def __init__(self) -> None:
        super().__init__(name="pkcs11", daemon=True)
        self._calls = SimpleQueue[_Call[Any]]()

    @staticmethod
    def take(call: "_Call[Any]") -> None:
        try:
            hand = _idle.pop()
        except IndexError:
            hand = _Hand()
            hand.start()
        hand._calls.put(call)

    def run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, NOT_FOR_US)
        while True:
            self._calls.get().make()
            _idle.append(self)


_idle: deque[_Hand] = deque()
