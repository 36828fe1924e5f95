"""The UserInfo endpoint (OIDC Core §5.3, RFC 6750)."""

import flask

from idp.errors import ProtocolError
from idp.flows.services import Services
from idp.web.parameters import single


def blueprint(services: Services) -> flask.Blueprint:
    """GET and POST /userinfo."""
    bp = flask.Blueprint("userinfo", __name__)

    @bp.route("/userinfo", methods=["GET", "POST"])
    def userinfo() -> flask.Response:
        record = services.access_tokens.find(_bearer())
        if record is None or services.configuration.client(record.client_id) is None:
            raise ProtocolError("invalid_token", "The access token is unknown, has expired or was revoked.")
        if "openid" not in record.scope:
            raise ProtocolError("insufficient_scope", "The access token says nothing of a person.")
        return flask.jsonify({"sub": record.subject, **record.claims})

    return bp


def _bearer() -> str:
    """The access token: one, in the header or in the form body, never in the URL (RFC 6750 §2, RFC 9700 §4.3.2)."""
    request = flask.request._get_current_object()  # type: ignore[attr-defined]
    if "access_token" in request.args:
        raise ProtocolError("invalid_request", "The access token must not be in the URL.")
    scheme, _, in_header = request.headers.get("Authorization", "").partition(" ")
    is_form = request.method == "POST" and request.mimetype == "application/x-www-form-urlencoded"
    in_body = single(request.form, frozenset({"access_token"})).get("access_token") if is_form else None
    if in_body and scheme:
        raise ProtocolError("invalid_request", "The access token is sent twice.")
    token = in_body or (in_header.strip() if scheme.lower() == "bearer" else "")
    if not token:
        raise ProtocolError("invalid_token", "An access token is needed.", challenge_only=True)
    return token
