"""« Clé d'accès »: a passkey (WebAuthn Level 3), with no name typed, or after a first factor that named the person."""

from collections.abc import Mapping

from idp.domain.authn import Assurance
from idp.domain.enrolled import PASSKEY, CredentialRecord
from idp.domain.texts import N_
from idp.methods import webauthn_step
from idp.methods.base import CONTRACT_VERSION, Context, Done, Method, Needs, Offer, Show, Step


class Passkey(Method):
    """A key that verifies its user is two factors, alone and after a password."""

    id = "passkey"
    contract_version = CONTRACT_VERSION
    amr = webauthn_step.AMR
    assurance = Assurance.MEDIUM
    needs = Needs(credential=PASSKEY)
    can_be_first = False
    per_browser = False
    offer = Offer(label=N_("Clé d'accès"), hint=N_("Votre appareil, ou une clé de sécurité"), icon="key")
    refusals = webauthn_step.REFUSALS

    def begin(self, ctx: Context) -> Step:
        webauthn_step.draw(ctx)
        return self.show(ctx)

    def show(self, ctx: Context) -> Step:
        return Show("methods/passkey/page.html", webauthn_step.asked(ctx))

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        found = webauthn_step.answered(ctx, form)
        if isinstance(found, CredentialRecord):
            return Done(webauthn_step.proof(ctx, self.id, found))
        return found
