"""Emergency code (amr `otp`, RFC 8176 §2): given by support to whom no means is left, good once, after the password.

It is no means of the account: what it opens ends when the code would have, and changes nothing (RIE-PS 16).
"""

from collections.abc import Mapping
from types import MappingProxyType

from idp.domain.authn import Assurance, Proof
from idp.domain.emergency import clean
from idp.domain.texts import N_
from idp.methods.base import CONTRACT_VERSION, Context, Done, Method, Needs, Offer, Refused, Show, Step


class EmergencyCode(Method):
    """Letters that somebody of support read out; with the password before it, MEDIUM."""

    id = "emergency_code"
    contract_version = CONTRACT_VERSION
    amr = frozenset({"otp"})
    assurance = Assurance.LOW
    needs = Needs()  # who has a code is not told before it is typed
    can_be_first = False
    per_browser = False
    is_temporary = True
    offer = Offer(label=N_("Code de secours"), hint=N_("Remis par l'assistance"), icon="help")
    default_after = "password"
    only_after = "password"
    refusals = MappingProxyType(
        {
            "password_first": N_("Donnez d'abord votre mot de passe."),
            "code_malformed": N_("Le code de secours compte seize lettres."),
            "code_wrong": N_(
                "Ce code n'est pas le bon, a déjà servi ou n'est plus valable. Vérifiez-le, ou appelez l'assistance."
            ),
        }
    )

    def begin(self, ctx: Context) -> Step:
        return self.show(ctx)

    def show(self, ctx: Context) -> Step:  # noqa: ARG002
        return Show("methods/emergency_code/code.html")

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        subject, code = ctx.subject, clean(form.get("code", ""))
        if subject is None:
            return Refused("password_first")
        if code is None:
            return Refused("code_malformed")
        ctx.take_attempt(subject)
        spent = ctx.emergency.spend(subject, code)
        if spent is None:
            return Refused("code_wrong", guess=True)
        proof = Proof(
            method=self.id,
            identity=subject.identity,
            assurance=self.assurance,
            amr=("otp",),
            at=ctx.now,
            anchor=self.id,
            evidence={"code": spent.code_id},
            until=spent.until,
        )
        return Done(proof)
