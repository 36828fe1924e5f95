"""« Mon compte »: the provider's own portal, a registered client with a policy like the others."""

import flask

from idp.flows.portal import (
    account,
    closing,
    confirming,
    contacts,
    door,
    export,
    history,
    home,
    means,
    password,
    personal,
    picture,
    removal,
    sessions,
)
from idp.flows.services import Services

PARTS = (
    door,
    home,
    means,
    removal,
    confirming,
    account,
    sessions,
    history,
    export,
    closing,
    personal,
    picture,
    contacts,
    password,
)


def blueprint(services: Services) -> flask.Blueprint:
    """The pages of the account portal."""
    bp = flask.Blueprint("portal", __name__)
    for part in PARTS:
        part.add_routes(bp, services)
    return bp
