"""The provider without its pages: who logged in, and what was granted."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from demo.memory import Memory
from demo.pro_sante_connect.authorization import AuthorizationRequest
from demo.pro_sante_connect.behaviour import Behaviour, Switch
from demo.pro_sante_connect.clients import BackChannelError, Client, proves
from demo.pro_sante_connect.keys import Keys
from demo.pro_sante_connect.logout import Send, post_logout_token
from demo.pro_sante_connect.people import PEOPLE, Person
from demo.pro_sante_connect.sessions import Access, Grant, Session, Sessions
from demo.pro_sante_connect.tokens import TOKEN_S, Tokens

REALM = "/auth/realms/esante-wallet"
CODE_S, REFRESH_TOKEN_S = 60, 30 * 60
MAX_TOLD = 5  # outcomes of logout tokens that the page shows


class Simulator:
    """One object for tests and for the pages.

    auth, wallet: origins of the back channel and of the pages, which are two hosts as in the sandbox; they may be set
    once the ports are known. now: epoch seconds. send: posts a logout token, returns what to tell of the answer.
    """

    def __init__(
        self,
        clients: Iterable[Client],
        *,
        auth: str = "",
        wallet: str = "",
        behaviour: Behaviour | None = None,
        people: Mapping[str, Person] = PEOPLE,
        now: Callable[[], float] = time.time,
        send: Send = post_logout_token,
        keys: Keys | None = None,
    ) -> None:
        self.auth, self.wallet = auth, wallet
        self.clients = {client.client_id: client for client in clients}
        self.behaviour = behaviour or Behaviour()
        self.people, self.now = people, now
        self.keys, self.sessions = keys or Keys(), Sessions()
        self.tokens = Tokens(self.behaviour, people, self.keys, now)
        self.asked: Memory[AuthorizationRequest] = Memory()
        self.told: deque[str] = deque(maxlen=MAX_TOLD)
        self._codes: Memory[Grant] = Memory()
        self._refresh_tokens: Memory[Grant] = Memory()
        self._access_tokens: Memory[Access] = Memory()
        self._send = send

    @property
    def issuer(self) -> str:
        return self.auth + REALM

    def issue_code(self, request: AuthorizationRequest, session: Session) -> str:
        session.client_ids.add(request.client.client_id)
        session.used_at = self.now()
        return self._codes.keep(Grant(request, session, self.now() + CODE_S))

    def redeem_code(self, client: Client, form: Mapping[str, str]) -> Grant:
        """Once, by the client that asked, with its redirect_uri and its verifier. Raises BackChannelError."""
        if self.behaviour.conduct.has(Switch.TOKEN_REFUSED):
            raise BackChannelError("invalid_grant", "Code not valid")
        grant = self._live(self._codes.take(form.get("code", "")), client, "Code not valid")
        if form.get("redirect_uri") != grant.request.redirect_uri:
            raise BackChannelError("invalid_grant", "Incorrect redirect_uri")
        if not proves(form.get("code_verifier", ""), grant.request.code_challenge):
            raise BackChannelError("invalid_grant", "PKCE verification failed")
        return grant

    def refresh(self, client: Client, form: Mapping[str, str]) -> Grant:
        """A refresh token is good once. Raises BackChannelError."""
        return self._live(self._refresh_tokens.take(form.get("refresh_token", "")), client, "Invalid refresh token")

    def issue_tokens(self, grant: Grant, thumbprint: str) -> dict[str, Any]:
        """The answer of the token endpoint (RFC 6749 §5.1)."""
        now = self.now()
        renewable = Grant(grant.request, grant.session, now + REFRESH_TOKEN_S)
        access_token = self._access_tokens.keep(Access(grant, now + TOKEN_S, thumbprint))
        return {
            "access_token": access_token,
            "expires_in": TOKEN_S,
            "refresh_token": self._refresh_tokens.keep(renewable),
            "refresh_expires_in": REFRESH_TOKEN_S,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "session_state": grant.session.sid,
            "scope": grant.request.scope,
            "id_token": self.tokens.id_token(self.issuer, grant, access_token),
        }

    def access(self, token: str, thumbprint: str) -> Access:
        """Raises BackChannelError for a token that is unknown, too old, of an ended session, another certificate's."""
        access, now = self._access_tokens.get(token), self.now()
        if access is None or now >= access.expires_at or self.sessions.get(access.grant.session.sid, now) is None:
            raise BackChannelError("invalid_token", "Token verification failed", 401)
        if access.thumbprint != thumbprint:
            raise BackChannelError("invalid_token", "The token is bound to another certificate", 401)
        return access

    def end(self, sid: str) -> None:
        """End a session, and tell each client of it that wants to know (OpenID Connect Back-Channel Logout §2.5)."""
        session = self.sessions.end(sid)
        for client_id in sorted(session.client_ids) if session else ():
            client = self.clients[client_id]
            if session and client.backchannel_logout_uri:
                outcome = self._send(
                    client.backchannel_logout_uri, self.tokens.logout_token(self.issuer, client, session)
                )
                self.told.append(f"{client.name} : {outcome}")

    def _live(self, grant: Grant | None, client: Client, description: str) -> Grant:
        now = self.now()
        if grant is None or grant.request.client != client or now >= grant.expires_at:
            raise BackChannelError("invalid_grant", description)
        if self.sessions.get(grant.session.sid, now) is None:
            raise BackChannelError("invalid_grant", "Session not active")
        return grant
