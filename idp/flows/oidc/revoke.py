"""Token revocation (RFC 7009): a client gives back what it was given."""

import flask

from idp.domain.audit import AuditEvent
from idp.domain.client import Client
from idp.errors import ProtocolError
from idp.flows.oidc import client_authentication, engine
from idp.flows.oidc.token import form_of_request
from idp.flows.services import Services
from idp.web.parameters import single

PATH = "/revoke"
KNOWN = engine.CREDENTIALS | {"token", "token_type_hint"}
SECRETS = engine.SECRETS | {"token"}


def blueprint(services: Services) -> flask.Blueprint:
    """POST /revoke."""
    bp = flask.Blueprint("revoke", __name__)

    @bp.post(PATH)
    def revoke() -> flask.Response:
        form = single(form_of_request(SECRETS), KNOWN)
        client = client_authentication.authenticated(services, PATH, flask.request.headers, form)
        if "token" not in form:
            raise ProtocolError("invalid_request", "token is missing.")
        _revoke(services, client, form["token"])
        return flask.Response(status=200)  # RFC 7009 §2.2: for a token that nobody knows too

    return bp


def _revoke(services: Services, client: Client, token: str) -> None:
    """An access token dies alone, a refresh token with its grant and all that came of it (RFC 7009 §2.1).

    What kind it is shows: `token_type_hint` would save nothing. Raises ProtocolError for another client's token.
    """
    record = services.access_tokens.find(token)
    with services.db.write() as tx:
        if record is not None:
            _check_owner(record.client_id, client)
            services.record(tx, _event(client, "access_token"))
            services.access_tokens.drop(token)
            return
        found = tx.refresh_tokens.find(token, services.now())
        if found is None:
            return
        _check_owner(found.grant.client_id, client)
        if tx.grants.revoke(found.grant.grant_id, services.now()):
            services.record(tx, _event(client, "refresh_token", found.grant.account_id))


def _check_owner(client_id: str, client: Client) -> None:
    if client_id != client.client_id:
        raise ProtocolError("invalid_grant", "The token was issued to another client.")


def _event(client: Client, kind: str, account_id: str | None = None) -> AuditEvent:
    actor = f"client:{client.client_id}"
    return AuditEvent("token.revoked", actor, account_id, client.client_id, detail={"kind": kind})
