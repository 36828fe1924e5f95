"""The operators' console: a registered client whose policy asks for strong methods. What an operator sees and does is
what their roles say, asked again at each request.
"""

import flask

from idp.flows.console import (
    audit,
    door,
    home,
    identity_changes,
    methods,
    people,
    people_acts,
    policies,
    policy_form,
    registrations,
    reports,
    requests,
    service_form,
    services,
    waiting_changes,
)
from idp.flows.services import Services

PARTS = (
    door,
    home,
    registrations,
    people,
    people_acts,
    identity_changes,
    waiting_changes,
    services,
    service_form,
    policies,
    policy_form,
    methods,
    audit,
    requests,
    reports,
)


def blueprint(using: Services) -> flask.Blueprint:
    """The pages of the console."""
    bp = flask.Blueprint("console", __name__)
    for part in PARTS:
        part.add_routes(bp, using)
    return bp
