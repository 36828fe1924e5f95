"""Relying parties, as they are registered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}")
AUTHORITY = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]{1,5})?")
MAX_NAME = 200
AUDIENCE = re.compile(r"(https://[a-z0-9.-]+[!-~]*|urn:[!-~]+)(?<!#)")
LOOPBACK = frozenset({"localhost", "127.0.0.1"})
AUTH_METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
ALGORITHMS = ("RS256", "ES256", "PS256")
SCOPES = ("openid", "profile", "email", "address", "phone", "identite_ps", "habilitations", "offline_access")
SCOPE = re.compile(r"[a-z][a-z0-9:._/-]{0,63}")  # of RFC 6749 §3.3's characters those that need no quoting anywhere
CONSENT = ("never", "first", "always")
INTROSPECTS = ("own", "audience")
MAX_TOKEN_LIFETIME = timedelta(minutes=15)
MAX_OFFLINE_LIFETIME = timedelta(days=90)
MAX_JWKS_KEYS = 20


@dataclass(frozen=True, slots=True)
class Client:
    """One OIDC client (RFC 7591 names where they exist). `secret_digest` is SHA-256, hex.

    previous_secret_digest: the secret before, which works until previous_secret_until, while the service changes over.
    sector: host that pairwise subjects are made for (OIDC Core §8.1). audience: the resource that its access tokens are
    for (RFC 9068 `aud`), the issuer when None. introspects: whose tokens it may ask about, its `own` or those of its
    `audience`. consent: when people are asked. offline_lifetime: absolute end of an offline_access grant.
    """

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    auth_method: str = "client_secret_basic"
    secret_digest: str | None = field(default=None, repr=False)
    previous_secret_digest: str | None = field(default=None, repr=False)
    previous_secret_until: datetime | None = None
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
    grant_types: tuple[str, ...] = ("authorization_code",)
    jwks: Mapping[str, Any] | None = None
    jwks_uri: str | None = None
    subject_type: str = "public"
    sector: str | None = None
    access_token_format: str = "opaque"
    audience: str | None = None
    introspects: str = "own"
    consent: str = "never"
    par_required: bool = False
    backchannel_logout_uri: str | None = None
    offline_lifetime: timedelta | None = None
    enabled: bool = True

    @property
    def is_public(self) -> bool:
        return self.auth_method == "none"

    @property
    def has_secret(self) -> bool:
        return self.auth_method in {"client_secret_basic", "client_secret_post"}

    def secret_digests(self, now: datetime) -> tuple[str, ...]:
        """Of the secrets that work now."""
        previous, until = self.previous_secret_digest, self.previous_secret_until
        kept = previous if previous and until and now < until else None
        return tuple(each for each in (self.secret_digest, kept) if each)

    @property
    def signs_people_in(self) -> bool:
        return "authorization_code" in self.grant_types

    def problems(self) -> list[str]:
        """What forbids registering this client; empty when it is sound (RFC 9700 §2.1, §4.1)."""
        found = []
        if not CLIENT_ID.fullmatch(self.client_id):
            found.append("client_id: letters, digits and . _ ~ - inside, 64 at most")
        if not self.name.strip() or len(self.name) > MAX_NAME:
            found.append(f"name: 1 to {MAX_NAME} characters")
        found += self._uri_problems()
        found += self._authentication_problems()
        found += self._grant_problems()
        found += self._token_problems()
        return found

    def _authentication_problems(self) -> list[str]:
        if self.auth_method not in AUTH_METHODS:
            return [f"auth_method: one of {', '.join(AUTH_METHODS)}"]
        found = []
        if self.is_public and (self.secret_digest or not self.require_pkce):
            found.append("a public client has no secret and always uses PKCE")
        if self.has_secret and not self.secret_digest:
            found.append("a confidential client needs a secret")
        by_key = self.auth_method == "private_key_jwt"
        if by_key and self.secret_digest:
            found.append("private_key_jwt has keys and no secret")
        if by_key and (self.jwks is None) == (self.jwks_uri is None):
            found.append("private_key_jwt needs either jwks or jwks_uri")
        if not by_key and (self.jwks is not None or self.jwks_uri is not None):
            found.append("jwks and jwks_uri are for private_key_jwt")
        return found + (jwks_problems(self.jwks) if self.jwks is not None else [])

    def _grant_problems(self) -> list[str]:
        found = []
        if not self.grant_types or not set(self.grant_types) <= set(GRANT_TYPES):
            found.append(f"grant_types: any of {', '.join(GRANT_TYPES)}")
        if "refresh_token" in self.grant_types and not self.signs_people_in:
            found.append("refresh_token goes with authorization_code")
        if "client_credentials" in self.grant_types and self.is_public:
            found.append("client_credentials: a public client cannot prove itself")
        own = set(self.scopes) - set(SCOPES)
        if own and "client_credentials" not in self.grant_types:
            found.append(f"scopes: any of {', '.join(SCOPES)}; others are for client_credentials")
        if not all(SCOPE.fullmatch(scope) for scope in own):
            found.append("scopes: lower-case letters, digits and : . _ / - after a letter, 64 at most")
        if self.signs_people_in and "openid" not in self.scopes:
            found.append("scopes: openid is needed to sign people in")
        offline = "offline_access" in self.scopes
        if offline and ("refresh_token" not in self.grant_types or self.offline_lifetime is None):
            found.append("offline_access needs the grant type refresh_token and an offline_lifetime")
        if not offline and self.offline_lifetime is not None:
            found.append("offline_lifetime is for the scope offline_access")
        if self.offline_lifetime and not timedelta(hours=1) <= self.offline_lifetime <= MAX_OFFLINE_LIFETIME:
            found.append("offline_lifetime: 1 hour to 90 days")
        return found

    def _token_problems(self) -> list[str]:
        found = []
        if self.id_token_alg not in ALGORITHMS:
            found.append(f"id_token_alg: one of {', '.join(ALGORITHMS)}")
        if not timedelta(seconds=30) <= self.token_lifetime <= MAX_TOKEN_LIFETIME:
            found.append("token_lifetime: 30 seconds to 15 minutes")
        if self.access_token_format not in {"opaque", "jwt"}:
            found.append("access_token_format: opaque or jwt")
        if self.introspects not in INTROSPECTS:
            found.append(f"introspects: one of {', '.join(INTROSPECTS)}")
        if self.introspects == "audience" and (self.audience is None or self.is_public):
            found.append("introspects: a confidential client asks about the tokens of the audience that it names")
        if self.audience is not None and not AUDIENCE.fullmatch(self.audience):
            found.append("audience: an https address or a urn, 300 characters at most")
        if self.consent not in CONSENT:
            found.append(f"consent: one of {', '.join(CONSENT)}")
        return found + self._subject_problems()

    def _subject_problems(self) -> list[str]:
        found = []
        if self.subject_type not in {"public", "pairwise"}:
            found.append("subject_type: public or pairwise")
        if (self.subject_type == "pairwise") != (self.sector is not None):
            found.append("a sector belongs to pairwise subjects, and pairwise subjects to a sector")
        if self.sector is not None and not AUTHORITY.fullmatch(self.sector):
            found.append("sector: a host name")
        return found

    def _uri_problems(self) -> list[str]:
        found = []
        if self.signs_people_in != bool(self.redirect_uris):
            found.append("redirect_uris: at least one is needed to sign people in, and none otherwise")
        shown = (self.initiate_login_uri, self.logo_uri, self.policy_uri, self.tos_uri)
        called = (self.jwks_uri, self.backchannel_logout_uri)
        for uri in (*self.redirect_uris, *self.post_logout_redirect_uris, *filter(None, (*shown, *called))):
            if reason := uri_problem(uri):
                found.append(f"{uri}: {reason}")
        return found


def jwks_problems(jwks: Mapping[str, Any]) -> list[str]:
    """What forbids these public keys (RFC 7517 §5): the shape only, each key is read where it is used."""
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not 1 <= len(keys) <= MAX_JWKS_KEYS:
        return [f"jwks: 1 to {MAX_JWKS_KEYS} keys"]
    if not all(isinstance(key, dict) and key.get("kty") in {"RSA", "EC"} for key in keys):
        return ["jwks: keys of type RSA or EC"]
    private = {"d", "p", "q", "dp", "dq", "qi", "k"}
    return ["jwks: a private key was sent; it must be replaced"] if any(private & key.keys() for key in keys) else []


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
