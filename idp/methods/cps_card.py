"""« Carte CPS »: a health professional's card, by one of two channels (amr sc, pin: RFC 8176 §2).

A helper on their own workstation has the card sign a nonce of this login, together with the origin of the page, in the
format Web eID 1.0. Or the browser's own dialog asks for a certificate, and the card signs the handshake of TLS: what
comes back is a ticket for that nonce. The PIN stays on the workstation. Nothing of the form is believed but what the
card signed, or we sealed.
"""

import base64
import secrets
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from idp.domain.authn import Assurance, Proof
from idp.domain.means import Person
from idp.domain.practice import Practice
from idp.domain.professions import TRE_G15
from idp.domain.texts import N_
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
from idp.methods.card_causes import OF_THE_ACCOUNT, REFUSED
from idp.methods.reader_causes import AFTER_A_TRY, AT_THE_READER
from idp.pki import CardHolder, CardRefused
from idp.settings import Settings

LIFETIME = timedelta(minutes=5)  # of a nonce: insert the card, read the number, type the PIN
NONCE_BYTES = 32
MAX_TOKEN = 16 * 1024  # characters: a certificate of a card and a signature are under 4096
# What no reader and no card of a professional makes, and a card that was declared lost: audited, and counted against
# the network. An expired card, a signature certificate, a test card or a revocation list of ours that is too old are
# nobody's attack: their holder is told what to do, and a hospital of many is not slowed down for them.
GUESSES = frozenset(
    {"token_malformed", "ticket_malformed", "signature_wrong", "certificate_malformed", "unknown_authority", "revoked"}
)


class CpsCard(Method):
    """Two factors in one: the card, and its PIN. HIGH."""

    id = "cps_card"
    contract_version = CONTRACT_VERSION
    amr = frozenset({"sc", "pin", "mfa", "hwk"})
    assurance = Assurance.HIGH
    needs = Needs()  # the account comes of the card; the login link is asked for by the driver
    can_be_first = False
    per_browser = False
    offer = Offer(label=N_("Carte CPS"), hint=N_("nécessite votre lecteur de carte"), icon="card")
    proves_national_identity = True
    asks_workstation = True
    refusals = MappingProxyType(
        {name: cause.happened for name, cause in REFUSED.items()}
        | {name: account.words for name, account in OF_THE_ACCOUNT.items() if account.words}
    )
    codes = MappingProxyType(
        {name: cause.code for name, cause in REFUSED.items()}
        | {name: account.code for name, account in OF_THE_ACCOUNT.items()}
    )

    def origins_in(self, settings: Settings) -> frozenset[str]:
        return frozenset({settings.card.dialog_url} if settings.card.dialog_url else ())

    def begin(self, ctx: Context) -> Step:
        _draw(ctx)
        return self.show(ctx)

    def show(self, ctx: Context) -> Step:
        """The page of a refusal stays until the person tries again."""
        if cause := REFUSED.get(ctx.state.get("cause", "")):
            return Show("methods/cps_card/refused.html", {"cause": cause}, explains=True)
        left = ctx.remaining("drawn_at", LIFETIME)
        values = {
            "nonce": ctx.state.get("nonce"),
            "number": ctx.state.get("number"),
            "left_s": left // timedelta(seconds=1),
            "ports": ctx.cards.ports,
            "help_url": ctx.cards.help_url,
            "has_dialog": ctx.cards.has_dialog,
            "at_the_reader": AT_THE_READER,
            "after_a_try": AFTER_A_TRY,
        }
        return Show("methods/cps_card/card.html", values)

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        step = self._check(ctx, form)
        if isinstance(step, Refused):
            ctx.state["cause"] = step.code
        return step

    def _check(self, ctx: Context, form: Mapping[str, str]) -> Step:
        nonce, is_alive = ctx.state.get("nonce"), ctx.remaining("drawn_at", LIFETIME) > timedelta(0)
        _draw(ctx)  # whatever comes of it, what was signed is spent
        if form.get("dialog"):
            return Redirect(ctx.cards.dialog_url(ctx.state["nonce"])) if ctx.cards.has_dialog else self.show(ctx)
        token, ticket = form.get("token", ""), form.get("ticket", "")
        if not token and not ticket:
            return Refused("token_missing")
        # The page says which nonce it had signed. That proves nothing: it only tells an old tab from a false token.
        if nonce is None or not is_alive or form.get("nonce", nonce) != nonce:
            return Refused("challenge_expired")
        channel = "reader" if token else "dialog"
        try:
            holder = _by_reader(ctx, token, nonce) if token else _by_dialog(ctx, ticket, nonce)
        except CardRefused as refusal:
            shown = _evidence(refusal.holder, channel) if refusal.holder else {}
            return Refused(refusal.code, guess=refusal.code in GUESSES, evidence=shown)
        ctx.state.clear()
        names = Person(holder.given_name, holder.family_name)
        return Done(self._proof(ctx, holder, channel), names, practice=_practice(holder))

    def _proof(self, ctx: Context, holder: CardHolder, channel: str) -> Proof:
        return Proof(
            method=self.id,
            identity=holder.identity,
            assurance=self.assurance,
            amr=("sc", "pin", "mfa", "hwk"),
            at=ctx.now,
            anchor="card",
            evidence=_evidence(holder, channel),
        )


def _by_reader(ctx: Context, token: str, nonce: str) -> CardHolder:
    """Whose card signed. Raises CardRefused."""
    ctx.take_attempt(_nobody(ctx))
    if len(token) > MAX_TOKEN:
        raise CardRefused("token_malformed")
    return ctx.cards.authenticate(token, nonce)


def _by_dialog(ctx: Context, ticket: str, nonce: str) -> CardHolder:
    """Whose certificate was chosen. Raises CardRefused. A dialog that was closed without a choice is no try."""
    try:
        if len(ticket) > MAX_TOKEN:
            raise CardRefused("ticket_malformed")
        certificate = ctx.cards.opened(ticket, nonce)
    except CardRefused:
        ctx.take_attempt(_nobody(ctx))
        raise
    if certificate is None:
        raise CardRefused("no_certificate")
    ctx.take_attempt(_nobody(ctx))
    return ctx.cards.holder(certificate)


def _evidence(holder: CardHolder, channel: str) -> dict[str, str]:
    return {"certificate": holder.serial, "issuer": holder.issuer, "channel": channel}


def _practice(holder: CardHolder) -> Practice:
    """The certificate knows the profession, and no speciality, structure or activity."""
    return Practice({"SubjectRole": [f"{holder.profession}^{TRE_G15}"]} if holder.profession else {})


def _draw(ctx: Context) -> None:
    """A nonce for the card, and a number that the person compares on the page and in the window of the reader."""
    nonce = base64.b64encode(secrets.token_bytes(NONCE_BYTES)).decode()
    ctx.state.pop("cause", None)
    ctx.state.update(nonce=nonce, number=str(secrets.randbelow(90) + 10), drawn_at=ctx.now.isoformat())


def _nobody(ctx: Context) -> Subject:
    """Tries are counted for this login: counted for a card or a person, its holder could be kept out by a certificate
    that is no secret, or by a password alone, while a signature cannot be guessed anyway.
    """
    return Subject(key=f"login:{ctx.mac(CpsCard.id)}", login="")
