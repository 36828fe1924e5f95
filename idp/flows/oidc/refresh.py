"""The grant refresh_token (RFC 6749 §6, RFC 9700 §4.14.2, OIDC Core §11 and §12)."""

from typing import Any

from idp.domain.audit import AuditEvent
from idp.domain.client import Client
from idp.domain.grant import Grant
from idp.domain.refresh import RefreshToken
from idp.errors import ProtocolError
from idp.flows.alerts import raise_alert
from idp.flows.oidc.issue import tokens_for_grant
from idp.flows.services import Services
from idp.store import Tx

BAD_TOKEN = "The refresh token is not valid."  # unknown, used, ended, another client's: the same words


class _UsedMeanwhile(Exception):
    """Another request used the token after this one had read it."""


def refresh(services: Services, client: Client, token: str, scope: str | None) -> dict[str, Any]:
    """Exchange a refresh token for tokens and its successor, in one unit. scope: what is asked for, None for all.

    Raises ProtocolError: `invalid_grant`, after which the token is as it was, unless it is a replay, which revokes the
    grant; `invalid_scope`.
    """
    try:
        return _exchange(services, client, token, scope)
    except _UsedMeanwhile:
        return _exchange(services, client, token, scope)  # finds it used


def _exchange(services: Services, client: Client, token: str, scope: str | None) -> dict[str, Any]:
    """Raises _UsedMeanwhile too, if it found the token unused."""
    with services.db.write() as tx:
        found = _find(services, tx, client, token)
        if _take(services, tx, found):
            response = _renew(services, tx, client, found, scope)
        else:
            _revoke(services, tx, found.grant)
            response = None
    if response is None:
        raise ProtocolError("invalid_grant", BAD_TOKEN, detail=f"refresh token replayed, grant {found.grant.grant_id}")
    return response


def _find(services: Services, tx: Tx, client: Client, token: str) -> RefreshToken:
    """A token of somebody else's is a guess or a theft, of which its owner's grant must not die."""
    found = tx.refresh_tokens.find(token, services.now())
    if found is None or found.grant.client_id != client.client_id:
        raise ProtocolError("invalid_grant", BAD_TOKEN, detail="unknown, or another client's")
    if found.grant.revoked_at is not None:
        raise ProtocolError("invalid_grant", BAD_TOKEN, detail="the grant was revoked")
    return found


def _take(services: Services, tx: Tx, found: RefreshToken) -> bool:
    """Use the token, or use it again where an answer may have been lost; False for a replay."""
    if found.used_at is None:
        tx.refresh_tokens.use(found.token_digest, services.now(), otherwise=_UsedMeanwhile())
        return True
    return tx.refresh_tokens.use_again(found.token_digest, services.now())


def _renew(services: Services, tx: Tx, client: Client, found: RefreshToken, scope: str | None) -> dict[str, Any]:
    """Everything that let the person in is asked again, as it is today; a refresh counts as a use of the session."""
    now, grant, idle = services.now(), found.grant, services.settings.session_idle
    policy = services.configuration.policy(client.client_id)
    problem = found.problem(policy, now, idle=idle, reach=services.registry.reach)
    if problem is not None:
        raise ProtocolError("invalid_grant", BAD_TOKEN, detail=problem)
    if grant.offline_until is None:
        ended = ProtocolError("invalid_grant", BAD_TOKEN, detail="the session ended meanwhile")
        tx.sessions.use(grant.session_id, now, idle, otherwise=ended)
    wanted = _narrowed(grant, scope)
    services.record(tx, AuditEvent("token.refreshed", grant.account_id, grant.account_id, grant.client_id))
    return tokens_for_grant(services, tx, client, grant, wanted, holder=found.holder, parent_digest=found.token_digest)


def _narrowed(grant: Grant, scope: str | None) -> tuple[str, ...]:
    """Less than was granted may be asked for, never more; the successor keeps what was granted (RFC 6749 §6)."""
    asked = grant.scope if scope is None else tuple(dict.fromkeys(scope.split()))
    if not asked or not set(asked) <= set(grant.scope):
        raise ProtocolError("invalid_scope", "The scope is more than was granted.")
    return asked


def _revoke(services: Services, tx: Tx, grant: Grant) -> None:
    tx.grants.revoke(grant.grant_id, services.now())
    event = AuditEvent("token.refresh_replayed", "anonymous", grant.account_id, grant.client_id, "refused")
    services.record(tx, event)
    raise_alert(services, tx, event.name, account_id=grant.account_id, client_id=grant.client_id)
