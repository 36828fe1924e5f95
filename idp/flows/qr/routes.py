"""The pages of a phone, under /qr, and what a computer's page asks while it waits for one."""

import flask

from idp.flows.qr import approve, enrolment, image, watch, web_app
from idp.flows.services import Services

PARTS = (web_app, enrolment, approve, image, watch)


def blueprint(services: Services) -> flask.Blueprint:
    """The routes of logins that a phone approves."""
    bp = flask.Blueprint("qr", __name__)
    for part in PARTS:
        part.add_routes(bp, services)
    return bp
