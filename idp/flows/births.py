"""Days of birth of registrations: what they are sealed for, and sealing them again when there is another data key."""

from collections.abc import Callable

import structlog

from idp.flows.services import Services
from idp.store.registrations import Birth
from keys.seal import SealBroken


def purpose(registration_id: str) -> str:
    """What the day and month of birth are sealed for."""
    return f"registration:{registration_id}"


def seal_again(services: Services, *, is_stopped: Callable[[], bool] = lambda: False) -> bool:
    """Seal every one under the newest data key; then older ones may go, which `sesame doctor` says.

    One that does not open is passed by. False: there is never more to do.
    """
    header, done, last = services.data_keys.seal_header, 0, ""
    while not is_stopped():
        with services.db.read() as tx:
            page = tx.registrations.births_sealed_otherwise(header, after=last)
        if not page:
            break
        for each in page:
            if sealed := _sealed_again(services, each):
                with services.db.write() as tx:
                    done += tx.registrations.seal_birth_again(each, sealed)
        last = page[-1].registration_id
    if done:
        structlog.get_logger().info("days of birth sealed under the newest data key", count=done)
    return False


def _sealed_again(services: Services, birth: Birth) -> bytes | None:
    """None, logged, for one that does not open: its key was taken out of the ring, or it was altered."""
    keys, this = services.data_keys, purpose(birth.registration_id)
    try:
        return keys.seal(keys.open(birth.sealed, purpose=this), purpose=this)
    except SealBroken as error:
        structlog.get_logger().error(
            "a day of birth does not open", registration=birth.registration_id, cause=str(error)
        )
        return None
