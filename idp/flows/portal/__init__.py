"""« Mon compte »: the provider's own portal, a registered client with a policy like the others."""

import flask

from idp.flows.portal import (
    access,
    account,
    closing,
    confirming,
    contacts,
    door,
    export,
    history,
    home,
    means,
    passkey,
    password,
    personal,
    phone,
    picture,
    removal,
    sessions,
    totp,
    waiting_changes,
)
from idp.flows.services import Services

PARTS = (
    door,
    home,
    waiting_changes,
    access,
    means,
    removal,
    totp,
    passkey,
    phone,
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
