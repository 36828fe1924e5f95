"""A card by the browser's certificate dialog, through nginx, from a service and back to it.

The last test goes the whole way: virtual card, virtual reader, pcscd, OpenSC, NSS, Chromium's own dialog for the PIN.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from card_reader import modules
from demo.look_alike import Issued
from idp.methods.card_causes import REFUSED
from tests.browser.conftest import ARGUMENTS, DEADLINE_MS
from tests.fakes.card_clinic import Clinic, clinic
from tests.fakes.display import Display, display
from tests.fakes.virtual_card.piv import AUTHENTICATION, SIGNATURE
from tests.fakes.virtual_card.reader import NoNamespaces, VirtualReader, namespaces, virtual_reader
from tests.fakes.waiting import until

PIN, CARD = "1234", "anne"
STARTS = 4
WITH_WINDOWS = tuple(each for each in ARGUMENTS if each != "--disable-gpu")  # which makes windows that close fatal
PIN_WINDOW = "Unlock Security Device"  # Chromium's, in its own language
Open = Callable[[Issued | None], Page]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with clinic(tmp_path_factory.mktemp("clinic"), "localhost") as made:  # Playwright asks the system for other names
        yield made


@pytest.fixture
def opens(place: Clinic, chromium: Browser) -> Iterator[Open]:
    """A window on the card's page, of a browser in which this certificate is chosen."""
    with ExitStack() as stack:

        def open_page(shown: Issued | None) -> Page:
            chosen = [
                {
                    "origin": place.site.card_url,
                    "cert": shown.certificate.public_bytes(Encoding.PEM),
                    "key": shown.private_pem(),
                }
            ] if shown else None  # fmt: skip
            context = chromium.new_context(locale="fr-FR", ignore_https_errors=True, client_certificates=chosen)  # type: ignore[arg-type]
            stack.callback(context.close)
            context.set_default_timeout(DEADLINE_MS)
            return begins(context, place)

        yield open_page


def begins(context: BrowserContext, place: Clinic) -> Page:
    """A login, up to the dialog."""
    page = context.new_page()
    page.goto(place.address)
    page.click("#method-cps_card")
    page.locator("#card-dialog-too, #card-dialog").locator("visible=true").first.click(no_wait_after=True)
    return page


def test_the_certificate_of_the_card_leads_to_the_service(place: Clinic, opens: Open) -> None:
    page = opens(place.card())
    expect(page.locator("#arrived")).to_be_visible(timeout=DEADLINE_MS)
    assert page.url.startswith(f"{place.service}/callback?")


@pytest.mark.parametrize(("shown", "cause"), [("none", "no_certificate"), ("self-signed", "unknown_authority")])
def test_what_is_no_card_is_explained_and_nothing_stays_in_the_address(
    place: Clinic, opens: Open, shown: str, cause: str
) -> None:
    page = opens(None if shown == "none" else place.card(shown))
    expect(page.get_by_text(REFUSED[cause].code)).to_be_visible(timeout=DEADLINE_MS)
    assert page.url.startswith(place.site.url)
    assert "#" not in page.url


# --- the whole way ---


@pytest.fixture
def reader(place: Clinic) -> Iterator[VirtualReader]:
    """With Anne's card in it."""
    signature = place.hierarchy.issue(purpose="signature", level="FORT")
    with tempfile.TemporaryDirectory(prefix="reader") as folder:  # a short path
        try:
            with virtual_reader(Path(folder)) as made:
                made.make(CARD, {AUTHENTICATION: place.card(), SIGNATURE: signature}, PIN)
                made.insert(CARD)
                yield made
        except NoNamespaces:
            pytest.skip("no network namespace can be made here; as root: tests/run browser")


@pytest.fixture
def screen() -> Iterator[Display]:
    with display() as made:
        yield made


