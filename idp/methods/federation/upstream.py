"""One upstream, as a process knows it: what it publishes, whether it answers, and how a code becomes claims."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import BoundedSemaphore
from typing import Any, Final

from idp.methods.federation import claims, leaving, logout_tokens, tokens
from idp.methods.federation.away import Returned
from idp.methods.federation.breaker import Breaker
from idp.methods.federation.claims import Identified
from idp.methods.federation.client import Budget, Client
from idp.methods.federation.documents import Document
from idp.methods.federation.faults import LoginRefused
from idp.methods.federation.logout_tokens import LoggedOut
from idp.outgoing import Unreachable
from idp.outgoing.targets import parse
from idp.settings.origins import origin_of
from idp.settings.upstreams import Upstream

ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Connection:
    """Talks to one upstream. Thread-safe. Each call raises Unreachable; at once where the upstream has not answered
    lately, or `at_once` others wait for it: all the threads of a process could. Where it may tell us of logouts, a
    quarter of these places is for logout tokens, which anybody sends: logins never wait for those.
    """

    def __init__(self, settings: Upstream, client: Client, *, at_once: int = 4) -> None:
        ears = max(1, at_once // 4) if settings.backchannel_logout else 0
        self._settings, self._client = settings, client
        self._places, self._ears = BoundedSemaphore(max(1, at_once - ears)), BoundedSemaphore(ears)
        self._published, self._keys = Document(), Document()
        self._breakers = self._logins, self._asking = Breaker(), Breaker()  # one may answer while the other does not

    def authorization_url(self, now: datetime, **values: str) -> str:
        """Where to send the person; values: of the request. Whoever is sent to an upstream that is down never comes
        back to say so: it must have answered within a minute. Raises Unreachable, LoginRefused.
        """
        with self._place():
            endpoints = self._endpoints(now, Budget(self._settings.timeout_s), answered=True)
        return self._client.authorization_url(endpoints["authorization_endpoint"], **values)

    def is_failing(self, now: datetime) -> bool:
        """Whether to say that it does not answer."""
        return any(breaker.is_open(now) for breaker in self._breakers)

    def check(self, now: datetime) -> Mapping[str, Any]:
        """What it publishes, or the endpoints of the settings, for an operator. Raises Unreachable, LoginRefused."""
        budget = Budget(self._settings.timeout_s)
        endpoints = self._endpoints(now, budget)
        self._jwks(endpoints, now, budget)
        return endpoints

    def complete(self, returned: Returned, now: datetime) -> Identified:
        """Redeem the code, and read who it is. Raises Unreachable, LoginRefused."""
        with self._place(), self._logins.call(now):
            return self._complete(returned, now, Budget(self._settings.timeout_s))

    def leave_url(self, now: datetime, *, hint: str, back: str, state: str) -> str:
        """Where people are sent to leave it. Raises Unreachable, LoginRefused."""
        with self._place():
            endpoints = self._endpoints(now, Budget(self._settings.timeout_s))
        endpoint = leaving.end_session_endpoint(self._settings, endpoints)
        if endpoint is None:
            raise LoginRefused("upstream_error", "there is no end_session_endpoint any more")
        return leaving.address(endpoint, hint=hint, back=back, state=state)

    def logged_out(self, token: str, now: datetime) -> LoggedOut:
        """What a logout token says. Raises Unreachable, LoginRefused."""
        with _place_in(self._ears):
            budget = Budget(self._settings.timeout_s)
            endpoints = self._endpoints(now, budget)
            expected = {"require": logout_tokens.REQUIRED, "kinds": logout_tokens.KINDS}
            return logout_tokens.read(self._verified(token, endpoints, now, budget, **expected), now)

    def _place(self) -> AbstractContextManager[None]:
        """Raises Unreachable."""
        return _place_in(self._places)

    def _complete(self, returned: Returned, now: datetime, budget: Budget) -> Identified:
        settings, client, away = self._settings, self._client, returned.away
        endpoints = self._endpoints(now, budget)
        id_token, access_token = client.exchange(
            endpoints["token_endpoint"], returned.code, away.verifier, returned.redirect_uri, budget
        )
        id_token_claims = self._verified(id_token, endpoints, now, budget, require=("sub", "exp", "iat", "nonce"))
        tokens.check_id_token(id_token_claims, nonce=away.nonce, access_token=access_token)
        longest = timedelta(hours=settings.session_at_most_h)
        at = tokens.signed_in_at(id_token_claims, away, now, longest)
        said = self._userinfo(access_token, endpoints, now, budget) if settings.userinfo else {}
        if settings.userinfo and said.get("sub") != id_token_claims["sub"]:  # OIDC Core §5.3.2
            raise LoginRefused("other_subject")
        login = leaving.login_of(settings, endpoints, id_token_claims, id_token)
        return replace(claims.read(settings, id_token_claims, said, at), upstream=login)

    def _userinfo(
        self, access_token: str, endpoints: Mapping[str, Any], now: datetime, budget: Budget
    ) -> Mapping[str, Any]:
        said = self._client.userinfo(endpoints["userinfo_endpoint"], access_token, budget)
        return self._verified(said, endpoints, now, budget) if isinstance(said, str) else said

    def _verified(
        self, token: str, endpoints: Mapping[str, Any], now: datetime, budget: Budget, **expected: Any
    ) -> dict[str, Any]:
        """expected: of `tokens.verified`."""

        def keys(anew: bool) -> Sequence[Any]:
            return self._jwks(endpoints, now, budget, anew=anew)

        issuer, client_id = self._settings.issuer, self._settings.client_id
        return tokens.verified(token, keys, issuer=issuer, client_id=client_id, now=now, **expected)

    def _jwks(
        self, endpoints: Mapping[str, Any], now: datetime, budget: Budget, *, anew: bool = False
    ) -> Sequence[Any]:
        def fetch(timeout_s: float) -> Mapping[str, Any]:
            found = self._client.document(endpoints["jwks_uri"], timeout_s)
            if not isinstance(found.get("keys"), list) or not found["keys"]:
                raise LoginRefused("upstream_error", "jwks_uri has no keys")
            return found

        keys: Sequence[Any] = self._keys.get(fetch, now, wait_s=budget.left(), anew=anew)["keys"]
        return keys

    def _endpoints(self, now: datetime, budget: Budget, *, answered: bool = False) -> Mapping[str, Any]:
        """Those of the settings over the metadata, which are asked for where one is missing. answered: within a minute,
        if only for its keys.
        """

        def fetch(timeout_s: float) -> Mapping[str, Any]:
            with self._asking.call(now):
                if not missing:
                    return self._client.document(known["jwks_uri"], timeout_s)
                found = self._client.document(settings.metadata_url, timeout_s)
                self._check_metadata(found, missing)
                return found

        settings = self._settings
        wanted = (*ENDPOINTS, "userinfo_endpoint") if settings.userinfo else ENDPOINTS
        known = {name: url for name in wanted if (url := getattr(settings, name))}
        missing = [name for name in wanted if name not in known]
        if not missing and not answered:
            return known
        published = self._published.get(fetch, now, wait_s=budget.left(), answered=answered)
        return {**published, **known} if missing else known

    def _check_metadata(self, found: Mapping[str, Any], names: Sequence[str]) -> None:
        """That they are the issuer's (OIDC Discovery §4.3), and lead where the settings say: neither people nor codes
        go elsewhere (RFC 9700 §4.4). Raises LoginRefused.
        """
        if found.get("issuer") != self._settings.issuer:
            raise LoginRefused("upstream_error", "the metadata are another issuer's")
        for name in names:
            if not _is_address(url := found.get(name)):
                raise LoginRefused("upstream_error", f"the metadata have no sound {name}")
            if (origin := origin_of(str(url))) not in self._settings.all_origins:
                raise LoginRefused("upstream_error", f"{name}: {origin} is not one of origins")


@contextmanager
def _place_in(places: BoundedSemaphore) -> Iterator[None]:
    """Raises Unreachable."""
    if not places.acquire(blocking=False):
        raise Unreachable("too_slow", "too many wait for it")
    try:
        yield
    finally:
        places.release()


def _is_address(url: object) -> bool:
    try:
        return isinstance(url, str) and bool(parse(url))
    except Unreachable:
        return False
