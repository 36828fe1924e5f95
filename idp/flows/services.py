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
from idp.outgoing import Outgoing
from idp.settings import Settings
from idp.store import AccessTokens, Configuration, Database, Ephemeral, Tx
from idp.web.browser import Browser
from idp.web.network import Network
from idp.web.pages import Pages
from keys.seal import DataKeys
from keys.signer import Signer


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one provider."""

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
    registry: Registry
    acr: AcrNames
    mailer: Mailer
    browser: Browser
    network: Network
    pages: Pages
    metrics: Metrics = field(default_factory=Metrics)

    def now(self) -> datetime:
        return self.clock.now()

    def record(self, tx: Tx, event: AuditEvent) -> None:
        """Write an audit event in the transaction of the change, with the request's id, and for what a person did with
        the network and browser that it came from.
        """
        self.metrics.note_event(event)
        request_id = None
        if flask.has_request_context():
            request_id = flask.g.get("request_id")
            if event.name.startswith(("login.", "password.")):
                browser = flask.request.user_agent.string[:200]
                event = replace(event, personal={"network": self.network.prefix, "browser": browser})
        tx.audit.record(event, self.now(), request_id)
