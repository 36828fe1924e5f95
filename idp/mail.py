"""Sending mail."""

import smtplib
from email.message import EmailMessage
from email.utils import formatdate
from typing import Protocol

from idp.errors import Unavailable
from idp.settings import Mail


class Mailer(Protocol):
    """Hands one message to the mail system. Raises Unavailable if it must be tried again."""

    def send(self, to: str, subject: str, text: str, html: str, message_id: str) -> None:
        """message_id: the same for each try, so that a receiver can drop a duplicate."""


class SmtpMailer:
    """SMTP (RFC 5321), one connection a message."""

    def __init__(self, settings: Mail) -> None:
        self._settings = settings

    def send(self, to: str, subject: str, text: str, html: str, message_id: str) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._settings.sender, to, subject
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = f"<{message_id}@{self._settings.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        message.add_alternative(html, subtype="html")
        try:
            with smtplib.SMTP(self._settings.host, self._settings.port, timeout=self._settings.timeout_s) as smtp:
                smtp.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(f"mail: {type(error).__name__}") from error
