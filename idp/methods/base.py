"""The contract of a login method (version 1).

A method is stateless: what it must remember between two requests it puts into `ctx.state`, which is stored as
JSON in the Interaction under a version check *before* its answer counts, so that of two guesses at once one is lost.
It proves an identity; which account that is, and what the account may do, is decided elsewhere.
"""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Protocol

from idp.domain.authn import Assurance, IdentityRef, Proof
from idp.domain.means import Person
from idp.domain.policy import Options
from idp.domain.practice import Practice
from idp.domain.texts import Text
from idp.domain.upstream_session import UpstreamLogin
from idp.methods.cards import Cards
from idp.methods.emergency import Emergency
from idp.methods.enrolled import Codes, Passkeys
from idp.methods.phones import Phones
from idp.settings import Settings

CONTRACT_VERSION = 1
IDENTITY_KINDS = frozenset({"login_name", "email", "rpps", "adeli", "employee"})


@dataclass(frozen=True, slots=True)
class Needs:
    """What an account must own to use a method: kinds of identity and credential.

    or_credential: another kind of credential, which will do as well.
    """

    identity: str | None = None
    credential: str | None = None
    or_credential: str | None = None

    @property
    def credentials(self) -> tuple[str, ...]:
        """The kinds of which one is needed; none where no credential is."""
        return tuple(kind for kind in (self.credential, self.or_credential) if kind)

    def missing(self, owned: frozenset[str]) -> bool:
        """`owned`: as `Accounts.owned` gives it."""
        if self.identity and f"identity:{self.identity}" not in owned:
            return True
        return bool(self.credentials) and not any(f"credential:{kind}" in owned for kind in self.credentials)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a method is asked to prove. Somebody unknown is a Subject too, and must be treated alike.

    key: names the person in counters. account_id is None for somebody unknown.
    email: the verified address, for the outbox only; pages show `masked_email`.
    """

    key: str
    login: str
    account_id: str | None = None
    email: str | None = field(default=None, repr=False)
    masked_email: str | None = None

    @property
    def identity(self) -> IdentityRef:
        return IdentityRef("login_name", self.login)


@dataclass(frozen=True, slots=True)
class Offer:
    """How a method stands on the login page. Texts are French; the catalogue has the English.

    inline: template of a form that stands on the login page itself, instead of a button.
    column: "main", or "federated" for « S'identifier avec ». logo_url: an image beside the label of a federated one.
    """

    label: str
    hint: str
    icon: str
    inline: str | None = None
    column: str = "main"
    logo_url: str | None = None


@dataclass(frozen=True, slots=True)
class Show:
    """Draw this template with these values.

    explains: the page itself says what was refused, and says it again when it is loaded anew.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    explains: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the browser elsewhere (an upstream provider), which sends it to `callback_url` with `callback_state`."""

    url: str


@dataclass(frozen=True, slots=True)
class Done:
    """The person was proven. person: what the means itself says of its holder, where it does.

    related: further national identities that it says are the same person's (an ADELI number beside the RPPS).
    upstream: the session elsewhere that it came of.
    practice: what it says of their profession and activities, None where that is none of its affair.
    """

    proof: Proof
    person: Person | None = None
    related: tuple[IdentityRef, ...] = ()
    upstream: UpstreamLogin | None = None
    practice: Practice | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """What was given does not do.

    code: names the sentence to show, of the method's `refusals`; final: forget the method's state, and begin again.
    guess: somebody guessed wrong: it is audited, and counted against the network.
    evidence: as of a Proof, for the audit of a guess.
    """

    code: str
    final: bool = False
    guess: bool = False
    evidence: Mapping[str, str] = field(default_factory=dict, repr=False)


Step = Show | Redirect | Done | Refused


class TooManyAttempts(Exception):
    """Raised by `Context.take_attempt`; `wait` says for how long."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"wait {wait}")
        self.wait = wait


class Outbox(Protocol):
    """Letters to a person, of this method: a limited number an hour across all browsers."""

    def send(self, kind: str, *, to: Subject, values: Mapping[str, str]) -> str | None:
        """The id of this sending; None when there were too many. Same work for an unknown subject.

        The letter is queued when the step's state is stored, and not without it; a step that is Done sends nothing.
        """

    def is_newest(self, to: Subject, sending: str) -> bool:
        """False when a later one was sent to the same person, whoever asked for it, and after 15 minutes."""


@dataclass(frozen=True, slots=True)
class PasswordMatch:
    """A password was right. anchor: "knowledge", or "mailbox" while nothing confirmed who set it."""

    credential_id: str
    anchor: str


class Passwords(Protocol):
    """Checks a password against the stored digest, in the same time for somebody who has none."""

    def check(self, subject: Subject, typed: str) -> PasswordMatch | None:
        """What the right password is; None if it is wrong."""


