"""Relying parties, as they are registered."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}")
AUTHORITY = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]{1,5})?")
MAX_NAME = 200
LOOPBACK = frozenset({"localhost", "127.0.0.1"})
AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")
SCOPES = ("openid", "profile", "email", "address", "phone", "identite_ps")
MAX_TOKEN_LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Client:
    """One OIDC client (RFC 7591 names where they exist). `secret_digest` is SHA-256, hex."""

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    auth_method: str = "client_secret_basic"
    secret_digest: str | None = field(default=None, repr=False)
    post_logout_redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    id_token_alg: str = "RS256"
    require_pkce: bool = True
    needs_entitlement: bool = True
    token_lifetime: timedelta = timedelta(minutes=5)
    initiate_login_uri: str | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    description: str | None = None
    enabled: bool = True

    @property
    def is_public(self) -> bool:
        return self.auth_method == "none"

    def problems(self) -> list[str]:
        """What forbids registering this client; empty when it is sound (RFC 9700 §2.1, §4.1)."""
        found = []
        if not CLIENT_ID.fullmatch(self.client_id):
            found.append("client_id: letters, digits and . _ ~ - inside, 64 at most")
        if not self.name.strip() or len(self.name) > MAX_NAME:
            found.append(f"name: 1 to {MAX_NAME} characters")
        found += self._uri_problems()
        if self.auth_method not in AUTH_METHODS:
            found.append(f"auth_method: one of {', '.join(AUTH_METHODS)}")
        if self.is_public and (self.secret_digest or not self.require_pkce):
            found.append("a public client has no secret and always uses PKCE")
        if not self.is_public and not self.secret_digest:
            found.append("a confidential client needs a secret")
        if self.id_token_alg not in {"RS256", "ES256"}:
            found.append("id_token_alg: RS256 or ES256")
        if "openid" not in self.scopes or not set(self.scopes) <= set(SCOPES):
            found.append(f"scopes: openid and any of {', '.join(SCOPES)}")
        if not timedelta(seconds=30) <= self.token_lifetime <= MAX_TOKEN_LIFETIME:
            found.append("token_lifetime: 30 seconds to 15 minutes")
        return found

    def _uri_problems(self) -> list[str]:
        found = [] if self.redirect_uris else ["redirect_uris: at least one is needed"]
        shown = (self.initiate_login_uri, self.logo_uri, self.policy_uri, self.tos_uri)
        for uri in (*self.redirect_uris, *self.post_logout_redirect_uris, *filter(None, shown)):
            if reason := uri_problem(uri):
                found.append(f"{uri}: {reason}")
        return found


def uri_problem(uri: str) -> str | None:
    """Why `uri` may not be registered: https only, but for loopback; no fragment, user or wildcard.

    The authority stands in a Content-Security-Policy: nothing that could end a source there is let through.
    """
    if not (uri.isascii() and uri.isprintable()) or " " in uri or len(uri) > 2000:
        return "printable ASCII of 2000 characters at most"
    try:
        parts = urlsplit(uri)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "not a URI"
    if parts.fragment or "#" in uri:
        return "a fragment is not allowed (RFC 6749 §3.1.2)"
    if parts.netloc.startswith("["):
        return "an IPv6 address cannot stand in a Content-Security-Policy (CSP 3 §2.3.1): use a host name"
    if "*" in uri or "\\" in uri or (parts.netloc and not AUTHORITY.fullmatch(parts.netloc)):
        return "no user, wildcard or backslash, and a plain host name"
    if parts.scheme == "http" and host in LOOPBACK:
        return None
    return None if parts.scheme == "https" and host else "https is needed, except on loopback"
