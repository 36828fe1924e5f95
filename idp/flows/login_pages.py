"""What the login journey shows."""

from collections.abc import Iterable
from typing import Any

import flask
import structlog

from idp.domain.decide import Login
from idp.domain.interaction import Unlinked
from idp.domain.policy import MethodEntry
from idp.domain.texts import Text
from idp.flows import card_help, completion, linking, suspended
from idp.flows.access import asking
from idp.flows.outcomes import Outcome
from idp.flows.running import Runner
from idp.flows.services import Services
from idp.flows.signup import entry
from idp.flows.visits import Visit
from idp.methods.base import Method, Show
from idp.methods.cps_card import CpsCard
from idp.web.scopes import SCOPE_TEXTS
from idp.web.texts import BANDS, PROVE_FIRST, REFUSALS, UNLINKED

FORGOT_URL = "/password/forgot"


def login(services: Services, visit: Visit, decision: Login, error: str | None = None) -> flask.Response:
    """The list of accepted methods, in the policy's order, and why it is shown."""
    offers = offered(services, visit, decision.methods)
    if len(offers) > 1:
        offers[0]["preferred"] = True
    hint = visit.request.login_hint or (visit.account.login_name if visit.account else "")
    form = {"login": hint, "login_readonly": False, "error": None, "forgot_url": FORGOT_URL, "action": None}
    return draw(
        services,
        visit,
        "login.html",
        methods=decision.methods,
        band=band_of(services, visit, decision.reason),
        notice=visit.policy.notice,
        suspended=suspended.said(services, visit.policy),
        offers=offers,
        form=form,
        person=visit.account.full_name if visit.account else "",
        is_signed_in=bool(visit.session and visit.account and visit.session.account_id == visit.account.account_id),
        account_url=None if visit.interaction.purpose else f"/login/{visit.interaction.id}/account",
        errors=[error] if error else [],
        signup_url=entry.url(services, visit),
    )


def method(
    services: Services,
    visit: Visit,
    running: Runner,
    shown: Show,
    error: str | None = None,
    *,
    code: str | None = None,
    is_delayed: bool = False,
) -> flask.Response:
    """The current step of a method. Its values stand in `form`, so that none can pass for one of ours.

    code: for support, of what was refused. is_delayed: there were too many tries; a page whose method has a way out
    shows it. A page that explains a refusal has the other accepted methods on it, and no script of the method.
    """
    others = _others(services, visit, running) if shown.explains else []
    is_half_done = running.is_first_factor and completion.is_proven(visit)
    action = f"/login/{visit.interaction.id}/{running.entry.id}"
    form = {"login": "", "login_readonly": False, "forgot_url": FORGOT_URL, **shown.values}
    return draw(
        services,
        visit,
        shown.template,
        methods=(running.entry, *others),
        band=band_of(services, visit, "address_proven") if is_half_done else None,
        notice=None,
        asks_workstation=running.method.asks_workstation and not shown.explains,
        asks_provider=running.method.asks_provider and not shown.explains,
        step={"number": 2, "total": 2} if is_half_done else running.step,
        others=[each for each in offered(services, visit, others) if each["available"]],
        code=code,
        change_card_url=card_help.address(visit.interaction.id),
        back_url=f"/login/{visit.interaction.id}",
        action=action,
        form={**form, "action": action, "error": error, "is_delayed": is_delayed},
        errors=[error] if error else [],
    )


def refusal(services: Services, outcome: Outcome) -> str:
    """The sentence for what was refused, in the page's language."""
    code, method = outcome.refused or "", outcome.method
    said = method.refusals.get(code) if method else None
    if not outcome.is_own and (said is None or code in UNLINKED):  # a method's words for these say not what to do
        said = REFUSALS.get(code)
    if said is None:
        structlog.get_logger().error("refusal without a sentence", method=method.id if method else "", code=code)
        said = REFUSALS["internal"]
    return say_of(services, method, said, **({"minutes": outcome.minutes} if outcome.minutes else {}))