@dataclass
class Context:
    """What a method gets to see, for one request.

    subject: the person whom a first factor proved, or whom an earlier step named; None when nobody is named yet.
    expected: who is signed in here and must be proven again, where nobody else will do; that proves nothing of them.
    state: JSON values only, this method's own.
    find: a Subject for a typed login name or e-mail address; always answers.
    take_attempt: counts one try for this person and method; raises TooManyAttempts.
    mac: keyed digest of texts, bound to this Interaction.
    options: a value for each of the method's options, as the policy's entry has it or by default.
    max_age: how long ago the person may have signed in elsewhere; zero asks for a new login, None for nothing.
    callback_url, callback_state: `redirect_uri` and `state` of a Redirect. The address is always the same; the state
    is drawn for each request, and good once, for the last Redirect, in this browser.
    """

    now: datetime
    state: MutableMapping[str, Any]
    subject: Subject | None
    find: Callable[[str], Subject]
    take_attempt: Callable[[Subject], None]
    mac: Callable[..., str]
    outbox: Outbox
    passwords: Passwords
    cards: Cards
    codes: Codes
    passkeys: Passkeys
    phones: Phones
    emergency: Emergency
    expected: Subject | None = None
    service_name: str = ""
    login_hint: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    max_age: timedelta | None = None
    callback_url: str = ""
    callback_state: str = field(default="", repr=False)

    def too_soon(self, key: str, delay: timedelta) -> bool:
        """True if the instant in `state[key]` is less than `delay` ago."""
        return self.remaining(key, delay) > timedelta(0)

    def remaining(self, key: str, delay: timedelta) -> timedelta:
        """Time until `delay` has passed since the instant in `state[key]`; zero if it has."""
        if key not in self.state:
            return timedelta(0)
        return max(datetime.fromisoformat(self.state[key]) + delay - self.now, timedelta(0))


class Method(Protocol):
    """A way to sign in, found by an entry point of the group `idp.methods`. Derive from it, for the defaults.

    id: of the entry point. amr: the RFC 8176 values that its proofs may have. assurance: the most they claim.
    floor: the least they claim, where that depends on what is shown elsewhere; None where it is the same.
    can_be_first: the driver may run it as a first factor.
    per_browser: a browser in which the person signed in before has tries of its own, so that somebody else's failures
    do not delay the holder; False where tries are counted across all browsers.
    refusals: the French sentence for each code that it refuses with, `%(means)s` being its label; `not_linked` and
    `link_removed`, if there, are what the login page says of a national identity that signs nobody in, or does so no
    more; words for another refusal of the driver's (`idp.web.texts.REFUSALS`) stand instead of its own.
    codes: what support searches for, by the code of a refusal, of the driver's too.
    default_after: the first factor that an entry of a policy asks before it unless it says otherwise.
    only_after: the first factor that it never goes without, whatever a policy says.
    is_temporary: its proofs have `until`; it is no means of the account's, and what it opens changes nothing there.
    options: what an entry of a policy may set, by name. own_options: the values with which a fresh proof is asked for,
    and one before something is linked, where no policy says; a proof made without their conditions is none there.
    templates: the package whose folder `templates` has its pages and letters; None for ours.
    proves_national_identity: its proofs name an identity of `idp.domain.means.NATIONAL`, and sign in only an account
    that has a login link for it; `Done.person` says whose names stand on the card, or were given by the federation.
    is_federation: its proofs are another provider's word, and no login by means of the account's own.
    origins: where its Redirects lead, as `https://host[:port]`; no other is followed. Settings may add: `origins_in`.
    asks_workstation: the scripts of its pages talk to a helper on the person's own machine (`http://127.0.0.1:*`).
    asks_provider: they ask the provider itself, while the page stands.
    """

    id: str
    contract_version: int
    amr: frozenset[str]
    assurance: Assurance
    needs: Needs
    can_be_first: bool
    per_browser: bool
    offer: Offer
    refusals: Mapping[str, Text] = MappingProxyType({})
    codes: Mapping[str, str] = MappingProxyType({})
    floor: Assurance | None = None
    default_after: str | None = None
    only_after: str | None = None
    is_temporary: bool = False
    options: Options = MappingProxyType({})
    own_options: Mapping[str, Any] = MappingProxyType({})
    templates: str | None = None
    proves_national_identity: bool = False
    is_federation: bool = False
    origins: frozenset[str] = frozenset()
    asks_workstation: bool = False
    asks_provider: bool = False

    def origins_in(self, settings: Settings) -> frozenset[str]:  # noqa: ARG002
        """Where its Redirects lead in this provider."""
        return self.origins

    def needs_for(self, options: Mapping[str, Any]) -> Needs:  # noqa: ARG002
        """What an account must own to use it with these options of a policy's entry."""
        return self.needs

    def begin(self, ctx: Context) -> Step:
        """The person chose this method (a POST)."""

    def show(self, ctx: Context) -> Step:
        """Draw the current step again (a GET): must send and change nothing."""

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        """The person sent a form."""

    def callback(self, ctx: Context, query: Mapping[str, str]) -> Step:  # noqa: ARG002
        """The person came back from a Redirect with this query, its `state` checked; nothing else of it is."""
        return Refused("callback_unexpected")

    def trouble(self, now: datetime) -> Text | None:  # noqa: ARG002
        """What the login page says at its button while it may not work: it can be tried all the same. Asks nobody."""
        return None
