"""A Context for tests of methods: part of the exported suite, `idp.methods.conformance`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from idp.domain.authn import IdentityRef
from idp.methods.base import Context, PasswordMatch, Subject, TooManyAttempts
from idp.pki import CardHolder, CardRefused

START = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
SECRET_OF_ANNE = "une phrase que personne ne devine"
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


ANNE = Subject("account-anne", "anne.pierre", "account-anne", "anne@chu.example", "a•••@chu.example")


class FakeContext(Context):
    """A Context whose clock the test drives and whose counters it can read."""

    outbox: FakeOutbox
    cards: FakeCards
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
        service_name="ROR Nouvelle-Aquitaine",
        options=options or {},
        callback_url="https://idp.example/login/callback/method",
        callback_state="a state",
    )
    return ctx
