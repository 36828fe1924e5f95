"""A whole provider in one process: real stores, keys and pages; a clock and a mail system of the test's."""

import functools
import re
import shutil
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask
from flask.testing import FlaskClient

from idp.app import build_app, build_services
from idp.domain.account import Account
from idp.domain.authn import Assurance
from idp.domain.client import Client
from idp.flows.delivery import deliver_next
from idp.flows.operators import accounts, clients, policies
from idp.flows.operators.desk import Desk
from idp.flows.services import Services
from idp.hashing import PasswordHasher
from idp.settings import Settings
from idp.settings.sections import Argon2
from idp.store import Database
from keys.file import FileSigner
from tests.fakes.clock import START, FakeClock
from tests.fakes.mailer import FakeMailer, Mail
from tests.fakes.templates import COMPILED

ISSUER = "https://idp.example"
RP = "https://rp.example"
PASSWORD = "correct cheval batterie agrafe"
CHEAP = Argon2(memory_kib=7168, time_cost=1)
ALL_SCOPES = ("openid", "profile", "email", "address", "phone", "identite_ps")


@functools.cache
def _digest(settings: Argon2, password: str) -> str:
    """Once for all the accounts that have it: the cheapest of hashes is a tenth of a short test."""
    return PasswordHasher(settings).hash(password)


def make_template(folder: Path) -> Path:
    """Secret, keys and an empty migrated database, made once and copied for each provider."""
    (folder / "secret").write_text("s" * 48)
    (folder / "secret").chmod(0o600)
    FileSigner.create(folder / "keys.d", now=START - timedelta(days=1))
    database = Database(f"sqlite:///{folder / 'sesame.db'}")
    database.migrate()
    database.close()
    return folder


@dataclass
class Provider:
    """The provider under test, and what a test needs to set it up."""

    services: Services
    clock: FakeClock
    mailer: FakeMailer
    app: flask.Flask
    secrets: dict[str, str] = field(default_factory=dict)

    @classmethod
    def start(cls, folder: Path, template: Path, **settings: Any) -> "Provider":
        shutil.copytree(template, folder, dirs_exist_ok=True)
        chosen = Settings(
            **{
                "issuer": ISSUER,
                "database_url": f"sqlite:///{folder / 'sesame.db'}",
                "keys_dir": folder / "keys.d",
                "secret_file": folder / "secret",
                "argon2": CHEAP,
                **settings,
            }
        )
        clock, mailer = FakeClock(), FakeMailer()
        services = build_services(chosen, clock=clock, mailer=mailer)
        services.configuration.max_age = timedelta(0)  # the clock stands still: what changes must count at once
        services.pages._env.bytecode_cache = COMPILED
        app = build_app(services)
        app.testing = False  # errors are rendered as in production
        provider = cls(services, clock, mailer, app)
        provider.add_client(
            "portail",
            methods=("email_otp", "password"),
            auth_method="none",
            redirect_uris=(f"{ISSUER}/compte/callback",),
            needs_entitlement=False,
        )
        return provider

    @property
    def desk(self) -> Desk:
        return Desk(self.services.db, self.clock, self.services.registry, "test")

    def browser(self) -> FlaskClient:
        """A browser with an empty cookie jar. Follow redirects by hand: their targets matter."""
        return self.app.test_client()

    def add_client(
        self,
        client_id: str = "rp",
        *,
        methods: tuple[str, ...] = ("password",),
        min_assurance: Assurance = Assurance.LOW,
        max_age: timedelta | None = None,
        **changes: Any,
    ) -> Client:
        """Register a client with a policy from now on; its secret is in `secrets`."""
        values: dict[str, Any] = {
            "name": f"Service {client_id}",
            "redirect_uris": (f"{RP}/{client_id}/callback",),
            "post_logout_redirect_uris": (f"{RP}/{client_id}/",),
            "scopes": ALL_SCOPES,
            "needs_entitlement": False,
            **changes,
        }
        desk = self.desk
        with self.services.db.write() as tx:
            secret = clients.register(desk, tx, Client(client_id=client_id, **values))
            if methods:
                policies.add(desk, tx, client_id, methods, min_assurance=min_assurance, max_age=max_age)
            found = tx.clients.get(client_id)
        assert found is not None
        if secret:
            self.secrets[client_id] = secret
        return found

    def set_policy(self, client_id: str, methods: tuple[str, ...], **options: Any) -> None:
        with self.services.db.write() as tx:
            policies.add(self.desk, tx, client_id, methods, **options)

    def add_account(
        self,
        login: str = "anne.pierre",
        *,
        password: str | None = PASSWORD,
        anchor: str = "knowledge",
        profile: dict[str, Any] | None = None,
        **data: str,
    ) -> Account:
        """An active account with a verified e-mail address `<login>@chu.example`."""
        given, _, family = login.partition(".")
        values = {
            "login": login,
            "email": f"{login}@chu.example",
            "given_name": given.title(),
            "family_name": family.title() or "Dupont",
            **data,
        }
        with self.services.db.write() as tx:
            account = accounts.create(self.desk, tx, values, profile)
            if password is not None:
                digest = _digest(self.services.settings.argon2, password)
                tx.accounts.set_password(account.account_id, digest, anchor, self.clock.now())
        return account

    def mails(self) -> list[Mail]:
        """Deliver what waits in the outbox; all mails so far, oldest first."""
        while deliver_next(self.services):
            pass
        return self.mailer.sent

    def last_code(self) -> str:
        """The one-time code of the last mail."""
        found = re.search(r"\b\d{6}\b", self.mails()[-1].text)
        assert found, self.mailer.sent[-1].text
        return found.group()

    def last_reset_path(self) -> str:
        """Path of the link in the last mail."""
        found = re.search(rf"{ISSUER}(/password/reset/[\w-]+)", self.mails()[-1].text)
        assert found, self.mailer.sent[-1].text
        return found.group(1)

    def events(self, name: str | None = None) -> list[Any]:
        """Audit events, newest first."""
        with self.services.db.read() as tx:
            return [recorded.event for recorded in tx.audit.latest(500, name=name)]

    def with_services(self, **changes: Any) -> "Provider":
        """The same stores with some parts replaced."""
        services = replace(self.services, **changes)
        return replace(self, services=services, app=build_app(services))
