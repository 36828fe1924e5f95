"""The demo's provider: the product as `sesame serve` runs it, on a database that `sesame serve` refuses.

Beside it, in the same process, the listener of the card host, which in production is a proxy (docs/card.md).
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

import flask

from demo.card_host import CardHost
from idp.app import build_app, build_services
from idp.serving import serve
from idp.settings import Settings, load
from idp.web import logs


def application() -> flask.Flask:
    """For granian's worker, of which there is one."""
    settings = load(_settings_file())
    logs.configure(settings.log_level)
    app = build_app(build_services(settings))
    _serve_card_host(app, settings)
    return app


def _serve_card_host(app: flask.Flask, settings: Settings) -> None:
    port = urlsplit(settings.card.dialog_url or "").port or 443
    CardHost(_settings_file().parent / "card_host").listener(app, port).start()  # until the process ends


def _settings_file() -> Path:
    return Path(os.environ["SESAME_SETTINGS"])


if __name__ == "__main__":
    serve("demo.provider:application", load(_settings_file()))
