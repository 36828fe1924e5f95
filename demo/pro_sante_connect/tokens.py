"""What the simulator says of a person: ID Token, userinfo, logout token, good or as a switch makes them."""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from joserfc.util import urlsafe_b64encode

from demo.pro_sante_connect.behaviour import Behaviour, Conduct, Signed, Switch, over
from demo.pro_sante_connect.clients import Client
from demo.pro_sante_connect.keys import Keys
from demo.pro_sante_connect.people import Person
from demo.pro_sante_connect.sessions import Grant, Session

PROVIDER = uuid.UUID("6f0c9c1e-5b1a-4d4e-8a57-0f6f3f2f9d10")  # Keycloak's user storage, in the older form of `sub`
TOKEN_S = 120
HOUR_S = 3600
WRONG_ISSUER = "https://attacker.example/auth/realms/esante-wallet"
BACKCHANNEL_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
# The card's value was seen in the sandbox in 2023; whoever reads it must accept others too.
ACR = {"CARD": "eidas3", "MOBILE": "eidas1"}


class Tokens:
    """now: epoch seconds. Each method takes the issuer, which is known once the ports are."""

    def __init__(
        self, behaviour: Behaviour, people: Mapping[str, Person], keys: Keys, now: Callable[[], float]
    ) -> None:
        self._behaviour, self._people, self._keys, self._now = behaviour, people, keys, now

    def userinfo(self, session: Session) -> dict[str, Any]:
        conduct = self._behaviour.conduct
        claims = {**self._people[session.person].claims, "sub": self._sub(session.person, conduct)}
        claims["authMode"] = "IDENTITY_BROKER" if conduct.has(Switch.MODE_UNKNOWN) else session.mode
        if conduct.has(Switch.OTHER_SUBJECT):
            claims["sub"] = f"f:{PROVIDER}:899700009999"
        return over(claims, conduct.userinfo)

    def signed_userinfo(self, issuer: str, grant: Grant) -> str:
        """OpenID Connect Core §5.3.2."""
        conduct = self._behaviour.conduct
        named = _named(issuer, Signed.USERINFO, grant.request.client, conduct)
        if conduct.forges(Switch.EXPIRED, Signed.USERINFO):
            named["exp"] = int(self._now()) - HOUR_S
        return self._keys.sign(Signed.USERINFO, {**named, **self.userinfo(grant.session)}, conduct)

    def id_token(self, issuer: str, grant: Grant, access_token: str) -> str:
        """OpenID Connect Core §2, as Keycloak fills it."""
        conduct, session, client = self._behaviour.conduct, grant.session, grant.request.client
        said, now = self._people[session.person].claims, int(self._now())
        of_person = {name: said[name] for name in ("preferred_username", "given_name", "family_name") if name in said}
        claims = {
            **_named(issuer, Signed.ID_TOKEN, client, conduct),
            **of_person,
            "sub": self._sub(session.person, conduct),
            "azp": client.client_id,
            "typ": "ID",
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + TOKEN_S,
            "auth_time": int(session.auth_time),
            "sid": session.sid,
            "session_state": session.sid,
            "at_hash": _half_hash("another" if conduct.has(Switch.WRONG_AT_HASH) else access_token),
            "acr": ACR[session.mode],
            "nonce": grant.request.nonce,
        }
        if conduct.forges(Switch.EXPIRED, Signed.ID_TOKEN):
            claims.update(iat=now - HOUR_S - TOKEN_S, exp=now - HOUR_S)
        wrong: tuple[tuple[Switch, str, Any], ...] = (
            (Switch.WRONG_NONCE, "nonce", "another-nonce"),
            (Switch.WITHOUT_NONCE, "nonce", None),
            (Switch.OLD_AUTH_TIME, "auth_time", now - 3 * HOUR_S),
            (Switch.ACR_UNEXPECTED, "acr", "0"),
            (Switch.ACR_MISSING, "acr", None),
        )
        claims.update({name: value for switch, name, value in wrong if conduct.has(switch)})
        present = {name: value for name, value in claims.items() if value is not None}
        return self._keys.sign(Signed.ID_TOKEN, over(present, conduct.id_token), conduct)

    def logout_token(self, issuer: str, client: Client, session: Session) -> str:
        """OpenID Connect Back-Channel Logout §2.4."""
        conduct, now = self._behaviour.conduct, int(self._now())
        is_expired = conduct.forges(Switch.EXPIRED, Signed.LOGOUT_TOKEN)
        claims = {
            **_named(issuer, Signed.LOGOUT_TOKEN, client, conduct),
            "sub": self._sub(session.person, conduct),
            "sid": session.sid,
            "iat": now,
            "exp": now - HOUR_S if is_expired else now + TOKEN_S,
            "jti": str(uuid.uuid4()),
            "events": {BACKCHANNEL_LOGOUT: {}},
        }
        return self._keys.sign(Signed.LOGOUT_TOKEN, claims, conduct, typ="logout+jwt")

    def _sub(self, person: str, conduct: Conduct) -> str:
        """No key of an account: its form is about to change."""
        name = self._people[person].national_id or person
        return str(uuid.uuid5(PROVIDER, name)) if conduct.has(Switch.UUID_SUBJECT) else f"f:{PROVIDER}:{name}"


def _named(issuer: str, signed: Signed, client: Client, conduct: Conduct) -> dict[str, Any]:
    return {
        "iss": WRONG_ISSUER if conduct.forges(Switch.WRONG_ISS, signed) else issuer,
        "aud": "another-client" if conduct.forges(Switch.WRONG_AUDIENCE, signed) else client.client_id,
    }


def _half_hash(token: str) -> str:
    """`at_hash` of an algorithm with SHA-256 (OpenID Connect Core §3.1.3.6)."""
    return urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).decode()
