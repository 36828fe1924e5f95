"""One-time code sent by e-mail (amr `otp`, RFC 8176 §2). Asked after the password unless the policy says otherwise.

Alone it is one weak factor of possession: LOW (regulation: an e-mail code is not two factors).
"""

import hmac
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

import pyotp

from idp.domain.account import normalise_login
from idp.domain.authn import Assurance, Proof
from idp.domain.codes import six_digits
from idp.domain.policy import Option
from idp.domain.texts import N_
from idp.methods.base import CONTRACT_VERSION, Context, Done, Method, Needs, Offer, Refused, Show, Step, Subject

MAX_TRIES = 5
RESEND_AFTER = timedelta(seconds=60)


class EmailOtp(Method):
    """Six digits to the account's verified address, never to a typed one; bound to the browser by the Interaction.

    Of the codes that one account was sent, whoever asked for them, only the newest is good.
    """

    id = "email_otp"
    contract_version = CONTRACT_VERSION
    amr = frozenset({"otp"})
    assurance = Assurance.LOW
    needs = Needs(identity="email")
    can_be_first = False
    per_browser = False
    offer = Offer(label="OTP", hint="Un code envoyé sur votre boîte mail", icon="mail")
    default_after = "password"  # alone it is too weak to be what one gets by default
    options = MappingProxyType({"lifetime_minutes": Option(10, range(1, 11))})
    refusals = MappingProxyType(
        {
            "login_incomplete": N_("Renseignez tous les champs."),
            "code_wrong": N_("Ce code n'est pas le bon. Vérifiez qu'il s'agit du dernier code reçu."),
            "code_malformed": N_("Le code compte six chiffres."),
            "code_expired": N_("Ce code n'est plus valable. Demandez un nouveau code."),
            "code_worn_out": N_("Trop d'essais avec ce code. Demandez un nouveau code."),
            "code_just_sent": N_("Un code vient d'être envoyé. Attendez une minute avant d'en demander un autre."),
            "too_many_codes": N_(
                "Trop de codes ont été demandés. Réessayez dans une heure ou choisissez un autre mode."
            ),
        }
    )

    def begin(self, ctx: Context) -> Step:
        subject = self._subject(ctx)
        return self.show(ctx) if subject is None else self._send(ctx, subject)

    def show(self, ctx: Context) -> Step:
        if "sent_at" not in ctx.state and "limited" not in ctx.state:
            return Show("methods/email_otp/identify.html", {"login": ctx.login_hint})
        # A masked address is shown only to somebody who has proven a first factor: it tells that the account exists.
        masked = ctx.subject.masked_email if ctx.subject else None
        wait = ctx.remaining("sent_at", RESEND_AFTER)
        values = {
            "sent": "sent_at" in ctx.state,
            "masked": masked,
            "minutes": ctx.state.get("minutes"),
            "resend_wait_s": -(-wait // timedelta(seconds=1)),
        }
        return Show("methods/email_otp/code.html", values)

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        subject = self._subject(ctx)
        if subject is None:
            login = normalise_login(form.get("login", ""))[:320]
            if not login:
                return Refused("login_incomplete")
            ctx.state["login"] = login
            return self._send(ctx, ctx.find(login))
        if "code" in form:
            return self._check(ctx, subject, six_digits(form["code"]))
        return self._send(ctx, subject) if "resend" in form else self.show(ctx)

    @staticmethod
    def _subject(ctx: Context) -> Subject | None:
        if ctx.subject is not None:
            return ctx.subject
        return ctx.find(ctx.state["login"]) if "login" in ctx.state else None

    def _send(self, ctx: Context, subject: Subject) -> Step:
        if ctx.too_soon("sent_at", RESEND_AFTER):
            return Refused("code_just_sent")
        code = pyotp.HOTP(pyotp.random_base32()).at(0)  # the secret is drawn for this sending and forgotten
        minutes = ctx.options["lifetime_minutes"]
        values = {"code": code, "service": ctx.service_name, "minutes": str(minutes)}
        sending = ctx.outbox.send(self.id, to=subject, values=values)
        if sending is None:
            ctx.state["limited"] = True
            return Refused("too_many_codes")
        ctx.state.update(
            sending=sending,
            mac=ctx.mac("email_otp", subject.key, code),  # of this person: it proves nobody else
            tries=0,
            sent_at=ctx.now.isoformat(),
            expires_at=(ctx.now + timedelta(minutes=minutes)).isoformat(),
            minutes=minutes,
        )
        return self.show(ctx)

    def _check(self, ctx: Context, subject: Subject, code: str | None) -> Step:
        if "mac" not in ctx.state or ctx.remaining("expires_at", timedelta(0)) <= timedelta(0):
            return Refused("code_expired")
        # Before any comparison, so that it says nothing of the code; nothing was guessed, so no try is counted.
        if not ctx.outbox.is_newest(subject, ctx.state["sending"]):
            return Refused("code_expired")
        if code is None:
            return Refused("code_malformed")
        if ctx.state["tries"] >= MAX_TRIES:
            return Refused("code_worn_out")
        ctx.take_attempt(subject)
        ctx.state["tries"] += 1
        if not hmac.compare_digest(ctx.mac("email_otp", subject.key, code), ctx.state["mac"]):
            return Refused("code_wrong", guess=True)
        del ctx.state["mac"]  # single use
        return Done(Proof(self.id, subject.identity, self.assurance, ("otp",), ctx.now, anchor="mailbox"))
