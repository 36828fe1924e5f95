"""The composition root: settings become a provider."""

import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import flask
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import MethodNotAllowed

from idp import signing
from idp.blocklist import BadBlocklist
from idp.clock import Clock, SystemClock
from idp.domain.authn import AcrNames, Assurance
from idp.errors import Unavailable
from idp.flows import (
    answer,
    card_dialog,
    card_help,
    console,
    health,
    identity_change_link,
    letter_trial,
    login,
    metrics,
    not_me,
    password_reset,
    portal,
    registration_answer,
    registration_confirm,
    upstream_backchannel,
)
from idp.flows.oidc import authorize, discovery, introspect, logout, par, revoke, token, userinfo
from idp.flows.oidc.client_keys import ClientKeys, fetch_by
from idp.flows.qr import routes as qr
from idp.flows.services import Services
from idp.flows.signup import routes as signup
from idp.hashing import PasswordHasher
from idp.mail import Mailer, SmtpMailer
from idp.methods import federation, registry
from idp.methods.cps_card import CpsCard
from idp.new_passwords import NewPasswords
from idp.outgoing import Outgoing
from idp.pki import CardTrust
from idp.settings import Settings, SettingsError, load, read_secret
from idp.store import Configuration, Database
from idp.store.access_tokens import open_stores
from idp.web import card_hop, language, logs, uploads
from idp.web.body_gate import BodyGate
from idp.web.brand import stylesheet
from idp.web.browser import Browser
from idp.web.card_hop import CardHop
from idp.web.cors import open_to_scripts
from idp.web.failures import Failures
from idp.web.headers import SecurityHeaders
from idp.web.network import Network
from idp.web.observed import ROUTE, Observed
from idp.web.pages import Pages
from idp.web.parameters import refuse_broken_text
from idp.web.remembered import Remembered
from keys.seal import DataKeys
from keys.signer import UnsafeKeyFile

MAX_BODY_BYTES = 64 * 1024
BLUEPRINTS = (
    *(authorize, par, token, introspect, revoke, userinfo, discovery, logout),
    *(login, card_dialog, card_help, password_reset, not_me, portal, console, health, metrics),
    *(upstream_backchannel, qr, signup, registration_confirm, registration_answer, identity_change_link),
)


ACTING = frozenset({"authorize", "login", "card_dialog", "logout", "portal", "console", "qr"})


class Application(flask.Flask):
    """Flask without the question, asked of every hook and view at every request, whether it is a coroutine: none is."""

    request_class = uploads.Request

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


class CompactJson(DefaultJSONProvider):
    """Flask's answers in JSON, by an encoder that is made once."""

    _encoder = json.JSONEncoder(separators=(",", ":"))

    def dumps(self, obj: Any, **_options: Any) -> str:
        return self._encoder.encode(obj)


