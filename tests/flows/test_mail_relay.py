"""Letters leave by a real SMTP server: plain, STARTTLS, implicit TLS, with a name and password, or not at all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller  # type: ignore[import-untyped]
from aiosmtpd.smtp import AuthResult, LoginPassword  # type: ignore[import-untyped]

from idp.errors import Unavailable
from idp.mail import SmtpMailer
from idp.settings import SettingsError
from idp.settings.sections import Mail
from tests.fakes.authority import Authority
from tests.fakes.servers import free_port

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # aiosmtpd's, on loopback
NAME, PASSWORD = "sesame", "mot de passe du relais"


@dataclass
class Relay:
    """What a mail server received."""

    port: int
    received: list[bytes] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's hook
        self.received.append(envelope.content)
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path / "ca")


@pytest.fixture
def relay(authority: Authority) -> Iterator[Callable[..., Relay]]:
    """Start a mail server: `tls` as in the settings; `asks`: it wants a name and a password."""
    running: list[Controller] = []

    def start(tls: str = "none", *, asks: bool = False, certified_by: Authority = authority) -> Relay:
        made = Relay(free_port())
        options: dict[str, Any] = {}
        if tls == "starttls":
            options |= {"tls_context": certified_by.context(), "require_starttls": True}
        if tls == "implicit":
            options |= {"ssl_context": certified_by.context()}
        if asks:
            options |= {
                "auth_required": True,
                "authenticator": made.authenticate,
                "auth_require_tls": tls == "starttls",
            }
        running.append(Controller(made, hostname="127.0.0.1", port=made.port, **options))
        running[-1].start()
        return made

    yield start
    for controller in running:
        controller.stop()


def mailer(relay: Relay, **settings: Any) -> SmtpMailer:
    return SmtpMailer(Mail(**{"host": "localhost", "port": relay.port, "timeout_s": 5, **settings}))


def send(mailer: SmtpMailer) -> None:
    mailer.send("anne@chu.example", "Votre code", "Le code", "<p>Le code</p>", "letter-1")


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "relay-password"
    file.write_text(PASSWORD + "\n", encoding="utf-8")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
def test_a_letter_leaves(relay: Callable[..., Relay], authority: Authority, tls: str) -> None:
    server = relay(tls)
    send(mailer(server, tls=tls, ca_file=authority.ca_file))
    (letter,) = server.received
    assert b"Message-ID: <letter-1@localhost>" in letter
    assert b"Auto-Submitted: auto-generated" in letter


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
def test_a_letter_leaves_with_name_and_password(
    relay: Callable[..., Relay], authority: Authority, password_file: Path, tls: str
) -> None:
    server = relay(tls, asks=True)
    send(mailer(server, tls=tls, ca_file=authority.ca_file, username=NAME, password_file=password_file))
    assert len(server.received) == 1
    assert server.logins == [(NAME.encode(), PASSWORD.encode())]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("certified", ["localhost", "mail.example"])
def test_a_server_that_is_not_vouched_for_gets_nothing(
    relay: Callable[..., Relay], authority: Authority, tmp_path: Path, tls: str, certified: str
) -> None:
    """Another authority's certificate of the right name, or a trusted one of another name."""
    other = Authority.make(tmp_path / "other", certified)
    server = relay(tls, certified_by=other)
    ca_file = authority.ca_file if certified == "localhost" else other.ca_file
    with pytest.raises(Unavailable, match="SSLCertVerificationError"):
        send(mailer(server, tls=tls, ca_file=ca_file))
    assert server.received == []


def test_a_server_without_starttls_gets_nothing(
    relay: Callable[..., Relay], authority: Authority, password_file: Path
) -> None:
    """Somebody on the way who takes STARTTLS out of the greeting must not get the letter in clear."""
    server = relay("none", asks=True)
    with pytest.raises(Unavailable, match="SMTPNotSupportedError"):
        send(mailer(server, tls="starttls", ca_file=authority.ca_file, username=NAME, password_file=password_file))
    assert (server.received, server.logins) == ([], [])


def test_a_wrong_password_is_tried_again_later(
    relay: Callable[..., Relay], authority: Authority, password_file: Path
) -> None:
    server = relay("starttls", asks=True)
    password_file.write_text("wrong")
    with pytest.raises(Unavailable, match="SMTPAuthenticationError") as refused:
        send(mailer(server, tls="starttls", ca_file=authority.ca_file, username=NAME, password_file=password_file))
    assert "wrong" not in str(refused.value)
    assert server.received == []


def test_what_cannot_be_read_is_said_at_the_start(tmp_path: Path, password_file: Path) -> None:
    password_file.chmod(0o640)
    with pytest.raises(SettingsError, match=r"mail.password_file: .+ accessible to others"):
        SmtpMailer(Mail(username=NAME, password_file=password_file))
    with pytest.raises(SettingsError, match=r"mail.password_file: No such file"):
        SmtpMailer(Mail(username=NAME, password_file=tmp_path / "absent"))
    with pytest.raises(SettingsError, match=r"mail.ca_file: No such file"):
        SmtpMailer(Mail(tls="starttls", ca_file=tmp_path / "absent"))
    (tmp_path / "no.pem").write_text("no certificate")
    with pytest.raises(SettingsError, match=r"mail.ca_file: .+no.pem"):
        SmtpMailer(Mail(tls="implicit", ca_file=tmp_path / "no.pem"))
