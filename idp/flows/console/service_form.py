"""Registering a service, and changing what it is called, where its addresses are and, for whoever may register any,
which data it may ask for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import flask

from idp.domain.client import CLIENT_ID, MAX_NAME, SCOPES, Client, uri_problem
from idp.domain.rights import Right
from idp.domain.texts import N_, Text
from idp.errors import InvalidOperation
from idp.flows.console.door import Operator, allowed
from idp.flows.console.frame import done, draw
from idp.flows.console.policies import client_of
from idp.flows.console.services import CHANGED_SINCE, OWN_SITE, PAGE, own_sites
from idp.flows.operators import clients
from idp.flows.services import Services

TEXTS = ("name", "description", "initiate_login_uri")  # of the form, as of `Client`
LISTS = ("redirect_uris", "post_logout_redirect_uris")
OFFERED = tuple(scope for scope in SCOPES if scope != "offline_access")  # that one goes with a lifetime
MAX_TEXT, MAX_LIST, MAX_SAID = 2000, 10_000, 5
CHANGED: Text = N_("Le service est modifié.")
MADE: Text = N_("Le service est déclaré.")
NOTHING: Text = N_("Rien n'a été changé.")
BAD_TEXT: Text = N_("Un champ est trop long, ou contient un caractère invisible.")
BAD_ID: Text = N_("L'identifiant du service : lettres, chiffres et . _ ~ - à l'intérieur, 64 au plus.")
BAD_NAME: Text = N_("Le nom du service a 1 à 200 caractères.")
NO_ADDRESS: Text = N_("Donnez au moins une adresse de retour.")
BAD_ADDRESS: Text = N_(
    "%(uri)s : une adresse commence par https:// et un nom de machine, sans « # », « * » ni utilisateur ; "
    "2000 caractères au plus."
)
TAKEN: Text = N_("Un service a déjà cet identifiant.")
NO_SUCH_SCOPE: Text = N_("Une des données demandées n'existe pas.")
NO_OPENID: Text = N_("La donnée « openid » est nécessaire pour connecter les personnes.")
REFUSED: Text = N_("Le service ne peut pas être enregistré ainsi : %(problem)s.")


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """Two forms, each after a fresh proof."""
    _add_registration(bp, services)
    _add_change(bp, services)


def _add_registration(bp: flask.Blueprint, services: Services) -> None:
    @bp.route(f"{PAGE}/register/new", methods=["GET", "POST"])
    @allowed(services, Right.SERVICES_REGISTER, f"{PAGE}/register/new", fresh=True)
    def register_service(operator: Operator) -> flask.Response:
        form = flask.request.form
        if flask.request.method == "GET":
            return _form(services, operator, {"scope": ["openid", "profile", "email"], "auth": "secret"}, ())
        problems, desk = _problems(services, form), operator.desk(services)
        problems = _new_problems(services, form) + problems
        if not problems:
            try:
                with desk.db.write() as tx:
                    secret = clients.register(desk, tx, _new(form))
            except InvalidOperation as error:
                problems = [services.pages.say(REFUSED, problem=str(error))]
            else:
                return _registered(services, operator, form["client_id"], secret)
        return _form(services, operator, _typed(form), problems)


def _add_change(bp: flask.Blueprint, services: Services) -> None:
    @bp.route(f"{PAGE}/<client_id>/edit", methods=["GET", "POST"])
    @allowed(services, Right.SERVICES_EDIT, PAGE + "/{client_id}/edit", fresh=True)
    def edit_service(operator: Operator, client_id: str) -> flask.Response:
        with services.db.read() as tx:
            client = client_of(tx, operator, Right.SERVICES_EDIT, client_id)
        form, page = flask.request.form, f"{PAGE}/{client_id}"
        may_choose = operator.rights.may(Right.SERVICES_REGISTER)
        if client_id in own_sites(services):
            return done(services, operator, OWN_SITE, page, is_refused=True)
        if flask.request.method == "GET":
            return _form(services, operator, _stored(client, may_choose), (), client, may_choose=may_choose)
        problems, fields = _problems(services, form), _fields(form)
        if may_choose:
            problems += _scope_problems(services, form)
            fields["scopes"] = _scopes(form, client)
        if not problems and all(getattr(client, name) == value for name, value in fields.items()):
            return done(services, operator, NOTHING, page)
        if not problems:
            try:
                clients.change(operator.desk(services), client_id, fields, seen=form.get("seen", ""))
            except clients.ChangedSinceError:
                return done(services, operator, CHANGED_SINCE, page, is_refused=True)
            except InvalidOperation as error:
                problems = [services.pages.say(REFUSED, problem=str(error))]
            else:
                return done(services, operator, CHANGED, page)
        return _form(services, operator, _typed(form), problems, client, may_choose=may_choose)


def _registered(services: Services, operator: Operator, client_id: str, secret: str | None) -> flask.Response:
    page = f"{PAGE}/{client_id}"
    if secret is None:
        return done(services, operator, MADE, page)
    with services.db.read() as tx:
        client = tx.clients.get(client_id)
    shown: dict[str, Any] = {"client": client, "back_url": page, "secret": secret, "kept": {}}
    return draw(services, operator, "console/service_secret.html", here="services", **shown)


def _new(form: Any) -> Client:
    """What was typed, as a client; sound or not, `register` says."""
    return Client(
        client_id=form["client_id"],
        auth_method="none" if form.get("auth") == "none" else "client_secret_basic",
        scopes=_scopes(form),
        needs_entitlement=form.get("everybody") != "yes",
        **_fields(form),
    )


def _fields(form: Mapping[str, str]) -> dict[str, Any]:
    texts: dict[str, Any] = {name: " ".join(form.get(name, "").split()) or None for name in TEXTS}
    texts["name"] = texts["name"] or ""
    return texts | {name: tuple(form.get(name, "").split()) for name in LISTS}


def _scopes(form: Any, client: Client | None = None) -> tuple[str, ...]:
    """What is ticked, and what this client has that the form does not offer; in the order in which it has them."""
    ticked, had = form.getlist("scope"), client.scopes if client else ()
    kept = tuple(scope for scope in had if scope in ticked or scope not in OFFERED)
    return kept + tuple(scope for scope in OFFERED if scope in ticked and scope not in had)


def _scope_problems(services: Services, form: Any) -> list[str]:
    ticked = set(form.getlist("scope"))
    checks = [(not ticked <= set(OFFERED), NO_SUCH_SCOPE), ("openid" not in ticked, NO_OPENID)]
    return [services.pages.say(text) for is_wrong, text in checks if is_wrong]


def _problems(services: Services, form: Mapping[str, str]) -> list[str]:
    fields = _fields(form)
    texts = [fields[name] or "" for name in TEXTS]
    is_long = any(len(form.get(name, "")) > MAX_LIST for name in LISTS) or any(len(text) > MAX_TEXT for text in texts)
    uris = [uri for name in LISTS for uri in fields[name]]
    is_bad = is_long or not all(text.isprintable() for text in (*texts, *uris))
    if is_bad:
        return [services.pages.say(BAD_TEXT)]
    say = services.pages.say
    found = [] if 1 <= len(fields["name"]) <= MAX_NAME else [say(BAD_NAME)]
    found += [] if fields["redirect_uris"] else [say(NO_ADDRESS)]
    uris += filter(None, [fields["initiate_login_uri"]])
    return found + [say(BAD_ADDRESS, uri=uri[:100]) for uri in uris if uri_problem(uri)][:MAX_SAID]


def _new_problems(services: Services, form: Any) -> list[str]:
    """What is wrong with what only a new service says."""
    client_id = form.get("client_id", "")
    if not CLIENT_ID.fullmatch(client_id):
        return [services.pages.say(BAD_ID)]
    if client_id in own_sites(services):
        return [services.pages.say(OWN_SITE)]
    with services.db.read() as tx:
        is_taken = tx.clients.get(client_id) is not None
    return [*([services.pages.say(TAKEN)] if is_taken else []), *_scope_problems(services, form)]


def _typed(form: Any) -> dict[str, Any]:
    kept = {name: form.get(name, "")[:MAX_LIST] for name in ("client_id", "auth", "everybody", "seen", *TEXTS, *LISTS)}
    return {**kept, "scope": form.getlist("scope")}


def _stored(client: Client, may_choose: bool) -> dict[str, Any]:
    lists = {name: "\n".join(getattr(client, name)) for name in LISTS}
    seen = clients.state_of(client, (*TEXTS, *LISTS, *(["scopes"] if may_choose else [])))
    return {**{name: getattr(client, name) or "" for name in TEXTS}, **lists, "scope": client.scopes, "seen": seen}


def _form(
    services: Services,
    operator: Operator,
    form: Mapping[str, Any],
    problems: Sequence[str],
    client: Client | None = None,
    *,
    may_choose: bool = True,
) -> flask.Response:
    """client: the one that is changed; None to register one. may_choose: which data it may ask for."""
    return draw(
        services,
        operator,
        "console/service_form.html",
        here="services",
        status=422 if problems else 200,
        errors=list(problems),
        client=client,
        form=form,
        scopes=OFFERED if may_choose else (),
        action=f"{PAGE}/{client.client_id}/edit" if client else f"{PAGE}/register/new",
        back_url=f"{PAGE}/{client.client_id}" if client else PAGE,
    )
