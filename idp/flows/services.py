"""What the journeys work with; wired once by `idp.app`."""

from dataclasses import dataclass
from datetime import datetime

import flask

from idp.clock import Clock
from idp.domain.audit import AuditEvent
from idp.domain.authn import AcrNames
from idp.hashing import PasswordHasher
from idp.mail import Mailer
from idp.methods.registry import Registry
from idp.settings import Settings
from idp.store import Database, Ephemeral, Tx
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
    ephemeral: Ephemeral
    signer: Signer
    data_keys: DataKeys
    hasher: PasswordHasher
    registry: Registry
    acr: AcrNames
    mailer: Mailer
    browser: Browser
    network: Network
    pages: Pages

    def now(self) -> datetime:
        return self.clock.now()

    def record(self, tx: Tx, event: AuditEvent) -> None:
        """Write an audit event in the transaction of the change, with the request's id."""
        tx.audit.record(event, self.now(), flask.g.get("request_id") if flask.has_request_context() else None)
