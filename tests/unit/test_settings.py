"""Settings: closed, typed, frozen; whatever is wrong is named and stops the start."""

import os
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from idp.settings import Settings, SettingsError, load, read_secret
from idp.settings.sections import contrast_on_white

ISSUER = "https://idp.example"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SESAME_")]:
        monkeypatch.delenv(name)


def written(folder: Path, text: str) -> Path:
    file = folder / "sesame.toml"
    file.write_text(f'issuer = "{ISSUER}"\n{text}' if "issuer" not in text else text, encoding="utf-8")
    return file


# (what the file says, what the error names)
BAD_FILES: list[tuple[str, str]] = [
    ("colour = 1", "colour: unknown setting"),
    ("[mail]\nhostt = 'x'", "mail.hostt: unknown setting"),
    ("[brand]\nhome_lable = 'x'", "brand.home_lable: unknown setting"),
    ("[argon2]\nmemory = 1", "argon2.memory: unknown setting"),
    ("[[egress]]\nlabel = 'CHU'\nnetworks = ['10.0.0.0/8']\nnet = 1", "egress.0.net: unknown setting"),
    ("port = 0", "port: "),
    ("port = 'http'", "port: "),
    ("keys_dir = 5", "keys_dir: "),
    ("methods = []", "methods: "),
    ("issuer = 'http://127.0.0.1:8000'\nmethods = ['passkey']", "issuer: passkeys are for a host name"),
    ("issuer = 'https://192.0.2.7'\nmethods = ['passkey']", "issuer: passkeys are for a host name"),
    ("database_url = 'sesame.db'", "database_url: "),
    ("database_url = 'mysql://x/y'", "database_url: "),
    ("redis_url = 'localhost:6379'", "redis_url: "),
    ("log_level = 'LOUD'", "log_level: "),
    ("trusted_proxies = ['10.0.0.1/8']", "trusted_proxies.0: "),
    ("session_lifetime_s = 86400", "session_lifetime_s: "),
    ("[argon2]\nmemory_kib = 1024", "argon2.memory_kib: "),
    ("[mail]\nsender = 'nobody'", "mail.sender: "),
    ("[brand]\nlogo_url = 'javascript:alert(1)'", "brand.logo_url: "),
    ("[[brand.dashboards]]\nlabel = 'x'\nurl = 'http://bi.example/'", "brand.dashboards.0.url: "),
    ("[[brand.dashboards]]\nlabel = ' '\nurl = 'https://bi.example/'", "brand.dashboards.0.label: "),
    ("[[brand.header_links]]\nlabel = 'x'\nurl = 'javascript:alert(1)'", "brand.header_links.0.url: "),
    ("[[brand.header_links]]\nlabel = 'x'\nurl = 'https://a.example/ x'", "brand.header_links.0.url: "),
    ("[[brand.header_links]]\nurl = 'https://a.example/'", "brand.header_links.0.label: "),
    ("[brand]\nsupport_phone = 1", "brand.support_phone: "),
    ("[brand]\ncolor = '#00707C;}'", "brand.color: "),
    ("[brand]\ncolor = '#ffcc00'", "brand.color: contrast with white is under 4.5"),
    ("[[egress]]\nnetworks = ['10.0.0.0/8']", "egress.0.label: "),
    ("[card]\nauthority = 'a.pem'", "card.authority: unknown setting"),
    ("[card]\npolicies = ['1.2.x']", "card.policies.0: "),
    ("[card]\ncrl_files = 'a.crl'", "card.crl_files: "),
    ("[card]\ncrl_files = [5]", "card.crl_files.0: "),
    ("[card]\nrevocation = []", "card.revocation: "),
    ("[card]\nrevocation = ['crl', 'crl']", "card.revocation: each source once"),
    ("[card]\nrevocation = ['ocsp']", "card: revocation: ocsp needs an address"),
    ("[card]\nrevocation_max_age_h = 169", "card.revocation_max_age_h: "),
    ("[[card.addresses]]\nauthority = 'A'\ncrl = ['ldap://a/b']", "card.addresses.0.crl.0: "),
    ("[[card.addresses]]\nauthority = 'A'\nocsp = 'http://a@b/'", "card.addresses.0.ocsp: "),
    ("[[card.addresses]]\nauthority = 'A'\n[[card.addresses]]\nauthority = 'A'", "card: addresses: one for each"),
    (
        "[card]\nrevocation = ['ocsp']\nrevocation_max_age_h = 1\naddresses = [{authority = 'A', ocsp = 'http://a/'}]",
        "card: revocation_max_age_h: only a list has an age",
    ),
    ("[card]\nreader_ports = [35849, 35810]", "card.reader_ports: the first port, then the last"),
    ("[card]\nreader_ports = [80, 90]", "card.reader_ports.0: "),
    ("[card]\nreader_ports = [35810, 35874]", "card.reader_ports: the first port, then the last, 64 at most"),
    ("[card]\ndialog_url = 'https://cps.example'", "card: dialog_url and dialog_secret_file: both or neither"),
    ("[card]\ndialog_secret_file = 's'", "card: dialog_url and dialog_secret_file: both or neither"),
    ("[card]\ndialog_secret_file = 's'\ndialog_url = 'http://cps.example'", "card.dialog_url: "),
    ("[card]\ndialog_secret_file = 's'\ndialog_url = 'https://cps.example/'", "card.dialog_url: "),
    ("[card]\ndialog_secret_file = 's'\ndialog_url = 'https://cps.example/carte'", "card.dialog_url: "),
    ("[card]\ndialog_secret_file = 's'\ndialog_url = 'https://a@cps.example'", "card.dialog_url: "),
    ("[card]\ndialog_secret_file = 's'\ndialog_url = 'https://CPS.example'", "card.dialog_url: "),
    ("[card]\ndialog_secret_file = 's'\ndialog_url = 'https://idp.example'", "card.dialog_url: another host or port"),
    ("[card]\ndialog_secret_file = 's'\ndialog_url = 'https://idp.example:443'", "card.dialog_url: another host or"),
    ("[card]\ndialog_secret_file = 's'\ndialog_url = 'https://idp.example:0443'", "card.dialog_url: "),
    ("[card]\ndialog_secret_file = 's'\ndialog_url = 'https://idp.example.'", "card.dialog_url: "),
    ("[card]\ndialog_secret_file = 's'\ndialog_url = 'https://cps..example'", "card.dialog_url: "),
    ("[card]\ndialog_secret_file = 's'\ndialog_url = 'https://cps.example:99999'", "card.dialog_url: "),
    ("[card]\ndialog_secret_file = 's'\ndialog_url = 'https://192.0.2.7'", "card.dialog_url: a host name"),
    ("host = '127.0.0.1; return 200 x'", "host: "),
    ("[acr]\nLOW = 'a'", "acr: a distinct name for each"),
    ("[acr]\nLOW = 'a'\nMEDIUM = 'a'\nSUBSTANTIAL = 'b'\nHIGH = 'c'", "acr: a distinct name for each"),
    ("[acr]\nLOW = 'a b'\nMEDIUM = 'd'\nSUBSTANTIAL = 'b'\nHIGH = 'c'", "acr.LOW: "),
    ("[acr]\nTOP = 'a'", "acr.TOP"),
    ("session_lifetime_s = 600\nsession_idle_s = 1200", "session_idle_s: longer than session_lifetime_s"),
    ("keys_max_age_days = 1", "keys_publish_before_h: not shorter than keys_max_age_days"),
    ("keys_publish_before_h = 0", "keys_publish_before_h: "),
    ("issuer = 5", "issuer: "),
    ("port = ", "sesame.toml: "),
]


