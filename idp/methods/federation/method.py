"""« S'identifier avec … »: the person signs in at another OpenID provider, which says who they are.

One class for all of them; what differs between two is in the settings (`upstreams`).
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import structlog

from idp.domain.authn import Assurance, Proof
from idp.domain.policy import Option
from idp.domain.texts import Text
from idp.methods.base import (
    CONTRACT_VERSION,
    Context,
    Done,
    Method,
    Needs,
    Offer,
    Redirect,
    Refused,
    Show,
    Step,
    Subject,
)
from idp.methods.federation.away import Away, Returned
from idp.methods.federation.claims import Identified
from idp.methods.federation.faults import LoginRefused
from idp.methods.federation.logout_tokens import LoggedOut
from idp.methods.federation.sentences import DOES_NOT_ANSWER, HINTS, REFUSALS
from idp.methods.federation.upstream import Connection
from idp.outgoing import Unreachable
from idp.settings.upstreams import REGISTERED_AMR, Upstream

CODE: Final = re.compile(r"[!-~]{1,1024}")  # RFC 6749 §A.11, and how long one may be
ERROR: Final = re.compile(r"[a-z_]{1,64}")
AWAY: Final = "away"  # where the state keeps what the answer is checked by
# What nobody brings back who was sent there by us: audited, and counted against the network. What the upstream says
# to us without the browser, and what its answer leaves out, is nobody's attack.
GUESSES: Final = frozenset({"iss_wrong", "answer_malformed", "code_refused", "nonce_wrong"})


class Federation(Method):
    """connection: None for a command that signs nobody in."""

    contract_version = CONTRACT_VERSION
    amr = REGISTERED_AMR
    needs = Needs()  # the account comes of the national identity; the login link is asked for by the driver
    can_be_first = False
    per_browser = False
    proves_national_identity = True
    is_federation = True
    refusals = REFUSALS
    options = MappingProxyType({"requires_prior_login": Option("no", ("no", "yes"))})

    def __init__(self, name: str, settings: Upstream, connection: Connection | None) -> None:
        self.id = name
        self._settings, self._connection = settings, connection
        levels = (settings.otherwise, *settings.modes.values())
        self.assurance = max(Assurance[each.assurance] for each in levels)
        self.floor = min(Assurance[each.assurance] for each in levels)
        hint = settings.hint or HINTS.get(settings.preset or "", "")
        self.offer = Offer(settings.label, hint, "shield", column="federated", logo_url=settings.logo_url)
        self.origins = settings.all_origins

    def begin(self, ctx: Context) -> Step:
        away = Away.since(ctx.now, ctx.max_age)
        values = {"redirect_uri": ctx.callback_url, "state": ctx.callback_state, "nonce": away.nonce}
        try:
            url = self._connected.authorization_url(
                ctx.now, code_verifier=away.verifier, **values, **_fresh(away.max_age)
            )
        except (Unreachable, LoginRefused) as refusal:
            return self._refused(refusal)
        ctx.state[AWAY] = away.to_json()
        return Redirect(url)

    def show(self, ctx: Context) -> Step:  # noqa: ARG002 - the same for everybody
        return Show("methods/federation/away.html", {"label": self.offer.label})

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:  # noqa: ARG002 - nothing is typed here
        return self.begin(ctx)

    def callback(self, ctx: Context, query: Mapping[str, str]) -> Step:
        kept = ctx.state.pop(AWAY, None)  # spent, whatever comes of it
        away = Away.from_json(kept) if kept else None
        if away is None or away.is_over(ctx.now):
            return Refused("stale")
        ctx.take_attempt(self._this_login(ctx))
        try:
            self._check_issuer(query.get("iss"))
            if "error" in query:
                return self._declined(query["error"])
            if not CODE.fullmatch(query.get("code", "")):
                raise LoginRefused("answer_malformed", "no code")
            identified = self._connected.complete(Returned(query["code"], ctx.callback_url, away), ctx.now)
        except (Unreachable, LoginRefused) as refusal:
            return self._refused(refusal)
        return Done(
            self._proof(identified),
            identified.person,
            identified.related,
            practice=identified.practice,
            upstream=identified.upstream,
        )

    def leave_url(self, now: datetime, *, hint: str, back: str, state: str) -> str | None:
        """Where people are sent to leave the upstream too; None where that cannot be known now."""
        try:
            return self._connected.leave_url(now, hint=hint, back=back, state=state)
        except (Unreachable, LoginRefused) as refusal:
            structlog.get_logger().warning("an upstream cannot be left", upstream=self.id, cause=str(refusal))
            return None

    @property
    def hears_logout(self) -> bool:
        """Whether the upstream may tell of sessions that ended there."""
        return self._settings.backchannel_logout

    def logged_out(self, token: str, now: datetime) -> LoggedOut:
        """What a logout token says. Raises Unreachable, LoginRefused."""
        return self._connected.logged_out(token, now)

    def trouble(self, now: datetime) -> Text | None:
        return DOES_NOT_ANSWER if self._connection and self._connection.is_failing(now) else None

    @property
    def _connected(self) -> Connection:
        if self._connection is None:
            raise Unreachable("no_answer", "this process does not call upstreams")
        return self._connection

    def _check_issuer(self, said: str | None) -> None:
        """RFC 9207 §2.4. Raises LoginRefused."""
        if said is None and self._settings.iss_required:
            raise LoginRefused("iss_missing", "the answer does not name its issuer")
        if said not in {None, self._settings.issuer}:
            raise LoginRefused("iss_wrong", "the answer names another issuer")

    def _proof(self, identified: Identified) -> Proof:
        return Proof(
            method=self.id,
            identity=identified.identity,
            assurance=identified.assurance,
            amr=identified.amr,
            at=identified.at,
            anchor=self.id,
            evidence=identified.evidence,
        )

    def _declined(self, error: str) -> Step:
        """RFC 6749 §4.1.2.1: the person gave up there, or the upstream could not go on. Raises LoginRefused."""
        if error == "access_denied":
            return Refused("declined")
        raise LoginRefused("upstream_error", error if ERROR.fullmatch(error) else "an error without a name")

    def _refused(self, refusal: Unreachable | LoginRefused) -> Refused:
        timed_out = isinstance(refusal, Unreachable) and refusal.reason == "too_slow"
        code = refusal.code if isinstance(refusal, LoginRefused) else "slow" if timed_out else "down"
        structlog.get_logger().warning("login at an upstream refused", upstream=self.id, cause=str(refusal))
        shown = {"upstream": self._settings.issuer, "cause": str(refusal)}
        return Refused(code, guess=code in GUESSES, evidence=shown)

    def _this_login(self, ctx: Context) -> Subject:
        """Tries are counted for this login: nobody is named yet, and what comes back cannot be guessed."""
        return Subject(key=f"login:{ctx.mac(self.id)}", login="")


def _fresh(max_age: timedelta | None) -> dict[str, str]:
    """OIDC Core §3.1.2.1. A new login is asked for by `prompt`, which says it in words."""
    if max_age is None:
        return {}
    return {"max_age": str(int(max_age.total_seconds()))} if max_age else {"prompt": "login", "max_age": "0"}
