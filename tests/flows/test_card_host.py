"""What the card host answers: to its proxy, to a navigation of a login in progress, and to nobody else."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from idp.app import build_services
from idp.settings import SettingsError
from tests.fakes import card_host
from tests.fakes.card import RPPS, anne, begin
from tests.fakes.card_host import by_proxy, leave, ticket_of, visit
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, csrf_of

pytestmark = (
    pytest.mark.embedded
)  # what the host answers; what is stored of a card, test_card_dialog asks of servers too


@pytest.fixture
def provider(start: Callable[..., Provider], tmp_path: Path) -> Provider:
    made = card_host.provider(start, tmp_path)
    made.add_account("anne.pierre", rpps=RPPS)
    return made


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider, "ror")


@pytest.fixture
def visa(rp: RelyingParty) -> str:
    return leave(rp, begin(rp, rp.open_login()))


def test_it_sends_the_browser_back_with_a_ticket_that_no_server_sees(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    answer = visit(provider, leave(rp, page), anne())
    assert answer.status_code == 303
    location = urlsplit(answer.headers["Location"])
    assert (f"{location.scheme}://{location.netloc}", location.path, location.query) == (ISSUER, page, "")
    assert location.fragment.startswith("ticket=")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers
    assert not answer.data


def test_nobody_but_the_proxy_finds_it(provider: Provider, visa: str) -> None:
    for headers in ({}, card_host.NAVIGATION):
        answer = visit(provider, visa, headers=headers)
        assert answer.status_code == 404
        assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "host",
    [
        "idp.example",
        "idp.example:443",
        "cps.idp.example.evil",
        "evil.cps.idp.example",
        "cps.idp.example:8443",
        "",
        "cps.idp.example,x",
    ],
)
def test_by_another_name_it_is_misdirected(provider: Provider, visa: str, host: str) -> None:
    answer = visit(provider, visa, headers={**by_proxy(anne()), "Host": host})
    assert answer.status_code == 421
    assert "Location" not in answer.headers


def test_it_refuses_in_the_language_of_the_browser(provider: Provider, visa: str) -> None:
    for language, said in (("fr", "depuis la page de connexion"), ("en", "from the sign-in page")):
        answer = visit(provider, f"{visa}x", headers={**by_proxy(anne()), "Accept-Language": language})
        assert (answer.status_code, answer.mimetype) == (403, "text/plain")
        assert said in answer.text


@pytest.mark.parametrize("host", ["cps.idp.example:443", "CPS.idp.example"])
def test_its_name_may_be_written_in_full(provider: Provider, visa: str, host: str) -> None:
    assert ticket_of(visit(provider, visa, headers={**by_proxy(anne()), "Host": host}))


@pytest.mark.parametrize(
    "fetch",
    [
        {"Sec-Fetch-Mode": None},
        {"Sec-Fetch-Dest": None},
        {"Sec-Fetch-Mode": None, "Sec-Fetch-Dest": None},
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Dest": "object"},
        {"Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Dest": "document,iframe"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Mode": "no-cors"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Sec-Fetch-Site": None},
        {"Sec-Fetch-Site": "none"},  # typed, or opened from a letter
        {"Sec-Fetch-Site": "cross-site"},  # a link of somebody else's
        {"Sec-Fetch-Site": "same-origin"},
    ],
)
def test_it_serves_top_level_navigations_only(provider: Provider, visa: str, fetch: dict[str, str | None]) -> None:
    headers = {name: value for name, value in {**by_proxy(anne()), **fetch}.items() if value is not None}
    answer = visit(provider, visa, headers=headers)
    assert answer.status_code == 403
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("dialog_url", "is_refused"),
    [
        ("https://idp.example:8443", True),
        ("https://idp.example.org", False),
        ("https://cps.example", False),  # is `example` a public suffix?
        ("https://example", True),
    ],
)
def test_a_link_of_another_site_is_refused_where_the_names_leave_no_doubt(
    start: Callable[..., Provider], tmp_path: Path, dialog_url: str, is_refused: bool
) -> None:
    rp = RelyingParty(card_host.provider(start, tmp_path, card={"dialog_url": dialog_url}), "ror")
    page = begin(rp, rp.open_login())
    away = rp.browser.post(page, data={"csrf": csrf_of(rp.browser.get(page)), "dialog": "1"}).headers["Location"]
    for site, status in (("none", 403), ("same-site", 303), ("cross-site", 403 if is_refused else 303)):
        headers = {**by_proxy(anne()), "Sec-Fetch-Site": site, "Host": urlsplit(away).netloc}
        assert visit(rp.provider, urlsplit(away).path, headers=headers).status_code == status, site


def test_a_visa_that_we_did_not_write_gets_nothing(provider: Provider, visa: str) -> None:
    handle, nonce, until, mac = visa.removeprefix("/carte/").split(".")
    longer = str(int(until) + 3600)
    for forged in (
        f"{handle}.{nonce}.{longer}.{mac}",
        f"x.{nonce}.{until}.{mac}",
        f"{handle}.x.{until}.{mac}",
        handle,
        "%00",
        "é",
    ):
        answer = visit(provider, f"/carte/{forged}", anne())
        assert answer.status_code == 403, forged
        assert "Location" not in answer.headers
        assert handle not in answer.text


def test_a_visa_that_has_expired_leads_back_without_a_ticket(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    path = leave(rp, page)
    provider.clock.advance(minutes=4, seconds=59)
    assert ticket_of(visit(provider, path, anne()))
    provider.clock.advance(seconds=1)
    assert visit(provider, path, anne()).headers["Location"] == f"{ISSUER}{page}"
    assert "#" not in visit(provider, path, anne()).headers["Location"]


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_it_answers_a_get_and_nothing_else(provider: Provider, visa: str, method: str) -> None:
    answer = provider.browser().open(visa, method=method, headers=by_proxy(anne()))
    assert answer.status_code in {404, 405}
    assert "Location" not in answer.headers
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/carte/", "/carte/a/b", "/carte/../login/x", "/carte//"])
def test_it_has_no_other_page(provider: Provider, path: str) -> None:
    answer = visit(provider, path, anne())
    assert answer.status_code == 404
    assert answer.mimetype == "text/plain"


def test_it_sets_no_cookie_and_reads_none(provider: Provider, rp: RelyingParty, visa: str) -> None:
    """The issuer's cookies come along where only the port differs."""
    for path in (visa, f"{visa}?lang=en", "/carte/x", "/carte/x/y?lang=en"):
        answer = rp.browser.get(path, headers=by_proxy(anne()))
        assert "Set-Cookie" not in answer.headers, path


# -- the settings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (None, 0o600, "No such file"),
        ("x" * 31, 0o600, "32 to 256"),
        ("x" * 257, 0o600, "32 to 256"),
        ("x" * 32 + " y", 0o600, "32 to 256"),
        ("x" * 32 + "\ny", 0o600, "32 to 256"),
        ("é" * 32, 0o600, "32 to 256"),
        ("x" * 32, 0o640, "accessible to others"),
    ],
)
def test_a_secret_that_will_not_do_stops_the_start(
    provider: Provider, tmp_path: Path, content: str | None, mode: int, said: str
) -> None:
    file = tmp_path / "another"
    if content is not None:
        file.write_text(content, encoding="utf-8")
        file.chmod(mode)
    known = provider.services.settings
    named = known.model_copy(update={"card": known.card.model_copy(update={"dialog_secret_file": file})})
    with pytest.raises(SettingsError, match=r"card\.dialog_secret_file: ") as caught:
        build_services(named)
    assert said in str(caught.value)
    assert "xxx" not in str(caught.value)
