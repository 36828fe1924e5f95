"""Code of an authenticator application (RFC 6238; amr `otp`, RFC 8176 §2). Never without the password before it.

Alone it is one factor of possession, LOW; and wrong codes block the application, which a stranger must not be able to.
"""

from collections.abc import Mapping
from types import MappingProxyType

from idp.domain.authn import Assurance, Proof
from idp.domain.codes import six_digits
from idp.domain.enrolled import TOTP
from idp.domain.texts import N_
from idp.methods.base import CONTRACT_VERSION, Context, Done, Method, Needs, Offer, Refused, Show, Step
from idp.methods.enrolled import CodesBlocked


class Totp(Method):
    """Six digits of an application that the holder enrolled; each is good once."""

    id = "totp"
    contract_version = CONTRACT_VERSION
    amr = frozenset({"otp"})
    assurance = Assurance.LOW
    needs = Needs(credential=TOTP)
    can_be_first = False
    per_browser = False
    offer = Offer(
        label=N_("Application d'authentification"), hint=N_("Un code à 6 chiffres de votre téléphone"), icon="code"
    )
    default_after = "password"
    only_after = "password"
    refusals = MappingProxyType(
        {
            "password_first": N_("Donnez d'abord votre mot de passe."),
            "code_malformed": N_("Le code compte six chiffres."),
            "code_wrong": N_(
                "Ce code n'est pas le bon, ou a déjà servi. Attendez que votre application en affiche un autre."
            ),
            "codes_blocked": N_(
                "Trop de codes faux ont été saisis : cette application est bloquée jusqu'à ce que vous vous connectiez "
                "par un autre moyen, ou que l'assistance la débloque."
            ),
        }
    )

    def begin(self, ctx: Context) -> Step:
        return self.show(ctx)

    def show(self, ctx: Context) -> Step:  # noqa: ARG002
        return Show("methods/totp/code.html")

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        subject, code = ctx.subject, six_digits(form.get("code", ""))
        if subject is None:
            return Refused("password_first")
        if code is None:
            return Refused("code_malformed")
        ctx.take_attempt(subject)
        try:
            credential_id = ctx.codes.check(subject, code)
        except CodesBlocked:
            return Refused("codes_blocked", guess=True)
        if credential_id is None:
            return Refused("code_wrong", guess=True)
        proof = Proof(
            method=self.id,
            identity=subject.identity,
            assurance=self.assurance,
            amr=("otp",),
            at=ctx.now,
            anchor=TOTP,
            credentials=(credential_id,),
        )
        return Done(proof)