def say_of(services: Services, method: Method | None, said: Text, **values: Any) -> str:
    """A sentence about a method, with its name where it asks for it."""
    if method and "%(means)s" in said:
        values["means"] = services.pages.say(method.offer.label)
    return services.pages.say(said, **values)


def denied(services: Services, visit: Visit) -> flask.Response:
    """« Accès refusé » (P-081), with the top bar of P-083; none of the portal's where it is what is refused."""
    base = f"/login/{visit.interaction.id}"
    person = visit.account.full_name if visit.account else ""
    own_urls = {name: f"/compte/{name}" for name in ("personal", "password", "means")}
    if visit.client.client_id == services.settings.portal_client_id:
        own_urls = {}
    return draw(
        services,
        visit,
        "denied.html",
        status=403,
        person=person,
        switch_url=f"{base}/account",
        own_urls=own_urls,
        access=_asking(services, visit) if own_urls else None,
    )


def _asking(services: Services, visit: Visit) -> dict[str, Any] | None:
    """Where access is asked for, and since when a request waits; None where there is no asking."""
    if visit.account is None or not asking.is_for(visit.client):
        return None
    with services.db.read() as tx:
        waiting = tx.access_requests.open_of(visit.account.account_id, visit.client.client_id)
    return {"url": asking.page_of(visit.client.client_id), "since": waiting.created_at if waiting else None}


def consent(services: Services, visit: Visit) -> flask.Response:
    """Which data the service would get."""
    texts = [said for scope, said in SCOPE_TEXTS.items() if scope in visit.request.shared_scopes]
    scopes = [{"label": services.pages.say(label), "detail": services.pages.say(detail)} for label, detail in texts]
    account = visit.account
    return draw(
        services,
        visit,
        "consent.html",
        person=account.full_name if account else "",
        account_id=account.account_id if account else "",
        scopes=scopes,
        is_remembered=visit.client.consent == "first",
        action=f"/login/{visit.interaction.id}/consent",
    )


def confirm_link(services: Services, visit: Visit) -> flask.Response:
    """Whose means it is, and whose account: both identities are shown before they are linked."""
    unlinked, account = visit.interaction.unlinked, visit.account
    means = services.registry[visit.linked_method].offer.label
    return draw(
        services,
        visit,
        "confirm_link.html",
        means=services.pages.say(means),
        stated=unlinked.person.full_name if unlinked else "",
        identifier=unlinked.proof.identity.value if unlinked else "",
        person=account.full_name if account else "",
        login=account.login_name if account else "",
        shown=linking.shown(services, visit),
        action=f"/login/{visit.interaction.id}/link",
    )


def select_account(services: Services, visit: Visit) -> flask.Response:
    """prompt=select_account."""
    person = visit.account.full_name if visit.account else ""
    return draw(services, visit, "select_account.html", person=person, action=f"/login/{visit.interaction.id}/account")


def other_account(services: Services, visit: Visit) -> flask.Response:
    """Somebody else is signed in here."""
    with services.db.read() as tx:
        current = tx.accounts.get(visit.session.account_id) if visit.session else None
    is_card = bool(visit.interaction.fresh) and visit.interaction.fresh[-1].method == CpsCard.id
    return draw(
        services,
        visit,
        "other_account.html",
        change_card_url=card_help.address(visit.interaction.id) if is_card else None,
        code=_code(services, visit, "other_account"),
        current=current.full_name if current else "",
        proven=visit.account.full_name if visit.account else "",
        action=f"/login/{visit.interaction.id}/account",
    )


