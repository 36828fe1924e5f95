"""Login name (or verified e-mail address) and password (amr `pwd`, RFC 8176 §2)."""

from collections.abc import Mapping
from types import MappingProxyType

from idp.domain.account import normalise_login
from idp.domain.authn import Assurance, Proof
from idp.domain.texts import N_
from idp.methods.base import CONTRACT_VERSION, Context, Done, Method, Needs, Offer, Refused, Show, Step

MAX_LENGTH = 1024  # of what is typed; longer is refused before any hash


class Password(Method):
    """One factor of knowledge: LOW."""

    id = "password"
    contract_version = CONTRACT_VERSION
    amr = frozenset({"pwd"})
    assurance = Assurance.LOW
    needs = Needs(credential="password")
    can_be_first = True
    per_browser = True
    offer = Offer(
        label="Identifiant - Mot de passe",
        hint="Votre identifiant ou votre adresse e-mail",
        icon="lock",
        inline="methods/password/_form.html",
    )
    refusals = MappingProxyType(
        {
            "login_wrong": N_("Identifiant ou mot de passe incorrect."),
            "login_incomplete": N_("Renseignez tous les champs."),
        }
    )

    def begin(self, ctx: Context) -> Step:
        return self.show(ctx)

    def show(self, ctx: Context) -> Step:
        login = ctx.subject.login if ctx.subject else ctx.state.get("login", ctx.login_hint)
        return Show("methods/password/page.html", {"login": login, "login_readonly": ctx.subject is not None})

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        typed = form.get("password", "")
        login = ctx.subject.login if ctx.subject else normalise_login(form.get("login", ""))
        if not login or not typed:
            return Refused("login_incomplete")
        if max(len(login), len(typed)) > MAX_LENGTH:
            return Refused("login_wrong", guess=True)
        ctx.state["login"] = login[:320]
        subject = ctx.subject or ctx.find(login)
        ctx.take_attempt(subject)
        match = ctx.passwords.check(subject, typed)
        if match is None:
            return Refused("login_wrong", guess=True)
        proof = Proof(
            method=self.id,
            identity=subject.identity,
            assurance=self.assurance,
            amr=("pwd",),
            at=ctx.now,
            anchor=match.anchor,
            credentials=(match.credential_id,),
        )
        return Done(proof)
