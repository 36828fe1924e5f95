"""Tokens, as they are made: access tokens, ID Tokens, refresh tokens (RFC 6749 §5.1, OIDC Core §2, RFC 9068 §2)."""

from typing import Any

from idp.domain.access_token import AccessToken, new_identifier
from idp.domain.account import Account
from idp.domain.client import Client
from idp.domain.grant import Grant
from idp.domain.ids import new_token
from idp.flows.oidc.claims import claims_of_scopes, values_of
from idp.flows.services import Services
from idp.flows.subjects import session_identifier, subject
from idp.store import Tx
from keys.jws import left_half_hash, sign_jwt


def tokens_for_grant(
    services: Services,
    tx: Tx,
    client: Client,
    grant: Grant,
    scope: tuple[str, ...],
    *,
    holder: Account,
    parent_digest: str | None = None,
) -> dict[str, Any]:
    """The token response for a person's grant, within the unit that uses its code or refresh token up.

    scope: the grant's, or less. holder: whose the grant is. parent_digest: of the refresh token that was used. What
    fails in the ephemeral store undoes the unit; what was put there in a unit that is undone, nobody is told.
    """
    now, sub = services.now(), subject(services, client, grant.account_id)
    shared = claims_of_scopes(scope) | set(grant.userinfo_claims)
    refresh_token = new_token() if "refresh_token" in client.grant_types else None
    if refresh_token is not None:
        tx.refresh_tokens.add(refresh_token, grant.grant_id, now, parent_digest=parent_digest)
    ends_at = now + client.token_lifetime
    record = AccessToken(
        client_id=client.client_id,
        subject=sub,
        scope=scope,
        audience=client.audience or services.settings.issuer,
        issued_at=int(now.timestamp()),
        expires_at=int(min(ends_at, grant.until or ends_at).timestamp()),
        grant_id=grant.grant_id,
        auth_time=int(grant.auth_time.timestamp()),
        acr=grant.acr,
        claims=values_of(tx, holder, shared, client.client_id, now),
    )
    access_token = keep_access_token(services, client, record, amr=grant.amr)
    response = response_for(record, access_token)
    if refresh_token is not None:
        response["refresh_token"] = refresh_token
    if "openid" in scope:
        extra = values_of(tx, holder, grant.id_token_claims, client.client_id, now)
        nonce = grant.nonce if parent_digest is None else None  # of the request, not of a refresh (OIDC Core §12.2)
        response["id_token"] = _id_token(services, client, grant, record, access_token, nonce=nonce, extra=extra)
    return response


def response_for(record: AccessToken, access_token: str) -> dict[str, Any]:
    """RFC 6749 §5.1."""
    scope = {"scope": " ".join(record.scope)} if record.scope else {}
    lifetime_s = record.expires_at - record.issued_at
    return {"access_token": access_token, "token_type": "Bearer", "expires_in": lifetime_s, **scope}


def keep_access_token(services: Services, client: Client, record: AccessToken, *, amr: tuple[str, ...] = ()) -> str:
    """A new access token in the client's format; what is known of it is kept either way, so that it can be revoked."""
    token = new_identifier(record.grant_id)
    if client.access_token_format == "jwt":
        token = _at_jwt(services, client, record, token, amr)
    services.access_tokens.put(token, record)
    return token


def _at_jwt(services: Services, client: Client, record: AccessToken, jti: str, amr: tuple[str, ...]) -> str:
    claims: dict[str, Any] = {
        "iss": services.settings.issuer,
        "sub": record.subject,
        "aud": record.audience,
        "client_id": record.client_id,
        "iat": record.issued_at,
        "exp": record.expires_at,
        "jti": jti,
    }
    known = {"scope": " ".join(record.scope), "auth_time": record.auth_time, "acr": record.acr, "amr": list(amr)}
    claims |= {name: value for name, value in known.items() if value}
    return sign_jwt(services.signer, client.id_token_alg, claims, typ="at+jwt", now=services.now())


def _id_token(
    services: Services,
    client: Client,
    grant: Grant,
    record: AccessToken,
    access_token: str,
    *,
    nonce: str | None,
    extra: dict[str, Any],
) -> str:
    """extra: claims of the person that were asked for by name."""
    claims: dict[str, Any] = {
        **extra,
        "iss": services.settings.issuer,
        "sub": record.subject,
        "aud": client.client_id,
        "iat": record.issued_at,
        "exp": record.expires_at,
        "auth_time": record.auth_time,
        "acr": grant.acr,
        "amr": list(grant.amr),
        "sid": session_identifier(services, client, grant.session_id),
        "at_hash": left_half_hash(access_token),
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return sign_jwt(services.signer, client.id_token_alg, claims, typ="JWT", now=services.now())
