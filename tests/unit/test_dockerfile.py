"""The image runs with settings that exist, and is reached from outside it."""

import re
from pathlib import Path

import pytest

from idp.settings import PREFIX, load

REPOSITORY = Path(__file__).parents[2]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")


def test_the_image_listens_on_every_address_of_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    given = dict(re.findall(rf"({PREFIX}[A-Z_]+)=(\S+)", DOCKERFILE))
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = load(None, issuer="https://idp.example")
    assert settings.host == "0.0.0.0"
    assert f"EXPOSE {settings.port}" in DOCKERFILE
    assert f"127.0.0.1:{settings.port}/healthz" in DOCKERFILE


def test_what_must_last_lies_in_the_volume_and_belongs_to_the_user() -> None:
    work, home, volume = (re.findall(pattern, DOCKERFILE, re.MULTILINE) for pattern in (
        r"^WORKDIR (/var/\S+)$", r"--home-dir (\S+)", r"^VOLUME (\S+)$"))  # fmt: skip
    assert work == home == volume
    assert DOCKERFILE.index("USER 10001") < DOCKERFILE.index("VOLUME")


def test_the_helper_of_a_workstation_is_not_in_the_image() -> None:
    locked = (REPOSITORY / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    assert "COPY card_reader" not in DOCKERFILE
    assert "rm /opt/sesame/bin/sesame-reader" in DOCKERFILE
    assert "python-pkcs11" not in locked
