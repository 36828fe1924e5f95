"""A new policy: which methods, in which order and under which options, from which date, and why."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import flask

from idp.domain.authn import Assurance
from idp.domain.policy import MethodEntry, Policy, breaks, entry_reach, in_force, settle
from idp.domain.rights import Right
from idp.domain.texts import N_, Text
from idp.errors import InvalidOperation
from idp.flows.console.door import DOOR, Operator, allowed
from idp.flows.console.frame import done, draw
from idp.flows.console.methods import label_of
from idp.flows.console.policies import LEVELS, PAGE, client_of
from idp.flows.console.typed import MAX_REASON, instant_of, reason_of
from idp.flows.operators import policies
from idp.flows.services import Services

MAX_NOTICE, MAX_AGE_MIN = 300, 24 * 60
NO_METHOD: Text = N_("Acceptez au moins un mode d'authentification.")
BAD_DATE: Text = N_("La date d'effet est une date à venir, ou rien pour tout de suite.")
BAD_AGE: Text = N_("La durée est un nombre de minutes, de 1 à 1440, ou rien.")
BAD_LEVEL: Text = N_("Choisissez un niveau dans la liste.")
BAD_NOTICE: Text = N_("L'annonce a 300 caractères au plus, sans caractère invisible.")
NOBODY: Text = N_("Aucun des modes acceptés n'atteint ce niveau : personne ne pourrait se connecter.")
NO_BEGINNING: Text = N_("Chaque mode demande une connexion par un autre avant lui : personne ne pourrait commencer.")
BAD_OPTION: Text = N_("%(method)s : la valeur de l'option %(option)s n'est pas possible.")
BAD_ORDER: Text = N_("%(method)s : ce mode ne peut pas être précédé de celui qui est choisi.")
NOT_YOURS: Text = N_(
    "Aucun des modes acceptés n'est celui par lequel vous venez d'entrer dans la console : connectez-vous d'abord "
    "par l'un d'eux, pour être sûr de ne pas en fermer la porte."
)
OWN_CONSOLE: Text = N_("La console demande au moins deux facteurs : avec moins, plus personne n'y entrerait.")
REFUSED: Text = N_("Cette politique ne peut pas être enregistrée : %(problem)s.")
RECORDED: Text = N_("La politique est enregistrée.")


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The form."""

    @bp.route(f"{PAGE}/<client_id>/new", methods=["GET", "POST"])
    @allowed(services, Right.POLICIES_EDIT, PAGE + "/{client_id}/new", fresh=True)
    def new_policy(operator: Operator, client_id: str) -> flask.Response:
        with services.db.read() as tx:
            client = client_of(tx, operator, Right.POLICIES_EDIT, client_id)
            found = tx.policies.of(client_id)
        page, form = f"{PAGE}/{client_id}", flask.request.form
        if flask.request.method == "GET":
            form = _prefilled(services, in_force(found, services.now()))  # type: ignore[assignment]
            return _form(services, operator, (client.name, page), form, ())
        problems = _problems(services, operator, client_id, form)
        if not problems:
            try:
                _record(services, operator, client_id, form)
            except InvalidOperation as error:
                problems = [services.pages.say(REFUSED, problem=str(error))]
            else:
                return done(services, operator, RECORDED, page)
        return _form(services, operator, (client.name, page), form, problems)


def _record(services: Services, operator: Operator, client_id: str, form: Mapping[str, str]) -> None:
    desk, age = operator.desk(services), form.get("max_age", "").strip()
    with desk.db.write() as tx:
        policies.add(
            desk,
            tx,
            client_id,
            [services.registry.text(entry) for entry in _entries(services, form)],
            effective_from=instant_of(form, "from"),
            min_assurance=Assurance[form["level"]],
            max_age=timedelta(minutes=int(age)) if age else None,
            notice=" ".join(form.get("notice", "").split()) or None,
            reason=reason_of(form)[0],
        )


def _problems(services: Services, operator: Operator, client_id: str, form: Mapping[str, str]) -> list[str]:
    """What is wrong with a form, in words; what the form cannot say, `policies.add` refuses."""
    age, notice, level = form.get("max_age", "").strip(), form.get("notice", ""), form.get("level", "")
    at = instant_of(form, "from")
    notice = " ".join(notice.split())
    no_reason = reason_of(form)[1]
    console = client_id == services.settings.console_client_id
    checks: list[tuple[bool, Text]] = [
        (not _entries(services, form), NO_METHOD),
        (level not in Assurance.__members__, BAD_LEVEL),
        (console and level in Assurance.__members__ and Assurance[level] < DOOR.least, OWN_CONSOLE),
        (bool(form.get("from", "").strip()) and (at is None or at < services.now()), BAD_DATE),
        (
            bool(age) and not (age.isascii() and age.isdigit() and len(age) < 5 and 1 <= int(age) <= MAX_AGE_MIN),
            BAD_AGE,
        ),
        (len(notice) > MAX_NOTICE or not notice.isprintable(), BAD_NOTICE),
    ]
    found = [text for is_wrong, text in checks if is_wrong]
    said = [services.pages.say(text) for text in (*found, *([no_reason] if no_reason else ()))]
    return said or _unsound(services, operator, _policy(services, client_id, form))


