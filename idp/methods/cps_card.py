"""« Carte CPS »: a health professional's card, read by a helper on their own workstation (amr sc, pin: RFC 8176 §2).

The card signs a nonce of this login, together with the origin of the page, in the format Web eID 1.0; the PIN stays on
the workstation. Nothing of the form is believed but what the card signed.
"""

import base64
import secrets
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from idp.domain.authn import Assurance, Proof
from idp.domain.means import Person
from idp.domain.texts import N_
from idp.methods.base import CONTRACT_VERSION, Context, Done, Method, Needs, Offer, Refused, Show, Step, Subject
from idp.pki import CardHolder, CardRefused

LIFETIME = timedelta(minutes=5)  # of a nonce: insert the card, read the number, type the PIN
NONCE_BYTES = 32
MAX_TOKEN = 16 * 1024  # characters: a certificate of a card and a signature are under 4096
# What no reader and no card of a professional makes, and a card that was declared lost: audited, and counted against
# the network. An expired card, a signature certificate, a test card or a revocation list of ours that is too old are
# nobody's attack: their holder is told what to do, and a hospital of many is not slowed down for them.
GUESSES = frozenset({"token_malformed", "signature_wrong", "certificate_malformed", "unknown_authority", "revoked"})


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
        {
            "token_missing": N_("La carte n'a rien signé. Appuyez à nouveau sur « Se connecter avec ma carte »."),
            "challenge_expired": N_(
                "Cette demande n'est plus valable : elle a plus de cinq minutes, ou a été ouverte deux fois. Réessayez."
            ),
            "token_malformed": N_(
                "La réponse du lecteur est incompréhensible. Mettez à jour le logiciel du lecteur, puis réessayez."
            ),
            "signature_wrong": N_(
                "La carte a signé pour une autre demande ou une autre adresse que celles-ci. Fermez cette page et "
                "recommencez depuis le service ; si cela se répète, contactez l'assistance."
            ),
            "certificate_malformed": N_(
                "Le certificat de cette carte est illisible. Essayez une autre carte ou contactez l'assistance."
            ),
            "unknown_authority": N_(
                "Cette carte n'est pas une carte de professionnel de santé reconnue ici. Insérez votre carte CPS, "
                "ou choisissez un autre mode d'authentification."
            ),
            "expired": N_(
                "Cette carte a expiré. Utilisez votre nouvelle carte, ou choisissez un autre mode d'authentification."
            ),
            "not_yet_valid": N_(
                "Cette carte n'est pas encore valable. Utilisez l'ancienne, ou choisissez un autre mode "
                "d'authentification."
            ),
            "wrong_usage": N_(
                "La carte a répondu avec un certificat qui ne sert pas à se connecter. Réessayez, et mettez à jour le "
                "logiciel du lecteur si cela se répète."
            ),
            "revoked": N_(
                "Cette carte a été révoquée : elle ne permet plus de se connecter. Utilisez une autre carte ou "
                "contactez l'assistance."
            ),
            "revocation_unknown": N_(
                "Nous ne pouvons pas vérifier pour le moment que cette carte est toujours valable. Réessayez plus "
                "tard, ou choisissez un autre mode d'authentification."
            ),
            "test_card": N_("Cette carte est une carte de test : elle n'est pas acceptée ici."),
            "not_nominative": N_(
                "Cette carte n'est pas à votre nom. Utilisez une carte nominative, ou choisissez un autre mode "
                "d'authentification."
            ),
            "identity_disagrees": N_(
                "Les identifiants inscrits dans cette carte se contredisent. Contactez l'assistance."
            ),
            "identity_malformed": N_(
                "L'identifiant national inscrit dans cette carte n'est pas valable. Contactez l'assistance."
            ),
            "policy_not_accepted": N_(
                "Ce type de carte n'est pas accepté ici. Utilisez une autre carte ou contactez l'assistance."
            ),
            "not_linked": N_("Votre carte CPS n'est pas encore reliée à un compte."),
            "link_removed": N_("Votre carte CPS n'est plus reliée à votre compte."),
        }
    )

    def begin(self, ctx: Context) -> Step:
        _draw(ctx)
        return self.show(ctx)

    def show(self, ctx: Context) -> Step:
        left = ctx.remaining("drawn_at", LIFETIME)
        values = {
            "nonce": ctx.state.get("nonce"),
            "number": ctx.state.get("number"),
            "left_s": left // timedelta(seconds=1),
            "ports": ctx.cards.ports,
            "help_url": ctx.cards.help_url,
        }
        return Show("methods/cps_card/card.html", values)

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        nonce, is_alive = ctx.state.get("nonce"), ctx.remaining("drawn_at", LIFETIME) > timedelta(0)
        _draw(ctx)  # whatever comes of it, what was signed is spent
        token = form.get("token", "")
        if not token:
            return Refused("token_missing")
        # The page says which nonce it had signed. That proves nothing: it only tells an old tab from a false token.
        if nonce is None or not is_alive or form.get("nonce", nonce) != nonce:
            return Refused("challenge_expired")
        ctx.take_attempt(_nobody(ctx))
        if len(token) > MAX_TOKEN:
            return Refused("token_malformed", guess=True)
        try:
            holder = ctx.cards.authenticate(token, nonce)
        except CardRefused as refusal:
            shown = _evidence(refusal.holder) if refusal.holder else {}
            return Refused(refusal.code, guess=refusal.code in GUESSES, evidence=shown)
        ctx.state.clear()
        return Done(self._proof(ctx, holder), Person(holder.given_name, holder.family_name))

    def _proof(self, ctx: Context, holder: CardHolder) -> Proof:
        return Proof(
            method=self.id,
            identity=holder.identity,
            assurance=self.assurance,
            amr=("sc", "pin", "mfa", "hwk"),
            at=ctx.now,
            anchor="card",
            evidence=_evidence(holder),
        )


def _evidence(holder: CardHolder) -> dict[str, str]:
    return {"certificate": holder.serial, "issuer": holder.issuer}


def _draw(ctx: Context) -> None:
    """A nonce for the card, and a number that the person compares on the page and in the window of the reader."""
    nonce = base64.b64encode(secrets.token_bytes(NONCE_BYTES)).decode()
    ctx.state.update(nonce=nonce, number=str(secrets.randbelow(90) + 10), drawn_at=ctx.now.isoformat())


def _nobody(ctx: Context) -> Subject:
    """Tries are counted for this login: counted for a card or a person, its holder could be kept out by a certificate
    that is no secret, or by a password alone, while a signature cannot be guessed anyway.
    """
    return Subject(key=f"login:{ctx.mac(CpsCard.id)}", login="")
