"""Sending mail."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Protocol

from idp.errors import Unavailable
from idp.settings import SettingsError, read_private
from idp.settings.sections import Mail


class Mailer(Protocol):
    """Hands one message to the mail system. Raises Unavailable if it must be tried again."""

    def send(self, to: str, subject: str, text: str, html: str, message_id: str) -> None:
        """html: empty for a letter of text alone. message_id: the same for each try, so that a receiver can drop a
        duplicate.
        """


class SmtpMailer:
    """SMTP (RFC 5321), one connection a message; over TLS (RFC 3207, RFC 8314) the server's certificate is verified.

    Raises SettingsError if the password or the certificate authorities cannot be read.
    """

    def __init__(self, settings: Mail) -> None:
        self._settings = settings
        self._tls = None if settings.tls == "none" else _verifying(settings.ca_file)
        self._password = ""
        if settings.password_file:
            self._password = read_private("mail.password_file", settings.password_file).decode()

    def send(self, to: str, subject: str, text: str, html: str, message_id: str) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._settings.sender, to, subject
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = f"<{message_id}@{self._settings.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        if html:
            message.add_alternative(html, subtype="html")
        try:
            with self._connected() as smtp:
                if self._settings.username:
                    smtp.login(self._settings.username, self._password)
                smtp.send_message(message, to_addrs=[to])
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(f"mail: {type(error).__name__}") from error

    def check(self) -> None:
        """Connect, and log in if the settings say so; nothing is sent. Raises Unavailable with what the server said."""
        try:
            with self._connected() as smtp:
                smtp.ehlo_or_helo_if_needed()
                if self._settings.username:
                    smtp.login(self._settings.username, self._password)
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(f"{type(error).__name__}: {error}") from error

    def _connected(self) -> smtplib.SMTP:
        """A connection that is as safe as the settings ask: a server without STARTTLS is refused, never spoken to."""
        host, port, timeout = self._settings.host, self._settings.port, self._settings.timeout_s
        if self._settings.tls == "implicit":
            return smtplib.SMTP_SSL(host, port, timeout=timeout, context=self._tls)
        smtp = smtplib.SMTP(host, port, timeout=timeout)
        if self._settings.tls == "starttls":
            try:
                smtp.starttls(context=self._tls)
            except (OSError, smtplib.SMTPException):
                smtp.close()
                raise
        return smtp


def _verifying(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(f"mail.ca_file: {error.strerror or error}: {ca_file}") from error
