"""The token endpoint (OIDC Core §3.1.3, RFC 6749 §3.2)."""

from typing import Any

import flask

from idp.domain.audit import AuditEvent
from idp.domain.client import Client
from idp.domain.grant import Grant
from idp.domain.ids import new_token
from idp.errors import ProtocolError
from idp.flows.oidc import engine
from idp.flows.oidc.claims import values_of
from idp.flows.services import Services
from idp.store import Tx
from idp.web.parameters import single
from keys.jws import left_half_hash, sign_jwt

KNOWN = frozenset(["grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier", "scope"])
ACCESS = "access_token"


def blueprint(services: Services) -> flask.Blueprint:
    """POST /token."""
    bp = flask.Blueprint("token", __name__)

    @bp.post("/token")
    def token() -> flask.Response:
        if flask.request.mimetype != "application/x-www-form-urlencoded":
            raise ProtocolError("invalid_request", "The body must be application/x-www-form-urlencoded.")
        if flask.request.args.keys() & {"client_secret", "code"}:
            raise ProtocolError("invalid_request", "Credentials must not be in the URL.")
        form = single(flask.request.form, KNOWN)
        response = flask.jsonify(exchange(services, flask.request.headers, form))
        response.headers["Cache-Control"] = "no-store"
        response.headers["Pragma"] = "no-cache"
        return response

    return bp


def exchange(services: Services, headers: Any, form: Any) -> dict[str, Any]:
    """Exchange a code for tokens, once. Raises ProtocolError; a second use revokes what the first gave."""

    def find_client(client_id: str) -> Client | None:
        with services.db.read() as tx:
            client = tx.clients.get(client_id)
        return client if client and client.enabled else None

    def find_grant(code: str) -> Grant | None:
        with services.db.read() as tx:
            return tx.grants.by_code(code)

    def redeem(client: Client, grant: Grant) -> dict[str, Any]:
        """Everything within the unit that uses the code up: if a store fails, the client may try its code again."""
        with services.db.write() as tx:
            if not tx.grants.redeem(grant.grant_id, services.now()):
                if tx.grants.was_redeemed(grant.grant_id):
                    raise engine.CodeReplayed(grant)
                raise ProtocolError("invalid_grant", engine.BAD_CODE, detail="revoked meanwhile")
            event = AuditEvent("token.issued", grant.account_id, grant.account_id, grant.client_id)
            services.record(tx, event)
            return issue_tokens(services, tx, client, grant)

    ports = engine.TokenPorts(
        client=find_client,
        grant=find_grant,
        redeem=redeem,
        is_expired=lambda grant: grant.code_is_dead(services.now()),
    )
    try:
        return engine.answer(f"{services.settings.issuer}/token", headers, form, ports)
    except engine.CodeReplayed as replay:
        _revoke(services, replay.grant)
        raise ProtocolError("invalid_grant", engine.BAD_CODE, detail=f"code used twice, grant {replay}") from replay


def issue_tokens(services: Services, tx: Tx, client: Client, grant: Grant) -> dict[str, Any]:
    """The token response for a redeemed grant: an opaque access token and an ID Token."""
    now, access_token = services.now(), new_token()
    record = {"grant_id": grant.grant_id, "scope": list(grant.scope), "client_id": client.client_id}
    services.ephemeral.put(ACCESS, access_token, record, client.token_lifetime)
    account = tx.accounts.get(grant.account_id) if grant.id_token_claims else None
    issued_at, lifetime_s = int(now.timestamp()), int(client.token_lifetime.total_seconds())
    claims: dict[str, Any] = {
        **(values_of(account, grant.id_token_claims) if account else {}),
        "iss": services.settings.issuer,
        "sub": grant.account_id,
        "aud": client.client_id,
        "iat": issued_at,
        "exp": issued_at + lifetime_s,
        "auth_time": int(grant.auth_time.timestamp()),
        "acr": grant.acr,
        "amr": list(grant.amr),
        "sid": grant.session_id,
        "at_hash": left_half_hash(access_token),
    }
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": lifetime_s,
        "scope": " ".join(grant.scope),
        "id_token": sign_jwt(services.signer, client.id_token_alg, claims, typ="JWT", now=now),
    }


def _revoke(services: Services, grant: Grant) -> None:
    with services.db.write() as tx:
        tx.grants.revoke(grant.grant_id, services.now())
        event = AuditEvent("token.code_replayed", "anonymous", grant.account_id, grant.client_id, "refused")
        services.record(tx, event)
