"""The relying party: every operation checks what it gets, and raises Wrong if it is not right."""

import asyncio
import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import jwt

from bench.forms import fill
from bench.http_client import Client, Response
from bench.peer import Peer

MAX_STEPS = 15


class Wrong(Exception):
    """The provider answered something that an honest provider would not."""


def check(fact: object, message: str) -> None:
    if not fact:
        raise Wrong(message)


@dataclass
class Person:
    """An account, signed in or not, in one browser profile."""

    username: str
    cookies: dict[tuple[str, str], str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


@dataclass
class Shared:
    """What the virtual users of one server have in common; lives as long as the server does."""

    metadata: dict[str, Any] = field(default_factory=dict)
    keys: dict[str | None, jwt.PyJWK] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    logins: int = 0
    verified: int = 0
    spent: tuple[Person, str] | None = None  # a refresh token that was rotated away


class RelyingParty:
    """One virtual user agent with its client application; it takes its share of the signed-in people in turn."""

    def __init__(self, peer: Peer, shared: Shared) -> None:
        self.peer, self.shared = peer, shared
        parts = urlsplit(peer.issuer)
        self.http = Client(f"{parts.scheme}://{parts.netloc}")
        self.people: list[Person] = []
        self.turn = 0
        self.password = peer.password
        self.me = Person("")

    def _new_person(self) -> None:
        self.me = Person(self.peer.username(self.shared.logins))
        self.shared.logins += 1
        self.http.cookies = self.me.cookies

    def _next_person(self) -> None:
        self.turn = (self.turn + 1) % len(self.people)
        self.me = self.people[self.turn]
        self.http.cookies = self.me.cookies

    async def sign_in(self, count: int) -> None:
        for _ in range(count):
            await self.login()
            self.shared.people.append(self.me)

    async def learn(self) -> None:
        """Read the provider's metadata and keys."""
        self.shared.metadata = await self.discovery()
        keys = await self.jwks()
        self.shared.keys = {key.get("kid"): jwt.PyJWK(key) for key in keys if key.get("use") != "enc"}

    # --- operations ---

    async def login(self) -> None:
        self._new_person()
        await self._journey(may_sign_in=True)

    async def sso(self) -> None:
        self._next_person()
        await self._journey(may_sign_in=False)

    async def refresh(self) -> None:
        self._next_person()
        person, old = self.me, self.me.tokens
        tokens = await self._token(grant_type="refresh_token", refresh_token=old["refresh_token"])
        person.tokens = {**old, **tokens}  # kept first: one wrong answer must stay one error
        check(tokens["access_token"] != old["access_token"], "same access token")
        check(tokens.get("refresh_token", old["refresh_token"]) != old["refresh_token"], "refresh token not rotated")
        if tokens.get("id_token"):
            check(self._verify(tokens["id_token"])["sub"] == old["sub"], "sub changed")
        self.shared.spent = (person, old["refresh_token"])

    async def userinfo(self) -> None:
        self._next_person()
        await self._userinfo()

    async def introspect(self) -> None:
        self._next_person()
        answer = await self._introspect(self.me.tokens["access_token"])
        check(answer.get("active") is True, "active")
        check(answer.get("client_id", self.peer.client_id) == self.peer.client_id, "client_id")

    async def client_credentials(self) -> None:
        await self._token(grant_type="client_credentials")

    async def discovery(self) -> dict[str, Any]:
        response = await self.http.call(self.peer.discovery)
        check(response.status == 200, f"discovery {response.status}")
        metadata: dict[str, Any] = json.loads(response.body)
        check(metadata["issuer"] == self.peer.issuer, f"issuer {metadata['issuer']}")
        return metadata

    async def jwks(self) -> list[dict[str, Any]]:
        metadata = self.shared.metadata
        response = await self.http.call(metadata["jwks_uri"])
        check(response.status == 200, f"jwks {response.status}")
        keys: list[dict[str, Any]] = json.loads(response.body)["keys"]
        check(keys and not any("d" in key for key in keys), "jwks content")
        return keys

    # --- their steps ---

    async def _journey(self, *, may_sign_in: bool) -> None:
        """Authorize (code, PKCE S256, state, nonce), every page and redirect up to the callback, token, userinfo."""
        peer = self.peer
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": peer.client_id,
            "redirect_uri": peer.redirect_uri,
            "scope": peer.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        answer = await self._browse(
            f"{self.shared.metadata['authorization_endpoint']}?{urlencode(query)}", may_sign_in=may_sign_in
        )
        check(answer.get("state") == [state], f"state/{answer}")
        check(answer.get("iss", [peer.issuer]) == [peer.issuer], "iss parameter")
        tokens = await self._token(
            grant_type="authorization_code",
            code=answer["code"][0],
            redirect_uri=peer.redirect_uri,
            code_verifier=verifier,
        )
        claims = self._verify(tokens["id_token"], nonce)
        self.me.tokens = {**tokens, "sub": claims["sub"]}
        await self._userinfo()

    async def _browse(self, url: str, *, may_sign_in: bool) -> dict[str, list[str]]:
        """The parameters that arrive at the redirect_uri."""
        response = await self.http.get(url)
        is_password_given = False
        for _ in range(MAX_STEPS):
            if 300 <= response.status < 400:
                location = urljoin(response.url, response.header("location") or "")
                if location.startswith(self.peer.redirect_uri + "?"):
                    return parse_qs(urlsplit(location).query)
                response = await self.http.get(location)
                continue
            check(response.status == 200, f"authorize status {response.status}")
            check(may_sign_in, "asked to sign in again")
            action, fields = self._fill(response)
            if self.password in fields.values():
                check(not is_password_given, "password refused")
                is_password_given = True
            response = await self.http.post(action, fields)
        raise Wrong("too many steps to the redirect_uri")

    def _fill(self, response: Response) -> tuple[str, dict[str, str]]:
        page = response.body.decode("utf-8", "replace")
        known = {"username": self.me.username, "password": self.password}
        values = {name: template.format(**known) for name, template in self.peer.login_form.items()}
        found = fill(page, response.url, values)
        if found is None:
            raise Wrong("no login form: " + " ".join(page.split())[:300])
        return found

    async def _token(self, **form: str) -> dict[str, str]:
        response = await self._client_post("token_endpoint", form)
        check(response.status == 200, f"token {response.status} {response.body[:200]!r}")
        tokens: dict[str, str] = json.loads(response.body)
        check(tokens.get("token_type", "").lower() == "bearer", "token_type")
        check(len(tokens.get("access_token", "")) >= 16, "access_token")
        return tokens

    async def _introspect(self, token: str) -> dict[str, Any]:
        response = await self._client_post("introspection_endpoint", {"token": token})
        check(response.status == 200, f"introspect {response.status} {response.body[:200]!r}")
        answer: dict[str, Any] = json.loads(response.body)
        return answer

    async def _userinfo(self) -> None:
        bearer = [("Authorization", "Bearer " + self.me.tokens["access_token"])]
        response = await self.http.call(self.shared.metadata["userinfo_endpoint"], bearer)
        check(response.status == 200, f"userinfo {response.status} {response.body[:200]!r}")
        check(json.loads(response.body).get("sub") == self.me.tokens["sub"], "userinfo sub")

    async def _client_post(self, endpoint: str, form: dict[str, str]) -> Response:
        pair = f"{self.peer.client_id}:{self.peer.client_secret}".encode()
        basic = [("Authorization", "Basic " + base64.b64encode(pair).decode())]
        return await self.http.call(self.shared.metadata[endpoint], basic, form)

    def _verify(self, id_token: str, nonce: str | None = None) -> dict[str, Any]:
        key = self.shared.keys[jwt.get_unverified_header(id_token).get("kid")]
        claims: dict[str, Any] = jwt.decode(
            id_token,
            key.key,
            algorithms=[self.peer.alg],
            audience=self.peer.client_id,
            issuer=self.peer.issuer,
            options={"require": ["exp", "iat", "sub", "aud", "iss"]},
        )
        check(nonce is None or claims.get("nonce") == nonce, "nonce")
        self.shared.verified += 1
        return claims

    # --- what has to fail, tried once after each run ---

    async def must_refuse(self, operation: str) -> None:
        match operation:
            case "login":
                await self._refuse_wrong_password()
            case "userinfo":
                bearer = [("Authorization", "Bearer " + secrets.token_urlsafe(32))]
                response = await self.http.call(self.shared.metadata["userinfo_endpoint"], bearer)
                check(response.status in {400, 401}, f"userinfo took a made-up token: {response.status}")
            case "introspect":
                answer = await self._introspect(secrets.token_urlsafe(32))
                check(answer.get("active") is False, "a made-up token is active")
            case "refresh" if self.shared.spent:
                await self._refuse_spent_token(*self.shared.spent)

    async def _refuse_wrong_password(self) -> None:
        self.password = "wrong-horse-battery"
        try:
            await self.login()
        except Wrong as refusal:
            said = str(refusal)
            check(said == "password refused" or said.startswith("authorize status 4"), f"wrong password: {said}")
        else:
            raise Wrong("wrong password accepted")
        finally:
            self.password = self.peer.password

    async def _refuse_spent_token(self, person: Person, spent: str) -> None:
        self.shared.people.remove(person)  # a replay revokes what came of it
        if self.peer.refresh_grace_s:
            await asyncio.sleep(self.peer.refresh_grace_s + 1)
        response = await self._client_post("token_endpoint", {"grant_type": "refresh_token", "refresh_token": spent})
        check(response.status == 400, f"a spent refresh token is still accepted: {response.status}")
