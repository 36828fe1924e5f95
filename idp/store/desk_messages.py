"""What the desk asked about a request, and what the person answered; links to answer are stored as digests."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, select, update

from idp.domain.ids import digest, new_id
from idp.store.schema import desk_message

QUESTION, ANSWER = "question", "answer"


@dataclass(frozen=True, slots=True)
class DeskMessage:
    """about: a registration or an access request. author: an operator's login name; empty for the person."""

    message_id: str
    about: str
    at: datetime
    author: str
    kind: str
    text: str
    expires_at: datetime | None = None
    answered_at: datetime | None = None


COLUMNS = tuple(desk_message.c[name] for name in DeskMessage.__slots__)


class DeskMessages:
    """Of registrations and access requests alike."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def of(self, about: str) -> list[DeskMessage]:
        """Oldest first."""
        query = select(*COLUMNS).where(desk_message.c.about == about).order_by(desk_message.c.message_id)
        return [DeskMessage(**row) for row in self._db.execute(query).mappings()]

    def ask(self, about: str, author: str, text: str, *, token: str, now: datetime, expires_at: datetime) -> str:
        """Returns the message_id; with `token` the person answers, once."""
        message_id = new_id()
        values = {"message_id": message_id, "about": about, "at": now, "author": author, "kind": QUESTION}
        self._db.execute(
            insert(desk_message).values(**values, text=text, token_digest=digest(token), expires_at=expires_at)
        )
        return message_id

    def asked(self, token: str, now: datetime) -> DeskMessage | None:
        """The question of a link that is still good; uses nothing up."""
        query = select(*COLUMNS).where(desk_message.c.token_digest == digest(token))
        row = self._db.execute(query.where(*_is_open(now))).mappings().one_or_none()
        return DeskMessage(**row) if row else None

    def answer(self, token: str, text: str, now: datetime) -> DeskMessage | None:
        """Use a link up; the question that is answered, None if it was before, or the link expired."""
        this = desk_message.c.token_digest == digest(token)
        asked = update(desk_message).where(this, *_is_open(now)).values(answered_at=now).returning(*COLUMNS)
        row = self._db.execute(asked).mappings().one_or_none()
        if row is None:
            return None
        values = {"message_id": new_id(), "about": row["about"], "at": now, "author": "", "kind": ANSWER, "text": text}
        self._db.execute(insert(desk_message).values(values))
        return DeskMessage(**row)


def _is_open(now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return desk_message.c.answered_at.is_(None), desk_message.c.expires_at > now
