"""The mailbox of the demo: catches every e-mail that the provider sends, and shows it on a page and as JSON."""

import itertools
import re
import socket
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

import flask
from aiosmtpd.controller import Controller
from werkzeug import Response

LOOPBACK = "127.0.0.1"
MAX_MESSAGES = 200
LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# An e-mail's HTML brings its own style, and may do nothing else: no script, no request, no form, no link.
MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
EXAMPLES = {
    "conditions": "Conditions Générales d'Utilisation",
    "accessibilite": "Déclaration d'accessibilité",
    "confidentialite": "Politique de confidentialité",
    "lecteur": "Installer le logiciel du lecteur de carte",
    "mentions-legales": "Mentions légales",
    "tutoriels": "Tutoriels vidéos",
    "bons-reflexes": "Les bons réflexes",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One caught e-mail; `received_at` is an ISO 8601 instant in UTC, `html` is empty when there was none."""

    id: int
    to: str
    subject: str
    text: str
    html: str
    received_at: str


class Inbox:
    """The last MAX_MESSAGES e-mails, in memory. Safe between the SMTP thread and those of the page."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque(maxlen=MAX_MESSAGES)
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def receive(self, raw: bytes, recipients: list[str]) -> None:
        mail = message_from_bytes(raw, policy=policy.default)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        parts = {kind: _part(mail, kind) for kind in ("plain", "html")}
        subject = str(mail.get("subject", ""))
        with self._lock:
            message = Message(next(self._ids), ", ".join(recipients), subject, parts["plain"], parts["html"], now)
            self._messages.appendleft(message)

    def newest_first(self) -> list[Message]:
        with self._lock:
            return list(self._messages)

    def clear(self) -> None:
        with self._lock:
            self._messages.clear()


class Mailbox:
    """The SMTP side: listens on the loopback interface while it is entered. Port 0 takes a free one.

    Raises OSError if the port is taken.
    """

    def __init__(self, inbox: Inbox, port: int) -> None:
        self.port = port
        self._inbox = inbox
        self._controller: Controller | None = None

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802 - aiosmtpd's hook
        self._inbox.receive(envelope.content, list(envelope.rcpt_tos))
        return "250 OK"

    def start(self) -> None:
        with socket.create_server((LOOPBACK, self.port)) as probe:  # the controller would take five seconds to say it
            self.port = probe.getsockname()[1]
        self._controller = Controller(self, hostname=LOOPBACK, port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def create_app(inbox: Inbox) -> flask.Flask:
    """The page for people, `/messages` for scripts."""
    app = flask.Flask(__name__)
    # A page of another site must not read the codes by giving its own name this machine's address.
    app.config["TRUSTED_HOSTS"] = ["localhost", LOOPBACK]
    app.jinja_env.globals.update(pieces=text_and_links, moment=_moment)

    @app.get("/")
    def page() -> str:
        return flask.render_template("mailbox/inbox.html", messages=inbox.newest_first(), limit=MAX_MESSAGES)

    @app.get("/messages")
    def messages() -> Response:
        return flask.jsonify([asdict(message) for message in inbox.newest_first()])

    @app.delete("/messages")
    def clear() -> tuple[str, int]:
        inbox.clear()
        return "", 204

    @app.get("/messages/<int:message_id>/html")
    def html(message_id: int) -> Response:
        body = next((message.html for message in inbox.newest_first() if message.id == message_id), "")
        if not body:
            flask.abort(404)
        return flask.Response(body, mimetype="text/html", headers={"Content-Security-Policy": MAIL_POLICY})

    @app.get("/exemple/<page>")
    def example(page: str) -> str:
        """What the footer of the demo's login page leads to."""
        title = EXAMPLES.get(page) or flask.abort(404)
        return flask.render_template("mailbox/example.html", title=title)

    @app.after_request
    def protect(response: flask.Response) -> flask.Response:
        response.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"  # the links carry secrets
        response.headers["Cache-Control"] = "no-store"
        return response

    return app


def text_and_links(text: str) -> Iterator[tuple[str, bool]]:
    """Cut a text into pieces, each with True if it is an address to be clicked."""
    end = 0
    for found in LINK.finditer(text):
        yield text[end : found.start()], False
        yield found.group(), True
        end = found.end()
    yield text[end:], False


def _part(mail: EmailMessage, kind: str) -> str:
    """The body of one kind, or an empty string. An unknown charset is read as UTF-8, so that something is seen."""
    body = mail.get_body(preferencelist=(kind,))
    if body is None:
        return ""
    try:
        return str(body.get_content()).replace("\r\n", "\n").strip()
    except LookupError:
        payload = body.get_payload(decode=True)
        return payload.decode(errors="replace") if isinstance(payload, bytes) else ""


def _moment(received_at: str) -> str:
    """In the machine's own time zone: in the demo it is the reader's."""
    return datetime.fromisoformat(received_at).astimezone().strftime("%d/%m/%Y à %H:%M:%S")
