"""The token endpoint (OIDC Core §3.1.3, RFC 6749 §3.2)."""

from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qsl

import flask
from werkzeug.datastructures import MultiDict

from idp.domain.access_token import AccessToken
from idp.domain.audit import AuditEvent
from idp.domain.client import SCOPES, Client
from idp.domain.grant import Grant
from idp.errors import ProtocolError
from idp.flows.alerts import raise_alert
from idp.flows.oidc import client_authentication, engine
from idp.flows.oidc.issue import keep_access_token, response_for, tokens_for_grant
from idp.flows.oidc.refresh import refresh
from idp.flows.services import Services
from idp.web.body_gate import body_of
from idp.web.parameters import FORM, single

KNOWN = engine.CREDENTIALS | {"grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope"}
SECRETS = engine.SECRETS | {"code", "refresh_token"}


def blueprint(services: Services) -> flask.Blueprint:
    """POST /token."""
    bp = flask.Blueprint("token", __name__)

    @bp.post("/token")
    def token() -> flask.Response:
        form = single(form_of_request(SECRETS), KNOWN)
        return unkept(exchange(services, flask.request.headers, form))

    return bp


def form_of_request(secrets: frozenset[str]) -> Any:
    """The form of a client's request. Raises ProtocolError for another body, or for secrets in the URL."""
    request = flask.request._get_current_object()  # type: ignore[attr-defined]
    if request.mimetype != FORM:
        raise ProtocolError("invalid_request", f"The body must be {FORM}.")
    if request.query_string and request.args.keys() & secrets:
        raise ProtocolError("invalid_request", "Credentials must not be in the URL.")
    # As werkzeug does, less the streams that it would put between: `refuse_broken_text` has seen that this is UTF-8.
    return MultiDict(parse_qsl(body_of(request).decode(), keep_blank_values=True))


def unkept(body: dict[str, Any]) -> flask.Response:
    """JSON that nobody may keep (RFC 6749 §5.1)."""
    response = flask.jsonify(body)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response


def exchange(services: Services, headers: Any, form: Any) -> dict[str, Any]:
    """Answer a token request. Raises ProtocolError; a second use of a code revokes what the first gave."""
    try:
        with ExitStack() as units:
            code = _CodeUnit(services, units)
            ports = engine.TokenPorts(
                clients=client_authentication.ports(services),
                grant=code.find,
                is_expired=lambda grant: grant.code_is_dead(services.now()),
                redeem=code.redeem,
                refresh=lambda client, token, scope: refresh(services, client, token, scope),
                client_credentials=lambda client, scope: _for_the_client(services, client, scope),
            )
            return engine.answer(f"{services.settings.issuer}/token", headers, form, ports)
    except (engine.CodeReplayed, _SpentMeanwhile) as replay:
        if _was_redeemed(services, replay.grant):
            _revoke(services, replay.grant)
            raise ProtocolError("invalid_grant", engine.BAD_CODE, detail=f"code used twice, grant {replay}") from replay
        raise ProtocolError("invalid_grant", engine.BAD_CODE, detail="revoked meanwhile") from replay


class _SpentMeanwhile(Exception):
    """The code was used, or its grant revoked, after this request had read it."""

    def __init__(self, grant: Grant) -> None:
        super().__init__(grant.grant_id)
        self.grant = grant


class _CodeUnit:
    """One unit that finds a code and uses it up: if a store fails, the client may try its code again.

    It begins when a client that has proven itself brings a code, and ends with `units`, before the answer leaves.
    """

    def __init__(self, services: Services, units: ExitStack) -> None:
        self._services, self._units = services, units

    def find(self, code: str) -> Grant | None:
        self._tx = self._units.enter_context(self._services.db.write())
        found = self._tx.grants.by_code(code)
        if found is None:
            return None
        grant, self._holder, self._scopes = found
        return grant

    def redeem(self, client: Client, grant: Grant) -> dict[str, Any]:
        """A client that registered for offline_access was consented to, or its operators answer for it: that is
        what OIDC Core §11 leaves to us beside prompt=consent.
        """
        services, tx = self._services, self._tx
        is_offline = "offline_access" in grant.scope and grant.until is None  # a temporary one ends with its session
        offline = client.offline_lifetime if is_offline else None
        offline_until = None if offline is None else grant.created_at + offline
        tx.grants.redeem(grant.grant_id, services.now(), otherwise=_SpentMeanwhile(grant), offline_until=offline_until)
        if grant.proof and services.configuration.suspensions().void(grant.proof):
            raise ProtocolError("invalid_grant", engine.BAD_CODE, detail="a suspended method made the proof")
        if not self._scopes.issuperset(grant.scope):  # by a process that did not know of the change for a second
            raise ProtocolError("invalid_grant", engine.BAD_CODE, detail="a scope was taken from the client")
        services.record(tx, AuditEvent("token.issued", grant.account_id, grant.account_id, grant.client_id))
        return tokens_for_grant(services, tx, client, grant, grant.scope, holder=self._holder)


def _for_the_client(services: Services, client: Client, scope: str | None) -> dict[str, Any]:
    """client_credentials (RFC 6749 §4.4): scopes of its own, and nothing that speaks of a person."""
    allowed = tuple(name for name in client.scopes if name not in SCOPES)
    asked = allowed if scope is None else tuple(dict.fromkeys(scope.split()))
    if not set(asked) <= set(allowed):
        raise ProtocolError("invalid_scope", "The scope is not one that the client has for itself.")
    now = services.now()
    record = AccessToken(
        client_id=client.client_id,
        subject=client.client_id,
        scope=asked,
        audience=client.audience or services.settings.issuer,
        issued_at=int(now.timestamp()),
        expires_at=int((now + client.token_lifetime).timestamp()),
    )
    response = response_for(record, keep_access_token(services, client, record))
    # After the token, which nobody knows yet: if this fails, nobody ever will.
    services.append(AuditEvent("token.issued_to_client", f"client:{client.client_id}", client_id=client.client_id))
    return response


def _was_redeemed(services: Services, grant: Grant) -> bool:
    with services.db.read() as tx:
        return tx.grants.was_redeemed(grant.grant_id)


def _revoke(services: Services, grant: Grant) -> None:
    with services.db.write() as tx:
        tx.grants.revoke(grant.grant_id, services.now())
        event = AuditEvent("token.code_replayed", "anonymous", grant.account_id, grant.client_id, "refused")
        services.record(tx, event)
        raise_alert(services, tx, event.name, account_id=grant.account_id, client_id=grant.client_id)
