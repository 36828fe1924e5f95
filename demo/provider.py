"""The demo's provider: the product as `sesame serve` runs it, on a database that `sesame serve` refuses."""

import os
from pathlib import Path

import flask

from idp.app import build_app, build_services
from idp.serving import serve
from idp.settings import load
from idp.web import logs


def application() -> flask.Flask:
    """For granian's worker."""
    settings = load(Path(os.environ["SESAME_SETTINGS"]))
    logs.configure(settings.log_level)
    return build_app(build_services(settings))


if __name__ == "__main__":
    serve("demo.provider:application", load(Path(os.environ["SESAME_SETTINGS"])))
