"""A web server from which the worker fetches the revocation list of cards, and a provider whose worker does."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from demo.look_alike import Issued
from idp.flows.card_lists import CardLists
from tests.fakes import card, igc
from tests.fakes.card import RPPS, present, said
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of
from tests.fakes.site import Site, answer

NAME = "AC SANTE-DEMO ELEMENTAIRE PERSONNES"


class Mirror:
    """An authority's web server, and a provider that fetches its list from it."""

    def __init__(self, start: Callable[..., Provider], folder: Path, stack: ExitStack) -> None:
        self.folder, self._start, self._stack = folder, start, stack
        self.content = answer(b"", status=404)
        self.site = stack.enter_context(Site(None, pieces=lambda: [self.content]).running())
        self.url = f"http://127.0.0.1:{self.site.port}/persons.crl"

    def publish(self, *revoked: Issued, **options: Any) -> None:
        self.content = answer(igc.hierarchy().crl(revoked=revoked, **options).public_bytes(Encoding.DER))

    def provider(self, url: str | None = None, **settings: Any) -> Provider:
        named = [{"authority": NAME, "crl": [url or self.url]}]
        given = {"crl_files": (), "addresses": named, **settings}
        made = card.provider(self._start, self.folder, card=given, outgoing={"allowed_networks": ["127.0.0.0/8"]})
        made.add_account("anne.pierre", rpps=RPPS)
        return made


def worker(provider: Provider) -> CardLists:
    assert provider.services.card_trust
    return CardLists(provider.services, provider.services.card_trust, threading.Event())


def outcome(provider: Provider) -> str:
    """Of a login with Anne's card."""
    rp = RelyingParty(provider, "ror")
    response = present(rp, rp.open_login())
    if response.status_code == 302 or "code=" in response.headers.get("Location", ""):
        return "accepted" if answer_of(response)["code"] else ""
    if response.status_code == 303:  # a refusal has a page of its own
        response = rp.browser.get(response.headers["Location"])
    (found,) = (code for code in ("revoked", "revocation_unknown") if said(code) in response.text)
    return found


def alerts(provider: Provider) -> list[str]:
    return [event.detail["kind"] for event in provider.events("alert.raised")]
