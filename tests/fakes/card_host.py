"""The card host: its settings, its proxy as the provider sees it, and a person whose browser goes there and back."""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.serialization import Encoding
from werkzeug.test import TestResponse

from demo.look_alike import Issued
from idp.web.card_hop import CLIENT_CERT, NGINX_CLIENT_CERT, state
from tests.fakes import card
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, csrf_of

CARD_HOST = "https://cps.idp.example"
PROXY_SECRET = "what the proxy proves itself with".replace(" ", "-")
NAVIGATION = {
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "same-site",
    "Host": "cps.idp.example",
}


def settings(folder: Path) -> dict[str, Any]:
    """Values of the settings section `card`, beside those of `igc.write`."""
    file = folder / "card-secret"
    file.write_text(PROXY_SECRET + "\n")
    file.chmod(0o600)
    return {"dialog_url": CARD_HOST, "dialog_secret_file": file}


def provider(start: Callable[..., Provider], folder: Path, **changes: Any) -> Provider:
    """As `card.provider`, with a card host."""
    return card.provider(start, folder, card={**settings(folder), **changes.pop("card", {})}, **changes)


def escaped(shown: Issued) -> str:
    """As nginx writes it: $ssl_client_escaped_cert."""
    return quote(shown.certificate.public_bytes(Encoding.PEM).decode(), safe="")


def rfc9440(shown: Issued) -> str:
    return f":{base64.b64encode(shown.der).decode()}:"


def stated(certificate: str = "", secret: str = PROXY_SECRET) -> str:
    """What the proxy writes, unless another secret is said."""
    return state(certificate, secret)


def by_proxy(shown: Issued | None = None, *, is_nginx: bool = True) -> dict[str, str]:
    """The headers of a navigation that the proxy hands on, with the certificate that the browser showed."""
    if is_nginx:
        return {**NAVIGATION, NGINX_CLIENT_CERT: stated(escaped(shown) if shown else "")}
    return {**NAVIGATION, CLIENT_CERT: stated(rfc9440(shown) if shown else "::")}


def leave(rp: RelyingParty, page: str) -> str:
    """Press the button of the card's page; the path of the visa, on the card host."""
    away = rp.browser.post(page, data={"csrf": csrf_of(rp.browser.get(page)), "dialog": "1"})
    assert away.status_code == 303, away.text
    location = str(away.headers["Location"])
    assert location.startswith(f"{CARD_HOST}/carte/"), location
    return urlsplit(location).path


def visit(
    provider: Provider, path: str, shown: Issued | None = None, headers: Mapping[str, str] | None = None
) -> TestResponse:
    """What the card host answers; no cookie of ours goes there."""
    return provider.browser().get(path, headers=by_proxy(shown) if headers is None else dict(headers))


def ticket_of(answer: TestResponse) -> str:
    """The ticket that the browser takes back, and to which page of the provider it does."""
    assert answer.status_code == 303, answer.text
    location = urlsplit(str(answer.headers["Location"]))
    assert f"{location.scheme}://{location.netloc}" == ISSUER
    name, _, ticket = location.fragment.partition("=")
    assert name == "ticket"
    assert not location.query
    return ticket


def hand_in(rp: RelyingParty, page: str, ticket: str) -> TestResponse:
    """What the script of the page posts, in the browser of this login."""
    return card.send(rp, page, {"csrf": csrf_of(rp.browser.get(page)), "ticket": ticket})


def present(rp: RelyingParty, path: str, shown: Issued | None = None, **how: bool) -> TestResponse:
    """Choose the card on a login page, and its certificate in the dialog (Anne's unless said)."""
    page = card.begin(rp, path)
    answer = visit(rp.provider, leave(rp, page), headers=by_proxy(shown or card.anne(), **how))
    return hand_in(rp, page, ticket_of(answer))