@pytest.mark.parametrize(("text", "named"), BAD_FILES)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(written(tmp_path, text))
    assert named in str(refusal.value)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(written(tmp_path, "colour = 1\nport = 0\n[mail]\nhostt = 'x'"))
    assert len(str(refusal.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("SESAME_PROT", "8001", "SESAME_PROT: unknown setting"),
        ("SESAME_MAILS__HOST", "x", "SESAME_MAILS__HOST: unknown setting"),
        ("SESAME_MAIL__HOSTT", "x", "mail.hostt: unknown setting"),
        ("SESAME_PORT", "http", "port: "),
        ("SESAME_MAIL__PORT", "0", "mail.port: "),
        ("SESAME_METHODS", "password", "methods"),  # a list is JSON
        ("SESAME_EGRESS", "{", "egress"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, named: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refusal:
        load(None, issuer=ISSUER)
    assert named in str(refusal.value)


def test_the_issuer_is_required() -> None:
    with pytest.raises(SettingsError, match="issuer: Field required"):
        load(None)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"issuer = '\xe9'")
    for name in ("absent.toml", "latin.toml"):
        with pytest.raises(SettingsError, match=name):
            load(tmp_path / name)


def test_the_environment_wins_also_inside_a_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, "port = 8001\n[mail]\nhost = 'smtp.example'\nport = 26")
    monkeypatch.setenv("SESAME_PORT", "8002")
    monkeypatch.setenv("SESAME_MAIL__PORT", "27")
    monkeypatch.setenv("SESAME_METHODS", '["password"]')
    monkeypatch.setenv("SESAME_SETTINGS", str(file))  # the command line's, not a setting
    settings = load(file)
    assert (settings.port, settings.mail.host, settings.mail.port) == (8002, "smtp.example", 27)
    assert settings.methods == ("password",)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    text = "keys_dir = 'k'\nsecret_file = '/run/secret'\ndatabase_url = 'sqlite:///data/x.db'"
    settings = load(written(tmp_path, text))
    assert settings.keys_dir == tmp_path / "k"
    assert settings.secret_file == Path("/run/secret")
    assert settings.database_url == f"sqlite:///{tmp_path}/data/x.db"
    assert load(written(tmp_path, "database_url = 'sqlite:////v/x.db'")).database_url == "sqlite:////v/x.db"
    server = "postgresql+psycopg://sesame@db/sesame"
    assert load(written(tmp_path, f"database_url = '{server}'")).database_url == server


def test_paths_of_mail_are_relative_to_the_file(tmp_path: Path) -> None:
    text = "[mail]\ntls = 'starttls'\nca_file = 'ca.pem'\nusername = 'u'\npassword_file = '/run/mail'"
    mail = load(written(tmp_path, text)).mail
    assert (mail.ca_file, mail.password_file) == (tmp_path / "ca.pem", Path("/run/mail"))


def test_paths_of_cards_are_relative_to_the_file(tmp_path: Path) -> None:
    card = load(written(tmp_path, "[card]\nauthorities = 'a.pem'\ncrl_files = ['lists', '/run/a.crl']")).card
    assert (card.authorities, card.crl_files) == (tmp_path / "a.pem", (tmp_path / "lists", Path("/run/a.crl")))
    assert card.revocation_dir == tmp_path / "revocation"
    assert load(written(tmp_path, "[card]\nrevocation_dir = '/var/lib/x'")).card.revocation_dir == Path("/var/lib/x")


@pytest.mark.parametrize(
    ("mail", "said"),
    [
        ({"tls": "ssl"}, "mail.tls: "),
        ({"username": "u"}, "username and password_file"),
        ({"password_file": "p"}, "username and password_file"),
        ({"username": "u", "password_file": "p", "host": "smtp.example"}, "username: needs tls"),
        ({"username": "u", "password_file": "p", "host": "192.0.2.1"}, "username: needs tls"),
        ({"username": "u", "password_file": "p", "host": "localhost.example"}, "username: needs tls"),
    ],
)
def test_mail_settings_that_are_refused(mail: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load(None, issuer=ISSUER, mail=mail)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2", "::1"])
def test_a_relay_of_this_machine_may_ask_a_password_in_clear(host: str) -> None:
    assert load(None, issuer=ISSUER, mail={"host": host, "username": "u", "password_file": "p"}).mail.host == host


@pytest.mark.spec("OIDC Discovery §3")
@pytest.mark.parametrize(
    "issuer",
    ["", "idp.example", "http://idp.example", "https://", "https:///", "https://idp.example/", "https://idp.example/na",
     "https://idp.example?x", "https://idp.example#", "https://IDP.example", "HTTPS://idp.example",
     "https://anne@idp.example", "https://idp.example:port", "https://idp example", "https://idp.example\n",
     "http://localhost.example", "http://127.0.0.1:80.example", "http://localhost:8000/", "ftp://localhost:1"],
)  # fmt: skip
def test_an_issuer_that_is_refused(issuer: str) -> None:
    with pytest.raises(SettingsError, match="issuer: "):
        load(None, issuer=issuer)


@pytest.mark.parametrize(
    ("issuer", "secure"),
    [
        ("https://idp.example", True),
        ("https://idp.example:8443", True),
        ("http://localhost:8000", False),
        ("http://127.0.0.1:8000", False),
        ("http://localhost", False),
    ],
)
def test_an_issuer_that_is_taken(issuer: str, secure: bool) -> None:
    assert load(None, issuer=issuer).is_secure is secure


def test_settings_cannot_be_changed() -> None:
    settings = load(None, issuer=ISSUER)
    changes: list[tuple[Any, str]] = [(settings, "port"), (settings.mail, "port"), (settings.brand, "name")]
    for section, name in changes:
        with pytest.raises(ValidationError):
            setattr(section, name, 1)


def test_passwords_in_addresses_are_not_shown() -> None:
    settings = load(None, issuer=ISSUER, database_url="postgresql://u:hunter2@h/d", redis_url="redis://:hunter2@h")
    assert "hunter2" not in repr(settings) + str(settings)


def test_defaults_are_those_of_production() -> None:
    settings = load(None, issuer=ISSUER)
    assert settings.session_lifetime == timedelta(hours=4)
    assert settings.session_idle == timedelta(minutes=30)
    assert (settings.argon2.memory_kib, settings.argon2.time_cost, settings.argon2.parallelism) == (19456, 2, 1)
    assert settings.host == "127.0.0.1"
    assert settings.trusted_proxies == ()
    assert Settings(issuer=ISSUER) == settings


def test_networks_of_operators() -> None:
    egress = [{"label": "CHU", "networks": ["192.0.2.0/24", "2001:db8::/32"]}]
    found = load(None, issuer=ISSUER, egress=egress).egress[0]
    assert found.networks == (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))
    assert found.failures_per_10_min > load(None, issuer=ISSUER).failures_per_10_min


@pytest.mark.spec("WCAG 2.1 §1.4.3")
@pytest.mark.parametrize(
    ("color", "ratio"), [("#000000", 21.0), ("#ffffff", 1.0), ("#767676", 4.54), ("#777777", 4.48), ("#ff0000", 4.0)]
)
def test_contrast_on_white(color: str, ratio: float) -> None:
    assert contrast_on_white(color) == pytest.approx(ratio, abs=0.005)


def test_the_secret(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    with pytest.raises(SettingsError, match="sesame init"):
        read_secret(file)
    file.write_bytes(b"s" * 32 + b"\n")
    file.chmod(0o600)
    assert read_secret(file) == b"s" * 32
    with pytest.raises(SettingsError, match="secret_file"):
        read_secret(tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601])
def test_a_secret_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"s" * 32)
    file.chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_secret(file)


@pytest.mark.parametrize("content", [b"", b"s" * 31, b"s" * 31 + b"\n\n\n"])
def test_a_short_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(SettingsError, match="32 bytes"):
        read_secret(file)