def build_services(settings: Settings, *, clock: Clock | None = None, mailer: Mailer | None = None) -> Services:
    """Open everything that a provider needs. Raises SettingsError, MethodError, UnsafeKeyFile."""
    clock = clock or SystemClock()
    data_keys = DataKeys(read_secret(settings.secret_file), path=settings.secret_file)
    db, ephemeral, access_tokens = open_stores(
        settings.database_url, settings.ephemeral_url, clock, connections=settings.threads
    )
    with suppress(Unavailable):  # the first assertion would mark the store's birth, later than need be
        ephemeral.epoch()
    browser = Browser(settings, data_keys.mac)
    outgoing = Outgoing(settings.outgoing)
    methods = registry.load(settings.methods, federation.methods(settings, outgoing))
    signer = signing.place(settings).open()
    configuration = Configuration(db, clock)
    configuration.on_change(signer.reload, fails_with=UnsafeKeyFile)
    configuration.on_change(data_keys.reload, fails_with=UnsafeKeyFile)
    return Services(
        settings=settings,
        clock=clock,
        db=db,
        configuration=configuration,
        ephemeral=ephemeral,
        access_tokens=access_tokens,
        client_keys=ClientKeys(fetch_by(outgoing), clock, at_once=max(1, settings.threads // 4)),
        outgoing=outgoing,
        signer=signer,
        data_keys=data_keys,
        hasher=PasswordHasher(settings.argon2, lambda: _password_parameters(db)),
        new_passwords=_new_passwords(settings),
        registry=methods,
        acr=AcrNames({Assurance[level]: name for level, name in settings.acr.items()}),
        mailer=mailer or SmtpMailer(settings.mail),
        browser=browser,
        network=Network(settings, ephemeral, time.sleep),
        pages=_pages(settings, browser, methods.packages),
        card_trust=_card_trust(settings, data_keys, outgoing),
        card_secret=card_hop.read_secret(settings),
    )


def _card_trust(settings: Settings, data_keys: DataKeys, outgoing: Outgoing) -> CardTrust | None:
    """Once for the process. Raises SettingsError where the method is enabled and the authorities are not named."""
    if settings.card.authorities is None and CpsCard.id not in settings.methods:
        return None
    return CardTrust.load(settings.card, mac=data_keys.mac, outgoing=outgoing)


def _pages(settings: Settings, browser: Browser, packages: Sequence[str]) -> Pages:
    made = Pages(settings, browser, packages)
    letter_trial.try_all(made.letters)
    return made


def _new_passwords(settings: Settings) -> NewPasswords:
    try:
        return NewPasswords(settings)
    except BadBlocklist as error:
        raise SettingsError(f"password_blocklist: {error}") from error


def _password_parameters(db: Database) -> frozenset[str]:
    with db.read() as tx:
        return tx.accounts.password_parameters()


def build_app(services: Services) -> flask.Flask:
    """The WSGI application of one provider."""
    app = Application("idp", static_folder="static")
    app.url_map.merge_slashes = False  # werkzeug would answer `//` with a redirect built from the Host header
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, MAX_FORM_PARTS=100)
    app.json = CompactJson(app)
    for module in BLUEPRINTS:
        app.register_blueprint(module.blueprint(services))
    _add_brand(app, services.settings)

    failures = Failures(services.pages, lambda error: answer.send_error(services, error))
    app.register_error_handler(Exception, failures.render)
    secure = services.settings.is_secure
    app.before_request(_name_route)
    app.before_request(uploads.allow_larger)
    app.before_request(refuse_broken_text)
    app.before_request(_refuse_head)
    app.after_request(lambda response: language.remember(response, secure=secure))
    app.after_request(services.browser.send_name)
    app.after_request(open_to_scripts)
    places = max(1, services.settings.threads * 3 // 4)
    documents = Remembered(app.wsgi_app, discovery.states(services))
    hop = CardHop(documents, refusing=app.wsgi_app, secret=services.card_secret)
    observed = Observed(hop, is_proxy=services.network.is_proxy, note=services.metrics.note_request)
    gate = BodyGate(observed, at_once=places, max_bytes=MAX_BODY_BYTES, larger=uploads.LARGER)
    app.wsgi_app = SecurityHeaders(gate, secure=secure)  # type: ignore[method-assign]
    return app


def _name_route() -> None:
    if rule := flask.request.url_rule:
        flask.request.environ[ROUTE] = rule.rule


def _refuse_head() -> None:
    """What a GET of these journeys does, it does once: a HEAD, whose sender reads no answer, must not do it."""
    if flask.request.method == "HEAD" and flask.request.blueprint in ACTING:
        raise MethodNotAllowed(["GET"])


def check(settings: Settings) -> None:
    """Say once, before any worker starts, what would stop each of them: raises as `create_app` does.

    Leaves nothing open: the server forks, and a database must not be carried across a fork.
    """
    services = build_services(settings)
    try:
        _refuse_demo(services)
        _refuse_eviction(services)
    finally:
        services.db.close()
        services.ephemeral.close()


def create_app(settings: Settings) -> flask.Flask:
    """The provider of these settings. Raises SettingsError for a demo database."""
    logs.configure(settings.log_level)
    services = build_services(settings)
    try:
        _refuse_demo(services)
    except SettingsError:
        services.db.close()
        raise
    return build_app(services)


def _refuse_demo(services: Services) -> None:
    with services.db.read() as tx:
        if tx.meta.is_demo:
            raise SettingsError("database_url: a demo database (its passwords are published) is not served")


def _refuse_eviction(services: Services) -> None:
    """A server that forgets what is not used often would forget requests that were answered already."""
    if "://" in services.settings.redis_url:
        policy = services.ephemeral.eviction_policy()
        if policy not in {None, "noeviction"}:
            raise SettingsError(f"redis_url: the server evicts ({policy}); set maxmemory-policy to noeviction")


def from_environment() -> flask.Flask:
    """For WSGI servers: settings from the file that SESAME_SETTINGS names, and from the environment."""
    path = os.environ.get("SESAME_SETTINGS")
    return create_app(load(Path(path) if path else None))


def _add_brand(app: flask.Flask, settings: Settings) -> None:
    style = stylesheet(settings.brand)

    @app.get("/static/brand.css")
    def brand_css() -> flask.Response:
        response = flask.Response(style, mimetype="text/css")
        response.headers["Cache-Control"] = "public, max-age=300"
        return response
