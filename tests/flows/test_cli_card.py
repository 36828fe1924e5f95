"""`sesame card nginx`: what it prints and writes, and what stops it. nginx itself: tests/servers."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.look_alike import Hierarchy
from idp.pki.authorities import load
from tests.fakes.command_line import CommandLine

pytestmark = pytest.mark.embedded  # asks nothing of a store

SECRET = "A1/+" * 12


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    made = Hierarchy.make(datetime.now(UTC))
    (tmp_path / "authorities").mkdir()
    for level in ("STANDARD", "FORT"):
        made.write_authorities(tmp_path / "authorities" / f"{level}.pem", made.authority(level))
    (tmp_path / "card-secret").write_text(f"{SECRET}\n")
    (tmp_path / "card-secret").chmod(0o600)
    text = '[card]\nauthorities = "authorities"\ndialog_url = "https://cps.region.example"\n'
    return CommandLine.in_folder(tmp_path, f'{text}dialog_secret_file = "card-secret"\n')


def test_it_prints_the_block_of_the_card_host_and_the_lines_of_every_other(line: CommandLine) -> None:
    said = line.run("card", "nginx")
    for each in (
        "listen 443 ssl;", "listen [::]:443 ssl;", "server_name cps.region.example;", "ssl_protocols TLSv1.2;",
        "ssl_verify_client optional_no_ca;", "ssl_session_cache off;", "ssl_session_tickets off;",
        "keepalive_timeout 0;",
        "proxy_pass http://127.0.0.1:8000;", 'proxy_set_header Host "cps.region.example";',
        "include /etc/nginx/sesame/card-secret.conf;", 'proxy_set_header Client-Cert "";',
        "proxy_set_header X-Forwarded-For $remote_addr;", "proxy_set_header X-Request-Id $request_id;",
        "proxy_set_header Sec-Purpose $http_sec_purpose;",
    ):  # fmt: skip
        assert f" {each}" in said, each
    others = said.partition("EVERY other")[2].splitlines()[2:]
    assert others.pop().startswith('if ($ssl_server_name = "cps.region.example") { return 421; }')
    assert sorted(others) == [
        'proxy_set_header Client-Cert "";',
        'proxy_set_header X-Sesame-Client-Cert "";',
    ]
    assert "@" not in said
    assert SECRET not in said


def test_another_port_and_another_provider(line: CommandLine) -> None:
    settings = line.folder / "sesame.toml"
    settings.write_text('host = "::"\n' + settings.read_text().replace("cps.region.example", "idp.example:8443"))
    said = line.run("card", "nginx")
    for each in ("listen 8443 ssl;", "server_name idp.example;", '"idp.example:8443"', "proxy_pass http://[::1]:8000;"):
        assert each in said
    settings.write_text(settings.read_text().replace("http://localhost:8000", "https://idp.example"))
    said = line.run("card", "nginx").partition("EVERY other")[2]
    assert "421" not in said, "another port of the issuer's own name"
    said = line.run("card", "nginx", "--listen", "192.0.2.7:443", "--upstream", "http://unix:/run/idp.sock")
    assert "listen 192.0.2.7:443 ssl;" in said
    assert "listen 8443" not in said
    assert "proxy_pass http://unix:/run/idp.sock;" in said


def test_it_writes_what_nginx_includes_and_the_secret_for_its_owner_alone(line: CommandLine) -> None:
    folder = line.folder / "nginx" / "sesame"
    printed = line.run("card", "nginx", "--folder", str(folder))
    for _ in range(2):  # it may be repeated
        written = line.run("card", "nginx", "--folder", str(folder), "--write").splitlines()
    assert {Path(each).name: Path(each).stat().st_mode & 0o777 for each in written} == {
        "card-authorities.pem": 0o644, "card-secret.conf": 0o600, "other-hosts.conf": 0o644, "card-host.conf": 0o644,
    }  # fmt: skip
    assert (folder / "card-secret.conf").read_text() == (
        f"proxy_set_header X-Sesame-Client-Cert '$ssl_client_escaped_cert;secret=\"{SECRET}\"';\n"
    )
    assert f"{(folder / 'card-host.conf').read_text()}\n{(folder / 'other-hosts.conf').read_text()}".rstrip() == printed
    assert len(load(folder / "card-authorities.pem", test_cards=False)) == 2
    assert sorted(each.name for each in folder.iterdir()) == sorted(Path(each).name for each in written)


def test_init_makes_the_secret_that_is_missing_and_no_other(line: CommandLine) -> None:
    line.run("init")
    assert (line.folder / "card-secret").read_text() == f"{SECRET}\n"
    (line.folder / "card-secret").unlink()
    line.run("init")
    assert (line.folder / "card-secret").stat().st_mode & 0o777 == 0o600
    assert len((line.folder / "card-secret").read_text()) == 64
    line.run("card", "nginx", "--folder", str(line.folder / "n"), "--write")


def test_without_a_card_host_there_is_nothing_to_configure(tmp_path: Path) -> None:
    assert (
        CommandLine.in_folder(tmp_path).refused("card", "nginx") == "card.dialog_url: there is no card host without it"
    )


@pytest.mark.parametrize("secret", ['"' * 48, "$" * 48, "\\" * 48, "é" * 48, "a" * 40 + "\n" + "b" * 40])
def test_a_secret_that_nginx_would_read_otherwise_is_refused(line: CommandLine, secret: str) -> None:
    (line.folder / "card-secret").write_text(secret)
    said = line.refused("card", "nginx", "--folder", str(line.folder / "n"), "--write")
    assert "card.dialog_secret_file" in said
    assert not (line.folder / "n").exists()


def test_a_secret_that_others_may_read_is_refused(line: CommandLine) -> None:
    (line.folder / "card-secret").chmod(0o644)
    assert "chmod 600" in line.refused("card", "nginx", "--folder", str(line.folder / "n"), "--write")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *((option, "a;b") for option in ("--folder", "--certificate", "--key", "--logs", "--upstream")),
        *(("--listen", value) for value in ("a b", "a\nb", "a{", "a}", 'a"', "a'", "$a", "a\\", "a*", "a#")),
    ],
)
def test_what_nginx_would_read_as_more_than_a_name_is_refused(line: CommandLine, option: str, value: str) -> None:
    assert "more than a name" in line.refused("card", "nginx", option, value)
