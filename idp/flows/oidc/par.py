"""The pushed authorization request endpoint (RFC 9126)."""

from collections.abc import Mapping
from typing import Any

import flask
from werkzeug.datastructures import MultiDict

from idp.errors import ProtocolError
from idp.flows import pushed
from idp.flows.oidc import engine, validate
from idp.flows.oidc.client_authentication import authenticated
from idp.flows.oidc.token import form_of_request
from idp.flows.services import Services
from idp.web.parameters import single

KNOWN = validate.KNOWN | engine.CREDENTIALS


def blueprint(services: Services) -> flask.Blueprint:
    """POST /par."""
    bp = flask.Blueprint("par", __name__)

    @bp.post("/par")
    def par() -> flask.Response:
        request_uri = _push(services, flask.request.headers, single(form_of_request(engine.SECRETS), KNOWN))
        response = flask.jsonify({"request_uri": request_uri, "expires_in": int(pushed.LOAD_WITHIN.total_seconds())})
        response.status_code = 201
        response.headers["Cache-Control"] = "no-cache, no-store"
        return response

    return bp


def _push(services: Services, headers: Any, form: Mapping[str, str]) -> str:
    """Authenticate, check as /authorize does, keep; returns the request_uri. Raises ProtocolError with no redirect."""
    client = authenticated(services, "/par", headers, form)
    if "request_uri" in form:
        raise ProtocolError("invalid_request", "A request_uri cannot be pushed.")  # RFC 9126 §2.1
    kept = {name: value for name, value in form.items() if name in validate.KNOWN} | {"client_id": client.client_id}
    request_uri, key = pushed.new_reference()
    try:
        validate.validate(services, MultiDict(kept), pushed=key)
    except ProtocolError as error:  # the client is here to be told: nothing goes through a browser (RFC 9126 §2.3)
        raise ProtocolError(error.code, error.description, detail=error.detail) from error
    pushed.keep(services, key, client.client_id, kept)
    return request_uri
