"""Code of an authenticator application (RFC 6238; amr `otp`, RFC 8176 §2). Asked after the password by default.

Alone it is one factor of possession: LOW.
"""

from collections.abc import Mapping
from types import MappingProxyType

from idp.domain.account import normalise_login
from idp.domain.authn import Assurance, Proof
from idp.domain.codes import six_digits
from idp.domain.enrolled import TOTP
from idp.domain.texts import N_
from idp.methods.base import CONTRACT_VERSION, Context, Done, Method, Needs, Offer, Refused, Show, Step
from idp.methods.enrolled import CodesBlocked

LABEL = N_("Application d'authentification")


class Totp(Method):
    """Six digits of an application that the holder enrolled; each is good once."""

    id = "totp"
    contract_version = CONTRACT_VERSION
    amr = frozenset({"otp"})
    assurance = Assurance.LOW
    needs = Needs(credential=TOTP)
    can_be_first = False
    per_browser = False
    offer = Offer(label=LABEL, hint=N_("Un code à 6 chiffres de votre téléphone"), icon="phone")
    default_after = "password"  # alone it is too weak to be what one gets by default
    refusals = MappingProxyType(
        {
            "login_incomplete": N_("Renseignez tous les champs."),
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

    def show(self, ctx: Context) -> Step:
        login = ctx.state.get("login", ctx.login_hint)
        return Show("methods/totp/code.html", {"asks_who": ctx.subject is None, "login": login})

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        subject, code = ctx.subject, six_digits(form.get("code", ""))
        if subject is None:
            login = normalise_login(form.get("login", ""))[:320]
            if not login:
                return Refused("login_incomplete")
            ctx.state["login"] = login
            subject = ctx.find(login)
        if code is None:
            return Refused("code_malformed")
        ctx.take_attempt(subject)
        try:
            credential_id = ctx.codes.check(subject, code)
        except CodesBlocked:  # said only to who has proven something of this person
            return Refused("codes_blocked" if ctx.subject else "code_wrong", guess=True)
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
