"""A Context for tests of methods: part of the exported suite, `idp.methods.conformance`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from idp.domain.authn import IdentityRef
from idp.domain.enrolled import CredentialRecord, RelyingParty
from idp.domain.phone_request import LIFETIME, Approval, State
from idp.errors import JourneyError
from idp.methods.base import Context, PasswordMatch, Subject, TooManyAttempts
from idp.methods.emergency import Spent
from idp.methods.enrolled import CodesBlocked
from idp.methods.phones import Opened, Seen
from idp.pki import CardHolder, CardRefused

START = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
SECRET_OF_ANNE = "une phrase que personne ne devine"
PARTY = RelyingParty("idp.example", "https://idp.example")
HER_CARD = CardHolder(
    identity=IdentityRef("rpps", "10101234564"),
    national_id="810101234564",
    given_name="ANNE",
    family_name="PIERRE",
    title="Médecin",
    card_type=0,
    card_number="8025000001/2800000001",
    profession=10,
    is_test=False,
    is_nominative=True,
    serial="0f",
    issuer="AC DEMO ELEMENTAIRE PERSONNES",
    fingerprint="0" * 64,
    not_after=START + timedelta(days=365),
)


@dataclass
class FakeOutbox:
    """Keeps what is sent; the real one drops letters to somebody unknown later.

    most: letters that it takes. is_overtaken: somebody else is always sent another letter a moment later.
    """

    letters: list[tuple[str, Subject, dict[str, str]]] = field(default_factory=list)
    newest: dict[str, str] = field(default_factory=dict)
    most: int = 5
    is_overtaken: bool = False

    def send(self, kind: str, *, to: Subject, values: Mapping[str, str]) -> str | None:
        if len(self.letters) >= self.most:
            return None
        self.letters.append((kind, to, dict(values)))
        sending = f"sending {len(self.letters)}"
        self.newest[to.key] = "another" if self.is_overtaken else sending
        return sending

    def is_newest(self, to: Subject, sending: str) -> bool:
        return self.newest.get(to.key) == sending

    @property
    def last(self) -> dict[str, str]:
        return self.letters[-1][2]


@dataclass
class FakePasswords:
    """One password, of one person."""

    anchor: str = "knowledge"

    def check(self, subject: Subject, typed: str) -> PasswordMatch | None:
        return PasswordMatch("her password", self.anchor) if subject.account_id and typed == SECRET_OF_ANNE else None


@dataclass
class FakeCards:
    """One card, ANNE PIERRE's. `signed` makes what it signs, `ticket` what the browser's dialog brings back.

    refuses_with: what is wrong with it, if anything. shows_holder: the refusal says whose it is.
    """

    ports: tuple[int, int] = (35810, 35849)
    help_url: str | None = None
    has_dialog: bool = False
    refuses_with: str | None = None
    shows_holder: bool = False

    @staticmethod
    def signed(nonce: str) -> str:
        return f"signed by the card: {nonce}"

    @staticmethod
    def ticket(nonce: str, certificate: str = "her certificate") -> str:
        return f"{nonce} {certificate}"

    def dialog_url(self, nonce: str) -> str:
        return f"https://cps.idp.example/carte/{nonce}"

    def opened(self, ticket: str, nonce: str) -> bytes | None:
        """An empty certificate is none."""
        found, space, certificate = ticket.partition(" ")
        if not space:
            raise CardRefused("ticket_malformed")
        if found != nonce:
            raise CardRefused("ticket_expired")
        return certificate.encode() or None

    def authenticate(self, token: str, nonce: str) -> CardHolder:
        if token != self.signed(nonce):
            raise CardRefused("signature_wrong")
        return self.holder(b"her certificate")

    def holder(self, certificate: bytes) -> CardHolder:
        if certificate != b"her certificate":
            raise CardRefused("unknown_authority")
        if self.refuses_with:
            raise CardRefused(self.refuses_with, holder=HER_CARD if self.shows_holder else None)
        return HER_CARD


@dataclass
class FakeCodes:
    """One authenticator application, of one person, which shows one code. is_blocked: whatever is typed."""

    shown: str = "287082"
    is_spent: bool = False
    is_blocked: bool = False

    def check(self, subject: Subject, typed: str) -> str | None:
        if self.is_blocked:
            raise CodesBlocked
        if not subject.account_id or typed != self.shown or self.is_spent:
            return None
        self.is_spent = True
        return "her application"


@dataclass
class FakePasskeys:
    """Those that a test registers. is_copied: their counters go back. spent: challenges that were answered."""

    records: list[CredentialRecord] = field(default_factory=list)
    party: RelyingParty = PARTY
    is_copied: bool = False
    spent: set[bytes] = field(default_factory=set)

    def of(self, subject: Subject) -> list[CredentialRecord]:
        return [each for each in self.records if each.account_id == subject.account_id]

    def find(self, webauthn_id: bytes) -> CredentialRecord | None:
        return next((each for each in self.records if each.webauthn_id == webauthn_id), None)

    def spend(self, challenge: bytes) -> None:
        if challenge in self.spent:
            raise JourneyError("interaction_busy", status=409)
        self.spent.add(challenge)

    def count(self, record: CredentialRecord, sign_count: int) -> bool:
        return not self.is_copied


@dataclass
class FakeEmergency:
    """One emergency code, of one person, good for an hour from START."""

    code: str = "BCDFGHJKLMNPQRST"
    is_spent: bool = False

    def spend(self, subject: Subject, code: str) -> Spent | None:
        if not subject.account_id or code != self.code or self.is_spent:
            return None
        self.is_spent = True
        return Spent("her code", START + timedelta(hours=1))


@dataclass
class FakePhones:
    """Requests of one login, which the test's phone approves or refuses. now: as the context has it.

    same_network: what the last one was opened with.
    """

    now: Callable[[], datetime] = field(default=lambda: START, repr=False)
    requests: dict[str, tuple[State, datetime, Approval | None]] = field(default_factory=dict)
    same_network: bool = False
    number: str = "47"
    address: str = "idp.example/qr"

    def open(self, *, same_network: bool) -> Opened:
        self.same_network = same_network
        opened = Opened(f"request {len(self.requests)}", "BCDFGHJK")
        self.requests[opened.id] = (State.PENDING, self.now(), None)
        return opened

    def look(self, request_id: str) -> Seen:
        if request_id not in self.requests:
            return Seen(State.EXPIRED)
        state, opened_at, _ = self.requests[request_id]
        left = opened_at + LIFETIME - self.now()
        if state in (State.PENDING, State.SCANNED) and left <= timedelta(0):
            return Seen(State.EXPIRED)
        return Seen(state, self.number if state is State.SCANNED else None, left)

    def take(self, request_id: str) -> Approval | None:
        if self.look(request_id).state is not State.APPROVED:
            return None
        return self.requests.pop(request_id)[2]

    def drop(self, request_id: str) -> None:
        self.requests.pop(request_id, None)

    def becomes(self, state: State, by: Approval | None = None) -> None:
        """What the phone makes of the newest request, if it has not expired."""
        newest = list(self.requests)[-1]
        if self.look(newest).state is not State.EXPIRED:
            self.requests[newest] = (state, self.requests[newest][1], by)


ANNE = Subject("account-anne", "anne.pierre", "account-anne", "anne@chu.example", "a•••@chu.example")


class FakeContext(Context):
    """A Context whose clock the test drives and whose counters it can read."""

    outbox: FakeOutbox
    cards: FakeCards
    codes: FakeCodes
    passkeys: FakePasskeys
    phones: FakePhones
    emergency: FakeEmergency
    attempts: int = 0
    most_attempts: int = 25

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def next_request(self) -> None:
        """State goes through JSON, as it does between two requests."""
        self.state = json.loads(json.dumps(self.state))


def fake_context(
    *, subject: Subject | None = None, anchor: str = "knowledge", options: Mapping[str, Any] | None = None
) -> FakeContext:
    """A context in which anne.pierre exists and nobody else does; the suite adds the options' defaults."""

    def find(login: str) -> Subject:
        known = login in {ANNE.login, ANNE.email}
        return ANNE if known else Subject(f"unknown-{login}", login)

    def take_attempt(_subject: Subject) -> None:
        if ctx.attempts >= ctx.most_attempts:
            raise TooManyAttempts(timedelta(seconds=65))
        ctx.attempts += 1

    ctx = FakeContext(
        now=START,
        state={},
        subject=subject,
        find=find,
        take_attempt=take_attempt,
        mac=lambda *parts: "mac:" + str(hash(("interaction", *parts))),
        outbox=FakeOutbox(),
        passwords=FakePasswords(anchor),
        cards=FakeCards(),
        codes=FakeCodes(),
        passkeys=FakePasskeys(),
        phones=FakePhones(lambda: ctx.now),
        emergency=FakeEmergency(),
        service_name="ROR Nouvelle-Aquitaine",
        options=options or {},
        callback_url="https://idp.example/login/callback/method",
        callback_state="a state",
    )
    return ctx
