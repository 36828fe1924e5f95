"""Login method `passkey`."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.authn import Assurance
from idp.errors import JourneyError
from idp.methods.base import Done, Refused, Show, Step, Subject
from idp.methods.conformance import ANNE, FakeContext, MethodSuite, fake_context
from idp.methods.passkey import Passkey
from idp.methods.webauthn_step import LIFETIME
from tests.fakes.authenticator import Authenticator, b64, new_key, unb64

pytestmark = pytest.mark.embedded
METHOD = Passkey()
KARIM = Subject("account-karim", "karim.benali", "account-karim")


def context(authenticator: Authenticator, subject: Subject | None = None, whose: Subject = ANNE) -> FakeContext:
    """One in which this authenticator was registered."""
    ctx = fake_context(subject=subject)
    ctx.passkeys.records.append(authenticator.record(whose.account_id or "", whose.login))
    return ctx


def asked(ctx: FakeContext) -> tuple[str, str]:
    """Options and challenge of the page."""
    METHOD.begin(ctx)
    ctx.next_request()
    shown = METHOD.show(ctx)
    assert isinstance(shown, Show)
    return shown.values["options"], shown.values["challenge"]


def login(ctx: FakeContext, authenticator: Authenticator, **changes: Any) -> Step:
    options, challenge = asked(ctx)
    form = {"challenge": challenge, "credential": authenticator.get(options, **changes)}
    return METHOD.submit(ctx, form)


class TestPasskey(MethodSuite):
    """No name typed."""

    method = METHOD
    never_asks_who = True
    subject: Subject | None = None

    def context(self) -> FakeContext:
        self.key = Authenticator()
        return context(self.key, self.subject)

    def good_login(self, ctx: FakeContext) -> Step:
        options, challenge = asked(ctx)
        self.sent = {"challenge": challenge, "credential": self.key.get(options)}
        return self.method.submit(ctx, self.sent)

    def bad_login(self, ctx: FakeContext) -> Step:
        return login(ctx, replace(self.key, webauthn_id=b"unknown"))

    def again(self, ctx: FakeContext) -> Step:
        return self.method.submit(ctx, self.sent)

    def late_login(self, ctx: FakeContext) -> Step:
        options, challenge = asked(ctx)
        ctx.advance(minutes=5)
        return self.method.submit(ctx, {"challenge": challenge, "credential": self.key.get(options)})

    def secrets(self, ctx: FakeContext) -> list[str]:
        return [b64(self.key.public_key)]


class TestPasskeyAfterPassword(TestPasskey):
    subject = ANNE


# -- refusals ----------------------------------------------------------------------------

LIES: dict[str, dict[str, Any]] = {
    "another origin": {"origin": "https://idp.example.evil"},
    "another port": {"origin": "https://idp.example:8443"},
    "a subdomain": {"origin": "https://www.idp.example"},
    "without TLS": {"origin": "http://idp.example"},
    "another relying party": {"rp_id": "example"},
    "in a frame": {"is_framed": True},
    "nobody there": {"is_present": False},
    "nobody verified": {"verifies": False},
    "another user handle": {"user_handle": b"another"},
    "may be copied since": {"is_backup_eligible": True},
}


@pytest.mark.spec("WebAuthn Level 3 §7.2")
@pytest.mark.parametrize("subject", [None, ANNE], ids=["alone", "after a password"])
@pytest.mark.parametrize("lie", LIES)
def test_what_does_not_hold_is_refused(lie: str, subject: Subject | None) -> None:
    key = Authenticator()
    ctx = context(key, subject)
    assert login(ctx, replace(key, **LIES[lie])) == Refused("passkey_refused", guess=True)
    assert ctx.attempts == 1


def test_another_key_under_the_same_id_is_refused() -> None:
    key = Authenticator()
    other = replace(Authenticator(), webauthn_id=key.webauthn_id)
    assert login(context(key), other) == Refused("passkey_refused", guess=True)


def test_a_signature_of_another_challenge_is_refused() -> None:
    key = Authenticator()
    ctx = context(key)
    options, _ = asked(ctx)
    answer = key.get(json.dumps({**json.loads(options), "challenge": b64(b"another" * 5)}))
    assert METHOD.submit(ctx, {"credential": answer}) == Refused("passkey_refused", guess=True)


def test_a_registration_is_no_login() -> None:
    key = Authenticator()
    ctx = context(key)
    options, _ = asked(ctx)
    client_data = json.loads(unb64(json.loads(key.get(options))["response"]["clientDataJSON"]))
    created = b64(json.dumps({**client_data, "type": "webauthn.create"}).encode())
    assert login(ctx, key, clientDataJSON=created) == Refused("passkey_refused", guess=True)


def test_alone_the_key_must_name_its_holder() -> None:
    key = Authenticator()
    silent = replace(key, user_handle=None)
    assert login(context(key), silent) == Refused("passkey_refused", guess=True)
    assert isinstance(login(context(key, ANNE), silent), Done)
    for expected, is_done in ((ANNE, True), (KARIM, False)):
        ctx = context(key)
        ctx.expected = expected
        assert isinstance(login(ctx, silent), Done) is is_done


def test_somebody_elses_key_is_no_second_factor() -> None:
    key = Authenticator()
    assert login(context(key, ANNE, whose=KARIM), key) == Refused("passkey_refused", guess=True)


def test_a_counter_that_went_back_is_refused() -> None:
    key = Authenticator()
    ctx = context(key)
    ctx.passkeys.is_copied = True
    assert login(ctx, key) == Refused("passkey_copied", guess=True)


def test_a_challenge_dies_with_its_answer_be_it_wrong() -> None:
    key = Authenticator()
    ctx = context(key)
    options, challenge = asked(ctx)
    METHOD.submit(ctx, {"challenge": challenge, "credential": "nonsense"})
    good = {"challenge": challenge, "credential": key.get(options)}
    assert METHOD.submit(ctx, good) == Refused("challenge_expired")
    assert METHOD.submit(ctx, {"credential": good["credential"]}) == Refused("passkey_refused", guess=True)


def test_of_two_answers_to_one_challenge_the_second_moves_no_counter() -> None:
    """Two requests that read the same state."""
    key = Authenticator()
    ctx = context(key)
    options, challenge = asked(ctx)
    form, before = {"challenge": challenge, "credential": key.get(options)}, dict(ctx.state)
    assert isinstance(METHOD.submit(ctx, form), Done)
    ctx.state, ctx.passkeys.is_copied = before, True
    with pytest.raises(JourneyError):
        METHOD.submit(ctx, form)


@pytest.mark.parametrize(
    ("subject", "whose"), [(None, ANNE), (ANNE, ANNE), (KARIM, KARIM)], ids=["alone", "hers", "somebody else's"]
)
def test_tries_are_counted_for_the_login_and_told_of_whom_it_is(subject: Subject | None, whose: Subject) -> None:
    key = Authenticator()
    ctx = context(key, subject)
    tried: list[Subject] = []
    ctx.take_attempt = tried.append
    assert login(ctx, replace(key, key=new_key())) == Refused("passkey_refused", guess=True)
    assert login(ctx, replace(key, webauthn_id=b"unknown")) == Refused("passkey_refused", guess=True)
    assert [each.account_id for each in tried] == [whose.account_id, subject.account_id if subject else None]
    assert all(each.key.startswith("login:mac:") for each in tried)


def test_an_expired_challenge_is_nobodys_guess() -> None:
    key = Authenticator()
    ctx = context(key)
    options, challenge = asked(ctx)
    ctx.advance(seconds=LIFETIME / timedelta(seconds=1))
    assert METHOD.show(ctx) == Show("methods/passkey/page.html", {"options": None, "challenge": None})
    form = {"challenge": challenge, "credential": key.get(options)}
    assert METHOD.submit(ctx, form) == Refused("challenge_expired")
    assert ctx.attempts == 0


def test_nothing_presented_is_no_try() -> None:
    ctx = context(Authenticator())
    asked(ctx)
    assert METHOD.submit(ctx, {"credential": ""}) == Refused("passkey_missing")
    assert ctx.attempts == 0


MALFORMED = [
    "{", "null", "[]", "1", '"x"', "[" * 16000, "x" * 20000, "{}", '{"id": 1}',
    '{"id": "AA", "rawId": "AA", "type": "public-key"}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}',
    '{"id": "\\ud800", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "", "authenticatorData": "",'
    ' "signature": ""}}',
]  # fmt: skip


@pytest.mark.parametrize("typed", MALFORMED, ids=range(len(MALFORMED)))
def test_what_no_browser_sends_is_refused(typed: str) -> None:
    ctx = context(Authenticator())
    _, challenge = asked(ctx)
    assert METHOD.submit(ctx, {"challenge": challenge, "credential": typed}) == Refused("passkey_refused", guess=True)


PARTS = ("clientDataJSON", "authenticatorData", "signature", "userHandle")
WRONG: tuple[object, ...] = (
    "",
    "AA",
    "é",
    "!",
    b64(b"null"),
    b64(b"[]"),
    b64(b'{"type": {}}'),
    b64(bytes(200)),
    None,
    7,
    [],
    {},
)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
def test_a_part_that_is_nonsense_is_refused(part: str, wrong: object) -> None:
    key = Authenticator()
    assert login(context(key), key, **{part: wrong}) == Refused("passkey_refused", guess=True)


# -- what a proof says -------------------------------------------------------------------


@pytest.mark.spec("RFC 8176 §2")
@pytest.mark.parametrize("subject", [None, ANNE], ids=["alone", "after a password"])
@pytest.mark.parametrize(("synced", "kind"), [(False, "hwk"), (True, "swk")])
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_a_proof_says_what_is_known(subject: Subject | None, synced: bool, kind: str, algorithm: str) -> None:
    key = Authenticator(is_backup_eligible=synced, key=new_key(algorithm))
    step = login(context(key, subject), key)
    assert isinstance(step, Done)
    assert (step.proof.amr, step.proof.assurance) == ((kind, "user", "mfa"), Assurance.MEDIUM)
    assert (step.proof.anchor, step.proof.credentials) == ("passkey", ("her passkey",))
    assert step.proof.identity.value == "anne.pierre"


def test_the_browser_is_told_what_to_ask_for() -> None:
    key = Authenticator()
    alone, second = (json.loads(asked(context(key, subject))[0]) for subject in (None, ANNE))
    assert (alone["rpId"], alone["userVerification"], alone["allowCredentials"]) == ("idp.example", "required", [])
    assert second["userVerification"] == "required"
    assert [each["id"] for each in second["allowCredentials"]] == [b64(key.webauthn_id)]
    assert len(unb64(alone["challenge"])) == 32
    assert alone["challenge"] != second["challenge"]
    assert alone["timeout"] == 300_000
