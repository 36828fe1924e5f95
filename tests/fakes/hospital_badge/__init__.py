"""The number on a hospital badge: somebody else's method, which knows of the provider the contract only."""

import hmac
from collections.abc import Mapping
from types import MappingProxyType

from idp.domain.authn import Assurance, Proof
from idp.domain.policy import Option
from idp.methods.base import Context, Done, Method, Needs, Offer, Refused, Show, Step

BADGES = {"anne.pierre": "7700123456"}  # a real one asks its directory


class HospitalBadge(Method):
    id = "hospital_badge"
    contract_version = 1
    amr = frozenset({"hwk"})
    assurance = Assurance.MEDIUM
    needs = Needs()
    can_be_first = False
    per_browser = False
    offer = Offer(label="Badge de l'hôpital", hint="Le numéro au dos de votre badge", icon="id")
    refusals = MappingProxyType({"badge_wrong": "Ce badge n'est pas reconnu."})
    default_after = "password"
    options = MappingProxyType({"digits": Option(default=4, allowed=range(4, 9))})
    templates = __name__

    def begin(self, ctx: Context) -> Step:
        return self.show(ctx)

    def show(self, ctx: Context) -> Step:
        values = {"asks_who": ctx.subject is None, "digits": ctx.options["digits"]}
        return Show("methods/hospital_badge/page.html", values)

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        subject = ctx.subject or ctx.find(form.get("login", ""))
        ctx.take_attempt(subject)
        expected = BADGES.get(subject.login, "")[-ctx.options["digits"] :]
        if not expected or not hmac.compare_digest(expected.encode(), form.get("badge", "").encode()):
            return Refused("badge_wrong", guess=True)
        return Done(Proof(self.id, subject.identity, self.assurance, ("hwk",), ctx.now, anchor="badge"))
