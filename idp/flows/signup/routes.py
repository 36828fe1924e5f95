"""The pages of `/inscription`, one module a step."""

import flask

from idp.flows.services import Services
from idp.flows.signup import address, card, identifier, joining, personal, waiting

PARTS = (card, personal, address, identifier, joining, waiting)


def blueprint(services: Services) -> flask.Blueprint:
    """Without these pages, nobody registers here: they are not found."""
    bp = flask.Blueprint("signup", __name__)
    if services.settings.registration.enabled:
        for part in PARTS:
            part.add_routes(bp, services)
    return bp