def with_policy(folder: Path, place: Clinic) -> Path:
    """Chromium with a policy of its own: it chooses the certificate of the authority without its dialog.

    Policies have one place on a machine, hence a mount namespace.
    """
    wanted = {"pattern": place.site.card_url, "filter": {"ISSUER": {"CN": "AC SANTE-DEMO ELEMENTAIRE PERSONNES"}}}
    policy, starter = folder / "policy.json", folder / "chromium"
    policy.write_text(json.dumps({"AutoSelectCertificateForUrls": [json.dumps(wanted)]}))
    managed = "/etc/chromium/policies/managed"
    within = f"mount -t tmpfs none /etc/chromium && mkdir -p {managed} && cp {policy} {managed} && exec chromium"
    starter.write_text(f'#!/bin/sh\nexec {" ".join(namespaces("--mount"))} sh -c \'{within} "$@"\' sh "$@"\n')
    starter.chmod(0o700)
    return starter


@pytest.fixture
def workstation(
    place: Clinic, chromium: Browser, reader: VirtualReader, screen: Display, tmp_path: Path
) -> Iterator[Callable[[], BrowserContext]]:
    """Start Chromium of somebody whose workstation is set up for cards."""
    home = tmp_path / "home"
    place_of_card = {"HOME": str(home), "PCSCLITE_CSOCK_NAME": str(reader.socket), "DISPLAY": screen.name}
    environment: dict[str, str | float | bool] = {**os.environ, **place_of_card}
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)

    def nss(*command: str) -> None:
        variables = {**os.environ, **place_of_card}
        subprocess.run(command, check=True, input="\n", text=True, capture_output=True, env=variables)

    nss("certutil", "-d", f"sql:{database}", "-N", "--empty-password")
    for tls in ("tls", "card-tls"):
        authority = place.site.folder / tls / "ca.pem"
        nss("certutil", "-d", f"sql:{database}", "-A", "-t", "C,,", "-n", tls, "-i", str(authority))
    nss("modutil", "-dbdir", f"sql:{database}", "-add", "card", "-libfile", str(modules.find()), "-force")
    starter = with_policy(tmp_path, place)
    with ExitStack() as stack:

        def start() -> BrowserContext:
            browser = chromium.browser_type.launch(
                executable_path=starter, args=WITH_WINDOWS, headless=False, env=environment
            )
            stack.callback(browser.close)
            made = browser.new_context(locale="fr-FR")
            made.set_default_timeout(DEADLINE_MS)
            return made

        yield start


def types_the_pin(reader: VirtualReader, screen: Display) -> None:
    """In Chromium's window, until the card has signed, or Chromium is gone. Meanwhile Playwright hears nothing."""
    before = reader.counts(CARD)["signatures"]

    def is_over() -> bool:
        for window in screen.windows(PIN_WINDOW):
            screen.types(window, PIN)
        return reader.counts(CARD)["signatures"] > before or not screen.windows("Chromium")

    until(is_over)


def signs_in(
    start: Callable[[], BrowserContext], place: Clinic, reader: VirtualReader, screen: Display
) -> tuple[BrowserContext, Page]:
    """A first login. Where there is no graphics card, Chromium 156 may die (SIGTRAP) when the PIN's window closes."""
    for _ in range(STARTS):
        context = start()
        page = begins(context, place)
        types_the_pin(reader, screen)
        try:
            expect(page.locator("#arrived")).to_be_visible(timeout=DEADLINE_MS)
        except (AssertionError, Error):
            if context.browser is None or context.browser.is_connected():
                raise
        else:
            return context, page
    pytest.fail(f"Chromium ended {STARTS} times")


def test_each_login_needs_the_card_in_the_reader(
    place: Clinic, reader: VirtualReader, screen: Display, workstation: Callable[[], BrowserContext]
) -> None:
    context, page = signs_in(workstation, place, reader, screen)
    assert page.url.startswith(f"{place.service}/callback?")
    signed = reader.counts(CARD)
    assert signed["tries_left"] == 3
    page.close()

    context.clear_cookies()
    page = begins(context, place)  # NSS remembers the PIN
    expect(page.locator("#arrived")).to_be_visible(timeout=DEADLINE_MS)
    again = {**signed, "signatures": signed["signatures"] + 1}
    assert reader.counts(CARD) == again, "the card signed again: no session of TLS was resumed"
    page.close()

    context.clear_cookies()
    reader.remove()
    page = begins(context, place)
    expect(page.get_by_text(REFUSED["no_certificate"].code)).to_be_visible(timeout=DEADLINE_MS)
    assert reader.counts(CARD) == again
