"""A request for access to a service (« adhésion »): what was asked, and what the one or two levels said of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

MAX_REASON = 1000
MAX_NOTE = 1000
# Blanks of French typography, and of what is pasted: each is kept as a plain one.
BLANKS = str.maketrans(dict.fromkeys("\t\u00a0\u2009\u202f", " "))


class RequestStatus(StrEnum):
    """OPEN until it is decided; of an account and a service one at a time is."""

    OPEN = "OPEN"
    GRANTED = "GRANTED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"


class Level(StrEnum):
    """Who is to decide: the region's support first, then the service's own team."""

    REGION = "region"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Approval:
    """One level agreed. by: the login name of an operator."""

    level: Level
    by: str
    at: datetime

    def to_json(self) -> dict[str, str]:
        return {"level": self.level.value, "by": self.by, "at": self.at.isoformat()}

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> "Approval":
        return cls(Level(data["level"]), data["by"], datetime.fromisoformat(data["at"]))


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One row. version: of a compare-and-set; every write raises it by one, and none counts once it is decided.

    step: the level that is to decide, or that decided. answers: to the service's own questions, by their names.
    note: why it was refused, in the operator's words. claimed_by, decided_by: login names of operators.
    """

    request_id: str
    account_id: str
    client_id: str
    step: Level
    reason: str
    lang: str
    created_at: datetime
    status: RequestStatus = RequestStatus.OPEN
    version: int = 1
    answers: Mapping[str, str] = field(default_factory=dict)
    terms_version: str | None = None
    claimed_by: str | None = None
    claimed_at: datetime | None = None
    approvals: tuple[Approval, ...] = ()
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None

    @property
    def is_open(self) -> bool:
        return self.status is RequestStatus.OPEN

    def row(self) -> dict[str, Any]:
        """As it is stored."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {
            **values,
            "status": self.status.value,
            "step": self.step.value,
            "answers": dict(self.answers),
            "approvals": [approval.to_json() for approval in self.approvals],
        }

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "AccessRequest":
        values = {name: row[name] for name in cls.__slots__}
        return cls(
            **{
                **values,
                "status": RequestStatus(row["status"]),
                "step": Level(row["step"]),
                "approvals": tuple(Approval.from_json(each) for each in row["approvals"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Message:
    """A question of an operator about a request (`kind` "question"), or its answer. author: who wrote it."""

    message_id: str
    about: str
    at: datetime
    author: str
    kind: str
    text: str
    answered_at: datetime | None = None

    @property
    def waits(self) -> bool:
        return self.kind == "question" and self.answered_at is None


def clean(typed: str, most: int) -> str | None:
    """A text as it is kept: lines stay, blanks at the ends go; None if it is longer, or cannot be shown as it is."""
    text = "\n".join(line.rstrip() for line in typed.translate(BLANKS).strip().splitlines())
    is_plain = all(char.isprintable() or char == "\n" for char in text)
    return text if len(text) <= most and is_plain else None
