"""A method stays within what it declares: its proofs, and where it sends people."""

from datetime import datetime

from idp.domain.authn import Proof
from idp.domain.means import NATIONAL
from idp.methods.base import IDENTITY_KINDS, Method
from idp.settings.origins import origin_of


class OutOfBounds(Exception):
    """A method gave a proof that it may not give; the text says why, for the log."""


def check_bounds(method: Method, proof: Proof, now: datetime) -> None:
    """Raises OutOfBounds for a proof that is not within what its method declares."""
    declared = {
        "method": proof.method == method.id,
        "after": proof.after is None,  # the driver alone composes
        "amr": bool(proof.amr) and set(proof.amr) <= method.amr,
        "assurance": proof.assurance <= method.assurance,
        "identity": proof.identity.kind in IDENTITY_KINDS and bool(proof.identity.value),
        "national": (proof.identity.kind in NATIONAL) == method.proves_national_identity,
        "at": proof.at.tzinfo is not None and proof.at <= now,
        "anchor": bool(proof.anchor),
        "until": proof.until is not None and now < proof.until if method.is_temporary else proof.until is None,
    }
    wrong = [name for name, is_sound in declared.items() if not is_sound]
    if wrong:
        raise OutOfBounds(f"{method.id}: a proof beyond what is declared: {', '.join(wrong)}")


def check_order(method: Method, first: Proof | None) -> None:
    """Raises OutOfBounds where a method ran without the first factor that it never goes without."""
    if method.only_after and (first is None or first.method != method.only_after):
        raise OutOfBounds(f"{method.id}: only after {method.only_after}")


def check_target(method: Method, url: str, origins: frozenset[str]) -> None:
    """Raises OutOfBounds for a Redirect to an origin that is none of those that the method declares."""
    if origin_of(url) not in origins:
        raise OutOfBounds(f"{method.id}: a Redirect to an origin beyond what is declared")
