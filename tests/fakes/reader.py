"""A card and a person before it, and a page that speaks to the helper over a real socket."""

import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from card_reader.card import CardError, Seen, State, Token
from card_reader.prompt import Language, Question, Wanted

ORIGIN = "https://idp.example.org"
PIN = "7391"
PRESENT = Seen(State.PRESENT, holder="ANNE PIERRE", reader="Lecteur 1")
NONCE = "n" * 44
ASKED = {"nonce": NONCE, "number": "42", "service": "ROR", "lang": "fr"}


class Clock:
    """Seconds, as of time.monotonic."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class FakeCard:
    """Signs for `PIN`; `failure` is raised instead. `signed` is what it was asked to sign."""

    seen: Seen = field(default_factory=lambda: PRESENT)
    failure: Exception | None = None
    signed: list[tuple[str, str, str]] = field(default_factory=list)

    def look(self) -> Seen:
        return self.seen

    def sign(self, pin: str, origin: str, nonce: str, expected: str | None = None) -> Token:
        self.signed.append((pin, origin, nonce))
        if self.failure is not None:
            raise self.failure
        if pin != PIN:
            raise CardError("pin_incorrect", tries="low")
        return Token("Y2VydA==", "RS256", f"signature of {origin} {nonce}", "web-eid:1.0", "https://helper.example/1")


@dataclass
class FakePrompt:
    """A person who types `pin` and answers `allows`; `waits` keeps the window open until it is not wanted."""

    pin: str | None = PIN
    allows: bool | None = True
    waits: bool = False
    waits_to_allow: bool = False
    questions: list[Question | str] = field(default_factory=list)
    languages: list[Language] = field(default_factory=list)
    opened: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    meanwhile: Callable[[], None] = lambda: None
    failure: Exception | None = None

    def ask_pin(self, question: Question, wanted: Wanted) -> str | None:
        self._show(question, question.language, wanted)
        return self.pin

    def allow(self, origin: str, language: Language, wanted: Wanted) -> bool | None:
        self._show(origin, language, wanted)
        return self.allows

    def _show(self, question: Question | str, language: Language, wanted: Wanted) -> None:
        self.questions.append(question)
        self.languages.append(language)
        self.opened.set()
        if self.failure is not None:
            raise self.failure
        pause = threading.Event()
        while (self.waits or (self.waits_to_allow and isinstance(question, str))) and wanted():
            pause.wait(0.01)
        self.meanwhile()
        self.closed.set()


@dataclass
class Page:
    """A page of `origin` in a browser of this person."""

    port: int
    origin: str | None = ORIGIN

    def get(self, path: str = "/v1/status", **headers: str) -> "Answer":
        return self.send("GET", path, None, headers)

    def post(self, path: str, body: Any, **headers: str) -> "Answer":
        return self.send("POST", path, body, headers)

    def authenticate(self, **changes: Any) -> "Answer":
        return self.post("/v1/authenticate", {**ASKED, **changes})

    def send(self, method: str, path: str, body: Any, headers: Mapping[str, str] | None = None) -> "Answer":
        return self.raw(self.written(method, path, body, headers or {}))

    def written(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> bytes:
        """headers: `_` stands for `-`; an empty value leaves one out."""
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {"host": f"127.0.0.1:{self.port}", "origin": self.origin or ""}
        if body is not None:
            fields |= {"content-type": "application/json", "content-length": str(len(content))}
        fields |= {name.lower().replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items() if value), "", ""]
        return "\r\n".join(lines).encode("latin-1") + content

    def raw(self, sent: bytes) -> "Answer":
        with self.opened(sent) as connection:
            return Answer.read(connection)

    def opened(self, sent: bytes) -> socket.socket:
        """A connection on which the request is under way."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        connection.sendall(sent)
        return connection


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @classmethod
    def read(cls, connection: socket.socket) -> "Answer":
        received = b""
        while more := connection.recv(65536):
            received += more
        head, _, body = received.decode().partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        return cls(int(first.split()[1]), {name.lower(): value for name, _, value in pairs}, body)

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> str:
        return str(self.json["error"])

    @property
    def readable_by(self) -> str | None:
        """The origin whose pages the browser lets read it."""
        return self.headers.get("access-control-allow-origin")
