"""What the journeys work with; wired once by `idp.app`."""

from dataclasses import dataclass, field, replace
from datetime import datetime

import flask

from idp.clock import Clock
from idp.domain.audit import AuditEvent
from idp.domain.authn import AcrNames
from idp.flows.metrics import Metrics
from idp.flows.oidc.client_keys import ClientKeys
from idp.hashing import PasswordHasher
from idp.mail import Mailer
from idp.methods.registry import Registry
from idp.new_passwords import NewPasswords
from idp.outgoing import Outgoing
from idp.pki import CardTrust
from idp.settings import Settings
from idp.store import AccessTokens, Configuration, Database, Ephemeral, Tx
from idp.web import logs
from idp.web.browser import Browser
from idp.web.network import Network
from idp.web.pages import Pages
from keys.seal import DataKeys
from keys.signer import Signer

WITH_PLACE = (  # events, or how they begin
    *("login.", "password.", "account.email_changed", "account.phone_changed", "card.header_forged", "phone."),
    *("emergency_code.used", "emergency_code.change_refused", "signup."),
)


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one provider. card_trust: None where the settings name no authorities of cards. card_secret: by
    which the proxy of the card host is known; None where there is none.
    """

    settings: Settings
    clock: Clock
    db: Database
    configuration: Configuration
    ephemeral: Ephemeral
    access_tokens: AccessTokens
    client_keys: ClientKeys
    outgoing: Outgoing
    signer: Signer
    data_keys: DataKeys
    hasher: PasswordHasher
    new_passwords: NewPasswords
    registry: Registry
    acr: AcrNames
    mailer: Mailer
    browser: Browser
    network: Network
    pages: Pages
    card_trust: CardTrust | None = None
    card_secret: bytes | None = field(default=None, repr=False)
    metrics: Metrics = field(default_factory=Metrics)

    def now(self) -> datetime:
        return self.clock.now()

    def record(self, tx: Tx, event: AuditEvent) -> None:
        """Write an audit event in the transaction of the change, with the request's id, and for what a person did with
        the network and browser that it came from.
        """
        event, request_id = self._noted(event)
        tx.audit.record(event, self.now(), request_id)

    def append(self, event: AuditEvent) -> None:
        """Write an audit event of what changes nothing else in SQL; it is committed."""
        event, request_id = self._noted(event)
        self.db.append(event, self.now(), request_id)

    def _noted(self, event: AuditEvent) -> tuple[AuditEvent, str | None]:
        self.metrics.note_event(event)
        if not flask.has_request_context():
            return event, None
        if event.name.startswith(WITH_PLACE):
            browser = flask.request.user_agent.string[:200]
            event = replace(event, personal={**event.personal, "network": self.network.prefix, "browser": browser})
        return event, logs.request_id.get()
