"""A card for tests only: it proves the national identity that is typed into it."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint

import pytest

from idp.domain.authn import Assurance, IdentityRef, Proof
from idp.domain.means import Person
from idp.methods import registry
from idp.methods.base import Context, Done, Method, Needs, Offer, Show, Step

ANNE = {"rpps": "10101234567", "given_name": "ANNE", "family_name": "PIERRE"}


class NationalCard(Method):
    id = "national_card"
    contract_version = 1
    amr = frozenset({"sc", "pin", "mfa", "hwk"})
    assurance = Assurance.HIGH
    needs = Needs()
    can_be_first = False
    per_browser = False
    offer = Offer(label="Carte d'essai", hint="Une carte qui n'existe que dans les tests", icon="card")
    proves_national_identity = True
    templates = __name__

    def begin(self, ctx: Context) -> Step:
        return self.show(ctx)

    def show(self, ctx: Context) -> Step:
        del ctx
        return Show("methods/national_card/page.html")

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        identity = IdentityRef(form.get("kind", "rpps"), form["rpps"])
        proof = Proof(self.id, identity, self.assurance, ("sc", "pin", "mfa", "hwk"), ctx.now, anchor="card")
        return Done(proof, Person(form["given_name"], form["family_name"]))


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside ours, by its entry point."""
    ours = registry.entry_points(group=registry.GROUP)
    card = EntryPoint("national_card", f"{__name__}:NationalCard", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [*ours, card])
