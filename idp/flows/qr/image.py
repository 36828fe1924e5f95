"""The QR code of a login, as the computer's page shows it: an image of its own, drawn anew every half minute."""

import flask
from werkzeug.exceptions import NotFound

from idp.domain.phone_request import State
from idp.flows import visits
from idp.flows.qr import requests
from idp.flows.running import runner
from idp.flows.services import Services
from idp.methods.qr_code import QrCode


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The image; a GET that changes nothing."""

    @bp.get(f"/login/<handle>/{QrCode.id}/image")
    def image(handle: str) -> flask.Response:
        visit = visits.load(services, handle)
        running = runner(services, visit, QrCode.id)
        request = requests.of_login(services, visit.interaction, running.state_key) if running else None
        if request is None or request.state_at(services.now()) is not State.PENDING:
            raise NotFound
        response = flask.Response(requests.drawn(services, request), mimetype="image/svg+xml")
        response.headers["Cache-Control"] = "no-store"
        return response
