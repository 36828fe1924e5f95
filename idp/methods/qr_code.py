"""« QR code »: a phone that the holder enrolled approves the login that the computer shows.

By default the phone has a page of its own (`idp.flows.qr`). With the option `approval=passkey` there is none: the
computer's own page asks for a passkey, the browser draws the QR code, and the phone must be near and signs where the
person sits. That stops a page that passes our QR code on, which the phone's page cannot see (docs/adr/0024).
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from idp.domain.authn import Assurance, IdentityRef, Proof
from idp.domain.enrolled import PASSKEY, PHONE
from idp.domain.phone_request import Approval, State, shown_code
from idp.domain.policy import Option
from idp.domain.texts import N_
from idp.methods import webauthn_step
from idp.methods.base import CONTRACT_VERSION, Context, Done, Method, Needs, Offer, Refused, Show, Step

PAGE = "methods/qr_code/page.html"
HELD = {"same_network": "same_network=yes", "approval": "approval=passkey"}
HINTS = ("hybrid",)  # a passkey of another device, near (WebAuthn Level 3 §5.8.7)


class QrCode(Method):
    """Two factors, a key and what unlocks it; MEDIUM at most, for a phishing page can pass the QR code on."""

    id = "qr_code"
    contract_version = CONTRACT_VERSION
    amr = frozenset({*webauthn_step.AMR, "pin"})
    assurance = Assurance.MEDIUM
    needs = Needs(credential=PHONE, or_credential=PASSKEY)
    can_be_first = False
    per_browser = False
    asks_provider = True
    offer = Offer(label=N_("QR code"), hint=N_("Approuvez sur votre téléphone"), icon="qr")
    options = MappingProxyType(
        {"same_network": Option("no", ("no", "yes")), "approval": Option("phone", ("phone", "passkey"))}
    )
    own_options = MappingProxyType({"same_network": "yes"})  # what a relay was approved for must not add its own key
    refusals = MappingProxyType(
        {
            **webauthn_step.REFUSALS,
            "not_approved": N_("Votre téléphone n'a pas encore approuvé cette connexion."),
            "refused_on_phone": N_("Cette connexion a été refusée sur le téléphone. Rien n'a été ouvert."),
            "request_expired": N_("Cette demande a expiré. Affichez un nouveau code."),
        }
    )

    def needs_for(self, options: Mapping[str, Any]) -> Needs:
        return Needs(credential=PASSKEY) if options.get("approval") == "passkey" else self.needs

    def begin(self, ctx: Context) -> Step:
        if _by_passkey(ctx):
            webauthn_step.draw(ctx)
        else:
            self._open(ctx)
        return self.show(ctx)

    def show(self, ctx: Context) -> Step:
        if _by_passkey(ctx):
            return Show("methods/qr_code/passkey.html", webauthn_step.asked(ctx, HINTS))
        seen = ctx.phones.look(ctx.state.get("request", ""))
        values = {
            "state": seen.state.value,
            "number": seen.number,
            "seconds": int(seen.left.total_seconds()),
            "address": ctx.phones.address,
            "code": shown_code(ctx.state["code"]) if seen.state is State.PENDING else None,
        }
        return Show(PAGE, values)

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        if _by_passkey(ctx):
            found = webauthn_step.answered(ctx, form)
            held = tuple(HELD.values())  # near is closer than the same network
            if isinstance(found, Refused):
                return found
            return Done(replace(webauthn_step.proof(ctx, self.id, found), held=held))
        request = ctx.state.get("request", "")
        by = ctx.phones.take(request)  # asking guesses nothing, and counts as no try: who asks early is not kept out
        if by is not None:
            ctx.state.clear()
            return Done(self._approved(ctx, by))
        match ctx.phones.look(request).state:
            case State.PENDING | State.SCANNED:
                return Refused("not_approved")
            case State.REFUSED:
                return Refused("refused_on_phone")
        return Refused("request_expired")

    def _open(self, ctx: Context) -> None:
        ctx.phones.drop(ctx.state.get("request", ""))
        opened = ctx.phones.open(same_network=ctx.options["same_network"] == "yes")
        ctx.state.update(request=opened.id, code=opened.code)

    def _approved(self, ctx: Context, by: Approval) -> Proof:
        return Proof(
            method=self.id,
            identity=IdentityRef("login_name", by.login_name),
            assurance=self.assurance,
            amr=by.amr,
            at=ctx.now,
            anchor=PHONE,
            credentials=(by.credential_id,),
            held=(HELD["same_network"],) if by.same_network else (),
        )


def _by_passkey(ctx: Context) -> bool:
    return bool(ctx.options["approval"] == "passkey")
