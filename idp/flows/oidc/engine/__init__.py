"""The only door to Authlib's server side: token requests and client authentication (RFC 6749 §3.2, §4.1.3; RFC 7636).

What Authlib 1.9 leaves open is closed here, each with a test named after it: parameters are checked before it sees
them (an accent or a quote in `grant_type` would be a 500); a code is redeemed by one UPDATE before any token is made
(it looks up and deletes); the request is built from what we hand over (its Flask adapter reads the global one); its
loggers never print tokens (`idp.web.logs.quiet_authlib`).
"""

from idp.flows.oidc.engine.clients import CREDENTIALS, SECRETS, authenticate
from idp.flows.oidc.engine.ports import ClientPorts, TokenPorts
from idp.flows.oidc.engine.tokens import BAD_CODE, CodeReplayed, answer

__all__ = [
    "BAD_CODE",
    "CREDENTIALS",
    "SECRETS",
    "ClientPorts",
    "CodeReplayed",
    "TokenPorts",
    "answer",
    "authenticate",
]
