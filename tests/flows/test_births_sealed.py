"""Days of birth of registrations, when the data keys are rotated."""

from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import text

from idp.cli.doctor import stores
from idp.cli.doctor.finding import Level
from idp.domain.registration import Registration
from idp.flows import births, worker
from idp.flows.operators import keyring
from idp.flows.operators import registrations as desk_of
from idp.flows.operators.desk import Desk
from idp.store import registrations
from tests.fakes.provider import Provider
from tests.fakes.registering import now_of, submit


def rotate(provider: Provider) -> int:
    kid = keyring.rotate_data(provider.desk, provider.services.settings.secret_file)
    provider.services.data_keys.reload()
    return kid


def shown(provider: Provider, made: Registration) -> str:
    """What support reads, who claims it first."""
    claire = Desk(provider.services.db, provider.clock, provider.services.registry, "claire")
    desk_of.claim(claire, made.registration_id, now_of(provider, made.registration_id).version)
    return desk_of.birth(provider.services, claire, made.registration_id)


def test_the_worker_seals_them_again_under_a_new_key(provider: Provider) -> None:
    made = submit(provider)
    submit(provider, birth=None)
    kid = rotate(provider)
    task = next(each for each in worker.tasks(provider.services, Event()) if each.name == "seal births again")
    assert task.alone
    assert not task.run()
    after = now_of(provider, made.registration_id)
    assert after.birth
    assert after.birth[1:5] == kid.to_bytes(4, "big")
    assert after.version == made.version
    assert shown(provider, made) == "17/05"
    assert not births.seal_again(provider.services)
    assert now_of(provider, made.registration_id).birth == after.birth


def test_those_that_do_not_open_keep_no_other_from_being_sealed_again(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registrations, "BATCH", 2)
    for _ in range(4):
        submit(provider)
    with provider.services.db.engine.begin() as connection:
        connection.execute(text("UPDATE registration SET birth = :it"), {"it": b"\x02\x00\x00\x00\x01broken"})
    good = submit(provider)
    kid = rotate(provider)
    births.seal_again(provider.services)
    assert (now_of(provider, good.registration_id).birth or b"")[1:5] == kid.to_bytes(4, "big")


def test_sealing_again_stops_with_the_worker(provider: Provider) -> None:
    made = submit(provider)
    rotate(provider)
    births.seal_again(provider.services, is_stopped=lambda: True)
    assert now_of(provider, made.registration_id) == made


def test_the_doctor_counts_them(provider: Provider) -> None:
    assert found(provider) == []
    submit(provider)
    assert found(provider) == [(Level.OK, "1 days of birth of registrations under data key 1")]
    before = Path(provider.services.settings.secret_file).read_bytes()
    rotate(provider)
    ((level, told),) = found(provider)
    assert (level, "keep its line" in told) == (Level.WARN, True)
    births.seal_again(provider.services)
    Path(provider.services.settings.secret_file).write_bytes(before)
    ((level, told),) = found(provider)
    assert (level, "put the line back" in told) == (Level.FAIL, True)


def found(provider: Provider) -> list[tuple[Level, str]]:
    return [(each.level, each.text) for each in stores.sealed_secrets(provider.services.settings)]
