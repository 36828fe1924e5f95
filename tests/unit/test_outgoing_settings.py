"""Settings of the provider's own requests, and what they cost who makes none."""

import subprocess
import sys
from pathlib import Path

import pytest

from idp.outgoing import Outgoing
from idp.settings import SettingsError, load, sections

SETTINGS = """
issuer = "https://idp.example"
[outgoing]
ca_file = "region.pem"
"""


def test_authorities_are_beside_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "sesame.toml").write_text(SETTINGS)
    assert load(tmp_path / "sesame.toml").outgoing.ca_file == tmp_path / "region.pem"


def test_authorities_that_cannot_be_read_are_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"outgoing.ca_file: No such file"):
        Outgoing(sections.Outgoing(ca_file=tmp_path / "absent"))
    (tmp_path / "no.pem").write_text("no certificate")
    with pytest.raises(SettingsError, match=r"outgoing.ca_file: .+no.pem"):
        Outgoing(sections.Outgoing(ca_file=tmp_path / "no.pem"))


@pytest.mark.parametrize(
    "proxy",
    [
        "proxy.example:3128",
        "https://proxy.example:3128",
        "http://proxy.example",
        "http://proxy.example:0",
        "http://proxy.example:65536",
        "http://proxy.example:3128/path",
    ],
)
def test_a_proxy_of_another_form_stops_the_start(proxy: str) -> None:
    with pytest.raises(SettingsError, match=r"^outgoing.proxy: "):
        load(None, issuer="https://idp.example", outgoing={"proxy": proxy})


def test_the_password_of_a_proxy_is_not_shown() -> None:
    assert "secret" not in repr(sections.Outgoing(proxy="http://sesame:secret@proxy.example:3128"))


def test_who_sends_nothing_loads_nothing() -> None:
    code = "import sys, idp.outgoing; sys.exit(bool({'requests', 'urllib3'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
