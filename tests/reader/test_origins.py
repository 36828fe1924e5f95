"""Which texts are origins that may ever use the card, and which of them were allowed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from card_reader.origins import AllowedOrigins, OriginRefused, parse

IDP = "https://idp.example.org"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "http://idp.example.org",
        "ftp://localhost",
        "https://",
        "https://idp.example.org/",
        "https://idp.example.org/page",
        "https://idp.example.org?",
        "https://IDP.example.org",
        "HTTPS://idp.example.org",
        "https://idp.example.org:443",
        "http://localhost:80",
        "https://idp.example.org:0443",
        "https://idp.example.org:65536",
        "https://idp.example.org:",
        "https://anne@idp.example.org",
        "https://idp.example.org.",
        "https://idp..example.org",
        "https://-idp.example.org",
        "https://idp_1.example.org",
        "https://santé.example.org",
        "https://idp.example.org\n",
        " https://idp.example.org",
        "https://idp.example.org https://other.example.org",
        "https://" + "a" * 64 + ".example",
        "https://" + "a.example." * 30 + "org",
        "https://127.1",
        "https://127.0.0.01",
        "https://[::1",
        "https://[0:0:0:0:0:0:0:1]",
        "http://127.0.0.2",
        "http://localhost.example.org",
        "http://notlocalhost",
        "chrome-extension://abcdefghijklmnop",
        "file://",
    ],
)
def test_what_no_browser_would_send_or_nobody_may_use_is_refused(text: str) -> None:
    with pytest.raises(OriginRefused):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        IDP,
        "https://idp.example.org:8443",
        "https://xn--sant-epa.example.org",
        "https://192.0.2.1",
        "https://[2001:db8::1]:8443",
        "http://localhost",
        "http://localhost:8000",
        "http://demo.localhost:8000",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
    ],
)
def test_an_origin_stays_as_it_is(text: str) -> None:
    assert parse(text) == text


@pytest.mark.parametrize(
    "other",
    ["https://idp.example.org:8443", "https://other.example.org", "https://www.idp.example.org", "https://example.org"],
)
def test_nothing_but_the_same_scheme_host_and_port_is_allowed(tmp_path: Path, other: str) -> None:
    allowed = AllowedOrigins([IDP], tmp_path / "origins")
    assert allowed.allows(IDP)
    assert not allowed.allows(other)


def test_the_persons_own_list_is_kept_in_a_file(tmp_path: Path) -> None:
    own = tmp_path / "new" / "origins"
    allowed = AllowedOrigins([], own)
    allowed.add(IDP)
    allowed.add("http://localhost:8000")
    assert AllowedOrigins([], own).own == {IDP, "http://localhost:8000"}
    assert own.read_text() == f"http://localhost:8000\n{IDP}\n"
    assert {file.name for file in own.parent.iterdir()} == {"origins", ".origins.lock"}


def test_what_is_taken_back_counts_at_once(tmp_path: Path) -> None:
    allowed = AllowedOrigins([], tmp_path / "origins")
    allowed.add(IDP)
    assert AllowedOrigins([], tmp_path / "origins").remove(IDP)
    assert not allowed.allows(IDP)
    assert not allowed.remove(IDP)


def test_only_an_origin_is_added(tmp_path: Path) -> None:
    with pytest.raises(OriginRefused):
        AllowedOrigins([], tmp_path / "origins").add("http://idp.example.org")
    assert list(tmp_path.iterdir()) == []


def test_the_administrator_may_forbid_the_person_to_add_any_also_those_added_before(tmp_path: Path) -> None:
    AllowedOrigins([], tmp_path / "origins").add(IDP)
    allowed = AllowedOrigins(["https://hospital.example"], tmp_path / "origins", person_may_allow=False)
    assert not allowed.allows(IDP)
    assert allowed.allows("https://hospital.example")
    with pytest.raises(OriginRefused, match="administrator"):
        allowed.add("https://other.example.org")


def test_helper_and_commands_lose_nothing_of_each_other(tmp_path: Path) -> None:
    def add(number: int) -> None:
        AllowedOrigins([], tmp_path / "origins").add(f"https://{number}.example")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(100)))
    assert len(AllowedOrigins([], tmp_path / "origins").own) == 100


def test_a_list_that_cannot_be_read_allows_nothing_is_told_once_and_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "origins").mkdir()
    allowed = AllowedOrigins(["https://hospital.example"], tmp_path / "origins")
    assert [allowed.allows(IDP) for _ in range(3)] == [False] * 3
    assert allowed.allows("https://hospital.example")
    assert len(caplog.records) == 1
    with pytest.raises(OSError, match="directory"):
        allowed.add(IDP)
