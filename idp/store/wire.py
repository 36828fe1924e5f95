"""How PostgreSQL is asked what many requests ask: several statements in one round trip, through libpq's pipeline."""

import select
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import (
    DivisionByZero,
    FeatureNotSupported,
    InFailedSqlTransaction,
    InvalidSqlStatementName,
    OperationalError,
    error_from_result,
)
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

INLINE = 2  # uses of a statement on a connection before it is prepared, which is a round trip more
GOOD = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK})
# Fails where nothing was written, so that the COMMIT which follows it in one message does not happen.
OR_FAIL = "WITH written AS ({} RETURNING 1) SELECT 1 / count(*) FROM written"


class NotWritten(Exception):
    """A statement that had to write wrote nothing. otherwise: what its caller wants to be raised."""

    def __init__(self, otherwise: Exception) -> None:
        super().__init__(otherwise)
        self.otherwise = otherwise


@dataclass(frozen=True, slots=True)
class Message:
    """A statement with its values as text. name: under which it is prepared, if it is.

    otherwise: wanted if it writes no row; None: it need not write any.
    """

    sql: str
    values: Any
    otherwise: Exception | None
    name: bytes | None


class Wire:
    """A way to the server beside psycopg's own, on the same connection and in the same transaction.

    BEGIN leaves with the first statement; what may wait (`later`) leaves with the next one, or with COMMIT. What is
    sent often is prepared. Types and errors are psycopg's.
    """

    def __init__(self, driver: "psycopg.Connection[Any]") -> None:
        self._driver, self._libpq, self._types = driver, driver.pgconn, Transformer(driver)
        self._names: dict[str, bytes] = {}  # of what is prepared
        self._uses: Counter[str] = Counter()  # of what is not
        self._waiting: list[Message] = []
        self._begins: bool | None = None  # nothing has begun

    def start(self, *, begins: bool) -> None:
        """begins: what follows is one transaction; otherwise the server commits each statement by itself."""
        self._waiting.clear()
        self._begins = begins

    def forget(self) -> None:
        """What waits is never sent: the unit was rolled back."""
        self._waiting.clear()

    def later(self, sql: str, values: Sequence[Any], otherwise: Exception | None = None) -> None:
        """Send this with what is sent next, or at once where no COMMIT follows. What sends it raises if the server
        refuses it; NotWritten if it writes no row and `otherwise` is given.
        """
        self._waiting.append(self._message(sql if otherwise is None else OR_FAIL.format(sql), values, otherwise))
        if not self._begins:
            self._send()

    def ask(self, sql: str, values: Sequence[Any]) -> PGresult:
        """Send what waits, then this; returns the answer to this."""
        message = self._message(sql, values)
        if self._waiting or self._must_begin():
            return self._send(message)
        return self._checked(self._alone(message), message)

    def rows(self, answer: PGresult) -> list[tuple[Any, ...]]:
        """What the server answered, in Python's types."""
        self._types.set_pgresult(answer)
        return self._types.load_rows(0, answer.ntuples, tuple)

    def count(self, answer: PGresult) -> int:
        """How many rows were written, or found."""
        return answer.command_tuples or 0

    def flush(self) -> None:
        """Send what waits: psycopg is about to send something."""
        if self._waiting:
            self._send()

    def commit(self) -> None:
        """Send what waits, with COMMIT. Raises where that rolls back, as it does after a statement that failed, and
        where the unit began on a connection before this one.
        """
        if self._begins is None:
            raise OperationalError("the connection was lost, and what was not committed with it")
        if not self._waiting and self._libpq.transaction_status == TransactionStatus.IDLE:
            return
        if self._send(self._message("COMMIT")).command_status != b"COMMIT":
            raise InFailedSqlTransaction("rolled back, not committed: a statement had failed")

    def _must_begin(self) -> bool:
        return bool(self._begins) and self._libpq.transaction_status == TransactionStatus.IDLE

    def _message(self, sql: str, values: Sequence[Any] = (), otherwise: Exception | None = None) -> Message:
        """sql: with $1, $2, … for the values, whose types the server finds in it. Raises what is wrong with either."""
        if self._libpq.status == ConnStatus.BAD:
            raise OperationalError("the connection is lost")
        dumped = self._types.dump_sequence(values, [PyFormat.TEXT] * len(values))
        return Message(sql, dumped, otherwise, self._names.get(sql) or self._prepared(sql))

    def _prepared(self, sql: str) -> bytes | None:
        self._uses[sql] += 1
        if self._uses[sql] <= INLINE:
            return None
        name = f"sesame_{len(self._names)}".encode()
        self._checked(self._libpq.prepare(name, sql.encode()), None)
        self._names[sql] = name
        return name

    def _send(self, *last: Message) -> PGresult:
        """What waits, and then these, in one round trip; returns the last answer."""
        messages, self._waiting = [*self._waiting, *last], []
        if self._must_begin():
            messages.insert(0, self._message("BEGIN"))
        answers = self._exchange(messages)
        return [self._checked(answer, message) for answer, message in zip(answers, messages, strict=True)][-1]

    def _alone(self, message: Message) -> PGresult:
        """One call of libpq, which waits without the interpreter's lock."""
        if message.name is None:
            return self._libpq.exec_params(message.sql.encode(), message.values)
        return self._libpq.exec_prepared(message.name, message.values)

    def _exchange(self, messages: Sequence[Message]) -> list[PGresult]:
        """One round trip: all is sent, then all is read."""
        self._libpq.enter_pipeline_mode()
        try:
            for message in messages:
                if message.name is None:
                    self._libpq.send_query_params(message.sql.encode(), message.values)
                else:
                    self._libpq.send_query_prepared(message.name, message.values)
            self._libpq.pipeline_sync()
            return self._answers()
        finally:
            self._leave_pipeline()

    def _answers(self) -> list[PGresult]:
        """Up to the end of the pipeline. Raises OperationalError if the connection breaks."""
        libpq, found = self._libpq, list[PGresult]()
        while libpq.flush():
            self._wait(select.POLLIN | select.POLLOUT)
        while True:
            while libpq.is_busy():
                self._wait(select.POLLIN)
            answer = libpq.get_result()
            if answer is None:
                if libpq.status == ConnStatus.BAD:
                    raise OperationalError("the connection is lost")
            elif answer.status == ExecStatus.PIPELINE_SYNC:
                return found
            else:
                found.append(answer)

    def _wait(self, events: int) -> None:
        """Without the interpreter's lock, which libpq's own waiting would hold."""
        poll = select.poll()
        poll.register(self._libpq.socket, events)
        poll.poll()
        self._libpq.consume_input()

    def _leave_pipeline(self) -> None:
        """A connection with answers that nobody read is closed: the next unit would take them for its own."""
        try:
            self._libpq.exit_pipeline_mode()
        except psycopg.Error:
            self._driver.close()

    def _checked(self, answer: PGresult, message: Message | None) -> PGresult:
        """A connection on which the statement cannot be used any more, since a migration changed what it answers or a
        pooler lost it, is closed: another prepares it anew.
        """
        if answer.status in GOOD:
            return answer
        error = error_from_result(answer)
        if isinstance(error, FeatureNotSupported | InvalidSqlStatementName):
            self._driver.close()
            raise OperationalError("the statement changed, or was lost, since it was prepared") from error
        if message and message.otherwise is not None and isinstance(error, DivisionByZero):
            raise NotWritten(message.otherwise) from error
        raise error
