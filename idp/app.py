"""The composition root: settings become a provider."""

import os
import time
from pathlib import Path

import flask

from idp.clock import Clock, SystemClock
from idp.domain.authn import AcrNames, Assurance
from idp.flows import answer, health, login, password_reset, portal
from idp.flows.oidc import authorize, discovery, logout, token, userinfo
from idp.flows.services import Services
from idp.hashing import PasswordHasher
from idp.mail import Mailer, SmtpMailer
from idp.methods import registry
from idp.settings import Settings, SettingsError, load, read_secret
from idp.store import Database, Ephemeral
from idp.store.ephemeral import EMBEDDED, connect
from idp.web import language, logs
from idp.web.body_gate import BodyGate
from idp.web.brand import stylesheet
from idp.web.browser import Browser
from idp.web.failures import Failures
from idp.web.network import Network
from idp.web.pages import Pages, add_headers
from idp.web.parameters import refuse_broken_text
from keys.file import FileSigner
from keys.seal import DataKeys

MAX_BODY_BYTES = 64 * 1024
BLUEPRINTS = (authorize, token, userinfo, discovery, logout, login, password_reset, portal, health)


def build_services(settings: Settings, *, clock: Clock | None = None, mailer: Mailer | None = None) -> Services:
    """Open everything that a provider needs. Raises SettingsError, MethodError, UnsafeKeyFile."""
    clock = clock or SystemClock()
    data_keys = DataKeys(read_secret(settings.secret_file))
    ephemeral = Ephemeral(connect(settings.redis_url), clock, sweeps=settings.redis_url == EMBEDDED)
    browser = Browser(settings, data_keys.mac)
    methods = registry.load(settings.methods)
    return Services(
        settings=settings,
        clock=clock,
        db=Database(settings.database_url, connections=settings.threads),
        ephemeral=ephemeral,
        signer=FileSigner(settings.keys_dir),
        data_keys=data_keys,
        hasher=PasswordHasher(settings.argon2),
        registry=methods,
        acr=AcrNames({Assurance[level]: name for level, name in settings.acr.items()}),
        mailer=mailer or SmtpMailer(settings.mail),
        browser=browser,
        network=Network(settings, ephemeral, time.sleep),
        pages=Pages(settings, browser, methods.packages),
    )


def build_app(services: Services) -> flask.Flask:
    """The WSGI application of one provider."""
    app = flask.Flask("idp", static_folder="static")
    app.url_map.merge_slashes = False  # werkzeug would answer `//` with a redirect built from the Host header
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, MAX_FORM_PARTS=100)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    for module in BLUEPRINTS:
        app.register_blueprint(module.blueprint(services))
    _add_brand(app, services.settings)

    failures = Failures(services.pages, lambda error: answer.send_error(services, error))
    app.register_error_handler(Exception, failures.render)
    secure = services.settings.is_secure
    app.before_request(lambda: logs.begin_request(services.network.is_from_proxy))
    app.before_request(refuse_broken_text)
    app.after_request(logs.end_request)
    app.after_request(lambda response: language.remember(response, secure=secure))
    app.after_request(services.browser.send_name)
    app.after_request(lambda response: add_headers(response, secure=secure))
    places = max(1, services.settings.threads * 3 // 4)
    app.wsgi_app = BodyGate(app.wsgi_app, at_once=places, max_bytes=MAX_BODY_BYTES)  # type: ignore[method-assign]
    return app


def check(settings: Settings) -> None:
    """Say once, before any worker starts, what would stop each of them: raises as `create_app` does.

    Leaves nothing open: the server forks, and a database must not be carried across a fork.
    """
    services = build_services(settings)
    try:
        _refuse_demo(services)
    finally:
        services.db.close()


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
