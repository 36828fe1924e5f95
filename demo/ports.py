"""Where the demo listens: settings of the environment, on loopback only."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ports:
    """One port for each part: DEMO_PORT for the provider, and so on."""

    provider: int = 8000
    ror_port: int = 8001
    espace_pro_port: int = 8002
    mail_page: int = 8025
    smtp: int = 8026
    card_page: int = 8027
    reader: int = 8028
    card_host_port: int = 8029
    psc_auth: int = 8031
    psc_wallet: int = 8032

    @classmethod
    def from_environment(cls) -> "Ports":
        """Raises ValueError naming the variable that is not a port."""
        return cls(
            provider=_port("DEMO_PORT", 8000),
            ror_port=_port("DEMO_ROR_PORT", 8001),
            espace_pro_port=_port("DEMO_ESPACE_PRO_PORT", 8002),
            mail_page=_port("DEMO_MAIL_PORT", 8025),
            smtp=_port("DEMO_SMTP_PORT", 8026),
            card_page=_port("DEMO_CARD_PORT", 8027),
            reader=_port("DEMO_READER_PORT", 8028, least=1024),  # as the setting `card.reader_ports`
            card_host_port=_port("DEMO_CARD_HOST_PORT", 8029),
            psc_auth=_port("DEMO_PSC_AUTH_PORT", 8031),
            psc_wallet=_port("DEMO_PSC_WALLET_PORT", 8032),
        )

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.provider}"

    @property
    def ror(self) -> str:
        return f"http://localhost:{self.ror_port}"

    @property
    def espace_pro(self) -> str:
        return f"http://localhost:{self.espace_pro_port}"

    @property
    def mail(self) -> str:
        return f"http://localhost:{self.mail_page}"

    @property
    def card(self) -> str:
        return f"http://localhost:{self.card_page}"

    @property
    def card_host(self) -> str:
        """By TLS: it asks for certificates."""
        return f"https://localhost:{self.card_host_port}"

    @property
    def pro_sante_connect(self) -> str:
        """The simulator's back channel, and its switches."""
        return f"http://localhost:{self.psc_auth}"

    @property
    def pro_sante_connect_wallet(self) -> str:
        """Its pages: on another host, as in the sandbox, so that cookies and policies meet what they will meet."""
        return f"http://127.0.0.1:{self.psc_wallet}"


def _port(name: str, default: int, *, least: int = 1) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdigit() or not least <= int(text) <= 65535:
        raise ValueError(f"{name}: {text!r} is not a port")
    return int(text)
