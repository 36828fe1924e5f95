"""What an upstream says of a person, by the settings' table of claims. Any claim may be missing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from idp.domain.authn import Assurance, IdentityRef
from idp.domain.means import Person
from idp.domain.national_id import identity_of
from idp.domain.practice import Practice
from idp.domain.upstream_session import UpstreamLogin
from idp.methods.federation import practice
from idp.methods.federation.faults import LoginRefused
from idp.settings.upstreams import REGISTERED_AMR, Mode, Upstream

PREFIXES: Final = {"RPPS": ("8", 11), "ADELI": ("0", 9)}  # of a PS_IdNat, and the length of the number without it
TEST_IDENTITY: Final = re.compile(r"[A-Z]{2,5}[0-9]{8,20}")  # no employee's has this form: theirs has a slash
MAX_VALUE: Final = 200  # characters of a claim that is kept


@dataclass(frozen=True, slots=True)
class Identified:
    """Who signed in there, in our words. related: further national identities of the same person. at: when it was."""

    identity: IdentityRef
    related: tuple[IdentityRef, ...]
    person: Person
    assurance: Assurance
    amr: tuple[str, ...]
    at: datetime
    evidence: Mapping[str, str]
    practice: Practice | None = None
    upstream: UpstreamLogin | None = None


def read(settings: Upstream, id_token: Mapping[str, Any], userinfo: Mapping[str, Any], at: datetime) -> Identified:
    """id_token, userinfo: their claims, verified. Raises LoginRefused."""
    said = together(settings, id_token, userinfo)
    mode = text(said, settings.mode_claim) if settings.mode_claim else ""
    worth = settings.modes.get(mode, settings.otherwise)
    identity = _identity(settings, text(said, settings.identity_claim))
    return Identified(
        identity=identity,
        related=tuple(ref for ref in _others(settings, said) if ref != identity),
        person=Person(text(said, settings.given_name_claim), text(said, settings.family_name_claim)),
        assurance=Assurance[worth.assurance],
        amr=_amr(worth, id_token.get("amr")),
        at=at,
        evidence={
            "upstream": settings.issuer,
            "upstream_sub": id_token["sub"],
            "upstream_acr": _accepted_acr(settings, id_token),
            "upstream_mode": mode,
        },
        practice=practice.read(settings, said),
    )


def together(settings: Upstream, id_token: Mapping[str, Any], userinfo: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of both. The ID Token, which is signed, goes before userinfo, which need not be.

    Raises LoginRefused where they name two people.
    """
    if len({text(each, settings.identity_claim) for each in (id_token, userinfo)} - {""}) > 1:
        raise LoginRefused("other_subject", f"{settings.identity_claim} of userinfo is not the ID Token's")
    return {**userinfo, **{name: value for name, value in id_token.items() if value is not None and value != ""}}


def text(claims: Mapping[str, Any], name: str) -> str:
    """A claim as one line of text; "" if it is missing or is none."""
    value = claims.get(name)
    return " ".join(value.split())[:MAX_VALUE] if isinstance(value, str) and value.isprintable() else ""


def _accepted_acr(settings: Upstream, id_token: Mapping[str, Any]) -> str:
    """What the upstream says of its own level, "" if nothing: recorded, and never ours.

    Raises LoginRefused for what is not accepted.
    """
    said = id_token.get("acr")
    taken = settings.acr_if_missing if said is None else said
    if settings.accepted_acr and taken not in settings.accepted_acr:
        shown = said[:MAX_VALUE] if isinstance(said, str) else type(said).__name__
        raise LoginRefused("acr_missing" if said is None else "acr_unexpected", f"acr {shown!r}")
    return text(id_token, "acr")


def _amr(worth: Mode, said: object) -> tuple[str, ...]:
    """The upstream's own, of those that are registered; else what the settings say of the mode.

    One factor alone does not bear out a level that takes two: others may have had names that are not registered.
    """
    listed = said if isinstance(said, list) else []
    known = tuple(dict.fromkeys(each for each in listed if isinstance(each, str) and each in REGISTERED_AMR))
    is_borne_out = "mfa" in known or len(known) > 1 or (known and Assurance[worth.assurance] < Assurance.MEDIUM)
    return known if is_borne_out else worth.amr


def _identity(settings: Upstream, value: str) -> IdentityRef:
    if not value:
        raise LoginRefused("identity_missing", f"no {settings.identity_claim}")
    try:
        return identity_of(settings.identity_prefix + value)
    except ValueError as error:
        if settings.test_identities and TEST_IDENTITY.fullmatch(value):
            return IdentityRef("employee", value)
        raise LoginRefused("identity_malformed", str(error)) from None


def _others(settings: Upstream, said: Mapping[str, Any]) -> Sequence[IdentityRef]:
    """Those that are what their `origine` says; test identities, and what has another form, relate to nobody."""
    listed = said.get(settings.other_ids_claim or "")
    found = (_other(each) for each in listed if isinstance(each, dict)) if isinstance(listed, list) else ()
    return [ref for ref in found if ref]


def _other(said: Mapping[str, Any]) -> IdentityRef | None:
    origin, value = text(said, "origine"), text(said, "identifiant")
    if origin not in PREFIXES:
        return None
    prefix, length = PREFIXES[origin]
    try:
        ref = identity_of(prefix + value if len(value) == length else value)
    except ValueError:
        return None
    return ref if ref.kind == origin.lower() else None
