"""A mail system that keeps what it is given."""

from dataclasses import dataclass, field

from idp.errors import Unavailable


@dataclass(frozen=True)
class Mail:
    to: str
    subject: str
    text: str
    html: str
    message_id: str


@dataclass
class FakeMailer:
    """`down`: refuse everything, as a server that does not answer."""

    sent: list[Mail] = field(default_factory=list)
    down: bool = False

    def send(self, to: str, subject: str, text: str, html: str, message_id: str) -> None:
        if self.down:
            raise Unavailable("mail: down")
        self.sent.append(Mail(to, subject, text, html, message_id))
