"""Signing keys, as operators manage them."""

from datetime import timedelta
from pathlib import Path

from idp.errors import InvalidOperation
from idp.flows.operators.desk import Desk
from keys.algorithms import UnfitKey
from keys.file import FileSigner
from keys.ring import RotationRefused
from keys.signer import SigningKey


def rotate(desk: Desk, directory: Path, alg: str, *, publish_ahead: timedelta, keep_after: timedelta) -> SigningKey:
    """Make the next key of an algorithm; its elders retire `keep_after` that one's first use. Raises InvalidOperation.

    Keys are files, and no transaction holds both: the database is asked first whether it answers. Were it to fail
    between the rotation and the event, the key is there without it, and its date in the ring says so.
    """
    now = desk.now()
    desk.db.ping()
    with desk.db.write() as tx:
        try:
            signer = FileSigner(directory)
            after = signer.rotate(alg, now=now, publish_ahead=publish_ahead, keep_after=keep_after).keys()
        except (RotationRefused, UnfitKey) as error:
            raise InvalidOperation(str(error)) from error
        new = after[-1]
        desk.record(tx, "keys.rotated", kid=new.kid, alg=alg, not_before=new.not_before.isoformat())
    return new