def draw(
    services: Services,
    visit: Visit,
    template: str,
    *,
    status: int = 200,
    methods: Iterable[MethodEntry] = (),
    **values: Any,
) -> flask.Response:
    """A page of this login. methods: those that a form of the page may begin, and be redirected by."""
    begun = [services.registry[name] for entry in methods for name in (entry.after, entry.id) if name]
    elsewhere = sorted({origin for method in begun for origin in method.origins_in(services.settings)})
    client = visit.client
    service = {
        "name": client.name,
        "logo_uri": client.logo_uri,
        "policy_uri": client.policy_uri,
        "tos_uri": client.tos_uri,
    }
    return services.pages.render(
        template,
        status=status,
        form_targets=[visit.request.redirect_uri, *elsewhere],
        images=[client.logo_uri, *(method.offer.logo_url for method in begun)],
        service=service,
        cancel_url=f"/login/{visit.interaction.id}/cancel",
        **values,
    )


def _code(services: Services, visit: Visit, refused: str) -> str | None:
    """For support, in the words of the method that proved somebody last."""
    method = services.registry.get(visit.interaction.fresh[-1].method) if visit.interaction.fresh else None
    return method.codes.get(refused) if method else None


def _others(services: Services, visit: Visit, running: Runner) -> list[MethodEntry]:
    """What is accepted here besides."""
    decision = visit.decision(services)
    accepted = decision.methods if isinstance(decision, Login) else ()
    return [entry for entry in accepted if entry.id != running.entry.id]


def offered(services: Services, visit: Visit, entries: Iterable[MethodEntry]) -> list[dict[str, Any]]:
    """These entries as buttons."""
    owned, entries = None, list(entries)
    if visit.account and entries:
        with services.db.read() as tx:
            owned = tx.accounts.owned(visit.account.account_id)
    return [_offer(services, visit, entry, owned) for entry in entries]


def _offer(services: Services, visit: Visit, entry: MethodEntry, owned: frozenset[str] | None) -> dict[str, Any]:
    method = services.registry[entry.id]
    needed = [method.needs_for(entry.options)] + ([services.registry[entry.after].needs] if entry.after else [])
    missing = owned is not None and any(needs.missing(owned) for needs in needed)
    say = services.pages.say
    return {
        "id": entry.id,
        "label": say(method.offer.label),
        "hint": say(method.offer.hint),
        "icon": method.offer.icon,
        "inline": None if entry.after else method.offer.inline,
        "column": method.offer.column,
        "logo_url": method.offer.logo_url,
        "trouble": say_of(services, method, trouble) if (trouble := method.trouble(services.now())) else None,
        "url": f"/login/{visit.interaction.id}/{entry.id}",
        "preferred": False,
        "available": not missing,
        "why_not": say(REFUSALS["means_missing"]) if missing else None,
    }


def band_of(services: Services, visit: Visit, reason: str) -> dict[str, Any] | None:
    """What is said on top of the page, for the reason that `decide` gave."""
    if reason == "link" and visit.interaction.fresh and not visit.interaction.purpose:
        reason = "too_weak"
    if reason == "step_up" and visit.policy.entry("password") is None:
        reason = "no_password"
    if reason == "too_weak" and any(proof.after and "mfa" not in proof.amr for proof in visit.interaction.fresh):
        reason = "one_mailbox"
    unlinked = visit.interaction.unlinked
    if reason == "link" and unlinked and not visit.interaction.purpose:
        return {**not_linked(services, unlinked), "again_url": f"/login/{visit.interaction.id}/account"}
    if reason not in BANDS:
        return None
    title, text = BANDS[reason]
    stuck = reason in {"too_weak", "one_mailbox"}
    return {"title": services.pages.say(title), "text": services.pages.say(text), "support": stuck}


def not_linked(services: Services, unlinked: Unlinked) -> dict[str, Any]:
    """What was shown signs nobody in: in the words of its method, where it has some."""
    code = "link_removed" if unlinked.was_linked else "not_linked"
    method = services.registry.get(unlinked.proof.method)
    words = method.refusals.get(code, UNLINKED[code]) if method else UNLINKED[code]
    return {
        "title": say_of(services, method, words),
        "text": services.pages.say(PROVE_FIRST),
        "support": True,
        "code": method.codes.get(code) if method else None,
    }
