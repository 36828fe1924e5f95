"""Signing keys and data keys, as operators and the worker manage them. Each function raises InvalidOperation,
and SignerUnavailable where a token holds the keys and does not answer.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from idp.errors import InvalidOperation
from idp.flows.operators.desk import Desk
from idp.store import Tx
from keys import data_ring, ring
from keys.algorithms import ALGORITHMS, UnfitKey
from keys.place import Place
from keys.ring import RotationRefused
from keys.signer import Keyring, KeyUnavailable, SignerUnavailable, SigningKey

KEEP_AFTER: Final = timedelta(hours=24)  # longer than every token that the key signed
REMOVE_AFTER: Final = timedelta(days=30)


def rotate(desk: Desk, place: Place, alg: str, *, publish_before: timedelta) -> SigningKey:
    """Make the next key of an algorithm; if `publish_before` is zero it is used at once, a pending one first."""
    return _rotate(desk, place.open(), alg, publish_before)


def withdraw(desk: Desk, place: Place, alg: str, kid: str, *, publish_before: timedelta) -> SigningKey:
    """Neither use nor publish a key any more, for others may have it; the key that signs now or next."""
    signer, now = place.open(), desk.now()
    if kid not in {key.kid for key in ring.of(signer.keys(), alg)}:
        raise InvalidOperation(f"{kid} is not the kid of a key for {alg}")
    with _unit(desk) as tx:
        signer = signer.withdraw(kid, now=now, publish_ahead=publish_before, keep_after=KEEP_AFTER)
        successor = _latest(signer, alg, now)
        desk.record(tx, "keys.withdrawn", kid=kid, alg=alg, successor=successor.kid)
    return successor


def rotate_due(desk: Desk, place: Place, *, max_age: timedelta, publish_before: timedelta) -> tuple[SigningKey, ...]:
    """Make a successor for each key that would outlive `max_age`; delete those retired for long. Gives the new keys.

    For the worker, at any interval: it does nothing twice, nor beside another worker, as `publish_before` is positive.
    max_age: zero for never.
    """
    signer, made = place.open(), []
    for alg in ALGORITHMS if max_age else ():
        signer.reload()  # another worker may be at it too
        if alg in ring.due(signer.keys(), desk.now(), max_age, publish_before):
            with suppress(InvalidOperation):  # and was faster: its key is pending
                made.append(_rotate(desk, signer, alg, publish_before))
    signer.reload()
    _remove_retired(desk, signer)
    return tuple(made)


def rotate_data(desk: Desk, secret_file: Path) -> int:
    """Add a data key, under which everything is sealed from now on; its kid."""
    with _unit(desk) as tx:
        kid = data_ring.append(secret_file)
        desk.record(tx, "keys.data_rotated", kid=kid)
    return kid


def _rotate(desk: Desk, signer: Keyring, alg: str, publish_before: timedelta) -> SigningKey:
    now = desk.now()
    with _unit(desk) as tx:
        after = signer.rotate(alg, now=now, publish_ahead=publish_before, keep_after=KEEP_AFTER)
        new = _latest(after, alg, now)
        desk.record(tx, "keys.rotated", kid=new.kid, alg=alg, not_before=new.not_before.isoformat())
    return new


def _remove_retired(desk: Desk, signer: Keyring) -> None:
    now = desk.now()
    if ring.plan_removal(signer.keys(), now, REMOVE_AFTER) == signer.keys():
        return
    with _unit(desk) as tx:
        for key in signer.remove_retired(now=now, retired_for=REMOVE_AFTER):
            desk.record(tx, "keys.removed", kid=key.kid, alg=key.alg)


@contextmanager
def _unit(desk: Desk) -> Iterator[Tx]:
    """A unit that records a change of key files, and bumps the version at which every process reads them again.

    Keys are files or in a token, and no transaction holds both: the database is asked first whether it answers. Were it
    to fail between the change and the event, the key is there without it, and its date in the ring says so.
    """
    desk.db.ping()
    with desk.db.write() as tx:
        try:
            yield tx
        except SignerUnavailable:  # no refusal, which `rotate_due` passes over: somebody must look
            raise
        except (RotationRefused, UnfitKey, KeyUnavailable) as error:
            raise InvalidOperation(str(error)) from error
        tx.meta.bump_config()


def _latest(signer: Keyring, alg: str, now: datetime) -> SigningKey:
    """The key of `alg` that signs now or next."""
    return max(ring.of(ring.published(signer.keys(), now), alg), key=lambda key: key.not_before)
