"""A WebAuthn ceremony in a login: a challenge, what the browser is asked, and whose key answered.

For methods: `begin` draws; `show` puts what is `asked` into the page; `submit` hands the form to `answered`, and makes
a proof of whose key it was. Of `ctx.state` it uses `challenge` and `drawn_at`.
"""

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

import structlog

from idp.ceremonies import CHALLENGE_BYTES, Answer, PasskeyRefused, read_answer, request_options, verify_assertion
from idp.domain.authn import Assurance, IdentityRef, Proof
from idp.domain.enrolled import PASSKEY, CredentialRecord
from idp.domain.texts import N_, Text
from idp.methods.base import Context, Refused, Subject

LIFETIME = timedelta(minutes=5)  # of a challenge
AMR = frozenset({"hwk", "swk", "user", "mfa"})
REFUSALS: Mapping[str, Text] = MappingProxyType(
    {
        "passkey_missing": N_("Aucune clé d'accès n'a été présentée. Réessayez."),
        "challenge_expired": N_("Cette demande a expiré. Réessayez."),
        "passkey_refused": N_("Cette clé d'accès n'est pas reconnue. Essayez-en une autre."),
        "passkey_copied": N_(
            "Cette clé d'accès est refusée : elle a peut-être été copiée. L'assistance est prévenue : "
            "contactez-la, et choisissez un autre mode."
        ),
    }
)


def draw(ctx: Context) -> None:
    """A new challenge, of this login; the one before is spent."""
    challenge = base64.b64encode(secrets.token_bytes(CHALLENGE_BYTES)).decode()
    ctx.state.update(challenge=challenge, drawn_at=ctx.now.isoformat())


def asked(ctx: Context, hints: Sequence[str] = ()) -> dict[str, str | None]:
    """The values `options` (JSON for the browser) and `challenge` of a page; None in both if the challenge has expired.

    hints: as `idp.ceremonies.request_options` has them.
    """
    left = ctx.remaining("drawn_at", LIFETIME)
    if left <= timedelta(0):
        return {"options": None, "challenge": None}
    whose = ctx.subject or ctx.expected
    options = request_options(
        ctx.passkeys.party,
        base64.b64decode(ctx.state["challenge"]),
        allowed=ctx.passkeys.of(whose) if whose else (),
        hints=hints,
        timeout_ms=left // timedelta(milliseconds=1),
    )
    return {"options": options, "challenge": ctx.state["challenge"]}


def answered(ctx: Context, form: Mapping[str, str]) -> CredentialRecord | Refused:
    """Whose passkey signed the challenge, its user verified; or one of REFUSALS, and another challenge is drawn."""
    challenge, is_alive = ctx.state.get("challenge"), ctx.remaining("drawn_at", LIFETIME) > timedelta(0)
    draw(ctx)  # whatever comes of it, what was signed is spent
    if not form.get("credential"):
        return Refused("passkey_missing")
    # The page says which challenge it had signed. That proves nothing: it tells an old tab from a forged answer.
    if challenge is None or not is_alive or form.get("challenge", challenge) != challenge:
        return Refused("challenge_expired")
    signed = base64.b64decode(challenge)
    ctx.passkeys.spend(signed)  # before the counter moves: nobody's key is called copied for an answer sent twice
    try:
        answer = read_answer(form["credential"])
    except PasskeyRefused as refusal:
        ctx.take_attempt(_try(ctx, None))
        return _refused(refusal)
    record = ctx.passkeys.find(answer.webauthn_id)
    ctx.take_attempt(_try(ctx, record))
    try:
        known, sign_count = _verified(ctx, signed, answer, record)
    except PasskeyRefused as refusal:
        return _refused(refusal)
    if not ctx.passkeys.count(known, sign_count):
        return Refused("passkey_copied", guess=True)
    del ctx.state["challenge"], ctx.state["drawn_at"]
    return known


def proof(ctx: Context, method_id: str, record: CredentialRecord) -> Proof:
    """What such an answer proves: two factors, MEDIUM, and no more without attestation.

    amr (RFC 8176 §2) says what is known without it: `hwk` for a key that says that it stays on its device, `swk` for
    one that may be copied to others; `user` that somebody was there; `mfa` that the key verified them.
    """
    return Proof(
        method=method_id,
        identity=IdentityRef("login_name", record.login_name),
        assurance=Assurance.MEDIUM,
        amr=("swk" if record.is_backup_eligible else "hwk", "user", "mfa"),
        at=ctx.now,
        anchor=PASSKEY,
        credentials=(record.credential_id,),
    )


def _verified(
    ctx: Context, challenge: bytes, answer: Answer, record: CredentialRecord | None
) -> tuple[CredentialRecord, int]:
    """The key that signed, and its counter. Raises PasskeyRefused, for another person's key too."""
    if record is None or (ctx.subject and ctx.subject.account_id != record.account_id):
        raise PasskeyRefused("unknown, or another's")
    whose, party = ctx.subject or ctx.expected, ctx.passkeys.party
    is_named = whose is not None and whose.account_id == record.account_id
    return record, verify_assertion(party, challenge, answer, record, is_named=is_named)


def _try(ctx: Context, record: CredentialRecord | None) -> Subject:
    """A signature cannot be guessed: tries are counted for this login, so that nobody's keep a holder out. The audit
    has who was named, or else whose key it says it is.
    """
    account_id = ctx.subject.account_id if ctx.subject else record.account_id if record else None
    return Subject(key=f"login:{ctx.mac(PASSKEY)}", login="", account_id=account_id)


def _refused(refusal: PasskeyRefused) -> Refused:
    structlog.get_logger().info("passkey refused", cause=str(refusal))
    return Refused("passkey_refused", guess=True)
