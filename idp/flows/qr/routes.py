"""The pages of a phone, under /qr, and what a computer's page asks while it waits for one."""

import flask

from idp.flows.qr import approve, enrolment, image, watch, web_app
from idp.flows.services import Services
from idp.methods.qr_code import QrCode

PARTS = (web_app, enrolment, approve, image, watch)


def blueprint(services: Services) -> flask.Blueprint:
    """The routes of logins that a phone approves; none where the method is not enabled."""
    bp = flask.Blueprint("qr", __name__)
    for part in PARTS if QrCode.id in services.registry else ():
        part.add_routes(bp, services)
    return bp