def _unsound(services: Services, operator: Operator, policy: Policy) -> list[str]:
    """Which sentences say what forbids a policy. That of the console lets in whoever records it."""
    registry, say, found = services.registry, services.pages.say, []
    for entry in policy.methods:
        method, label = registry[entry.id], label_of(services, entry.id)
        wrong = [name for name, value in entry.options.items() if not method.options[name].accepts(value)]
        found += [say(BAD_OPTION, method=label, option=name) for name in wrong]
        firsts = registry.first_factors - {entry.id}
        if (entry.after and entry.after not in firsts) or breaks(entry, registry.only_after):
            found.append(say(BAD_ORDER, method=label))
    if not found and all(entry.wants_prior_login for entry in policy.methods):
        found.append(say(NO_BEGINNING))
    if not found and all(entry_reach(entry, registry.reach) < policy.min_assurance for entry in policy.methods):
        found.append(say(NOBODY))
    is_console = policy.client_id == services.settings.console_client_id
    now_accepted = policy.under(services.configuration.suspensions(), services.now())
    if not found and is_console and not any(now_accepted.accepts(proof) for proof in operator.session.proofs):
        found.append(say(NOT_YOURS))
    return found


def _policy(services: Services, client_id: str, form: Mapping[str, str]) -> Policy:
    """What was typed, as far as methods and level go."""
    methods, level = tuple(_entries(services, form)), Assurance[form["level"]]
    return Policy("", client_id, services.now(), methods, min_assurance=level)


def _entries(services: Services, form: Mapping[str, str]) -> list[MethodEntry]:
    """The methods that have a place, by their places; those that share one, as the settings order them."""
    placed = []
    for method_id, method in services.registry.items():
        place = form.get(f"place-{method_id}", "")
        if not (place.isascii() and place.isdigit() and 0 < int(place[:3]) < 100):
            continue
        typed = {name: form.get(f"option-{method_id}-{name}", "") for name in method.options}
        given = {name: method.options[name].read(text) for name, text in typed.items() if text}
        options = {name: value for name, value in given.items() if value != method.options[name].default}
        after = form.get(f"after-{method_id}", "") or None
        placed.append(
            (int(place[:3]), MethodEntry(method_id, after if _may_follow(services, method_id) else None, options))
        )
    return [entry for _, entry in sorted(placed, key=lambda each: each[0])]


def _may_follow(services: Services, method_id: str) -> bool:
    """Whether a first factor may be asked before a method: where that is usual."""
    return services.registry[method_id].default_after is not None


def _prefilled(services: Services, policy: Policy | None) -> dict[str, str]:
    """The form of the policy in force, as a beginning."""
    form = {
        "level": (policy.min_assurance if policy else Assurance.MEDIUM).name,
        "notice": (policy and policy.notice) or "",
    }
    if policy and policy.max_age:
        form["max_age"] = str(int(policy.max_age.total_seconds() // 60) or 1)
    for method_id, method in services.registry.items():
        form[f"after-{method_id}"] = method.default_after or ""
    for place, entry in enumerate(policy.methods if policy else (), 1):
        known = services.registry.get(entry.id)
        form |= {f"place-{entry.id}": str(place), f"after-{entry.id}": entry.after or ""}
        for name, value in settle(known.options if known else {}, entry.options).items():
            form[f"option-{entry.id}-{name}"] = str(value)
    return form


def _form(
    services: Services,
    operator: Operator,
    about: tuple[str, str],
    form: Mapping[str, str],
    problems: Sequence[str],
) -> flask.Response:
    """about: the name of the service, and the address of its policies."""
    service, page = about
    return draw(
        services,
        operator,
        "console/policy_new.html",
        here="policies",
        status=422 if problems else 200,
        errors=list(problems),
        service=service,
        form={name: value[: MAX_REASON * 2] for name, value in form.items()},
        methods=[_offered(services, method_id) for method_id in services.registry],
        levels={level.name: services.pages.say(text) for level, text in LEVELS.items()},
        max_reason=MAX_REASON,
        max_notice=MAX_NOTICE,
        action=f"{page}/new",
        back_url=page,
    )


def _offered(services: Services, method_id: str) -> dict[str, Any]:
    method = services.registry[method_id]
    firsts = [each for each in sorted(services.registry.first_factors) if each != method_id]
    return {
        "id": method_id,
        "label": label_of(services, method_id),
        "firsts": {each: label_of(services, each) for each in firsts} if _may_follow(services, method_id) else {},
        "must_follow": bool(method.only_after),
        "options": [
            {
                "name": name,
                "default": str(option.default),
                "least": option.allowed[0] if isinstance(option.allowed, range) else None,
                "most": option.allowed[-1] if isinstance(option.allowed, range) else None,
                "words": () if isinstance(option.allowed, range) else option.allowed,
            }
            for name, option in method.options.items()
        ],
    }
