"""npm's oidc-provider as an upstream, by settings alone: neither knows the other but by the standards."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from demo.look_alike import ANNE as RPPS
from tests.browser.conftest import DEADLINE_MS
from tests.browser.visitor import Watch
from tests.clients.person import Person
from tests.clients.running_provider import RunningProvider, own_environment, running
from tests.clients.test_openid_client import PROGRAM as SERVICE
from tests.fakes.servers import free_port

UPSTREAM = Path(__file__).with_name("upstream_provider.mjs")
METHOD, SECRET = "regional", "a secret: with+what%20is escaped"
LABEL = "Identité régionale"
PERSON = {"national_id": RPPS, "given_name": "Luc", "family_name": "Durand", "how": "badge"}
SECTIONS = """
[outgoing]
allowed_networks = ["127.0.0.1/32", "::1/128"]

[upstreams.{method}]
label = "{label}"
issuer = "{issuer}"
client_id = "sesame"
client_secret_file = "upstream_secret"
scopes = ["openid", "profile", "rpps"]
identity_claim = "national_id"
identity_prefix = "8"
mode_claim = "how"
modes = {{badge = {{assurance = "MEDIUM", amr = ["hwk", "mfa"]}}}}
backchannel_logout = true
"""


@dataclass(frozen=True, slots=True)
class Chain:
    """A service before our provider, which is before the upstream. account_id: of Luc."""

    home: str
    upstream: str
    provider: RunningProvider
    account_id: str


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    node = shutil.which("node") or pytest.fail("node is not installed (tests/system-packages.txt)")
    ours, port, at = tmp_path_factory.mktemp("provider"), free_port(), free_port()
    upstream = f"http://localhost:{at}"
    secret = ours / "upstream_secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET, encoding="utf-8")
    sections = SECTIONS.format(method=METHOD, label=LABEL, issuer=upstream)
    client = {"CLIENT_ID": "sesame", "CLIENT_SECRET": SECRET, "CLIENT_ISSUER": f"http://127.0.0.1:{port}"}
    environment = own_environment(**client, PORT=str(at), METHOD=METHOD, PERSON=json.dumps(PERSON))
    discovery = f"{upstream}/.well-known/openid-configuration"
    stores = {"methods": ["password", METHOD]}
    with (
        running([node, str(UPSTREAM)], discovery, tmp_path_factory.mktemp("upstream"), environment),
        RunningProvider.serving(ours, stores, port=port, sections=sections) as provider,
        _service(node, provider, tmp_path_factory.mktemp("service")) as home,
    ):
        names = ("--given-name", "Luc", "--family-name", "Durand", "--email", "luc.durand@chu.example")
        account_id = provider.commands.run("account", "create", "luc.durand", *names, "--rpps", RPPS)
        yield Chain(home, upstream, provider, account_id)


@contextmanager
def _service(node: str, provider: RunningProvider, folder: Path) -> Iterator[str]:
    """A web service that accepts the upstream only; its address."""
    port, client_id = free_port(), "openid-client"
    home = f"http://localhost:{port}/"
    addresses = ("--redirect-uri", f"{home}callback", "--post-logout-redirect-uri", f"{home}left")
    options = ("--auth-method", "client_secret_post", "--id-token-alg", "ES256", "--for-everybody")
    secret = provider.commands.run("client", "add", client_id, "--name", "Le service", *addresses, *options)
    provider.commands.run("policy", "set", client_id, METHOD)
    environment = own_environment(ISSUER=provider.issuer, CLIENT_ID=client_id, CLIENT_SECRET=secret, PORT=str(port))
    with running([node, str(SERVICE)], home, folder, environment):
        yield home


@pytest.fixture
def luc(chain: Chain, chromium: Browser) -> Iterator[Person]:
    """At the service, which shows what it knows."""
    context = chromium.new_context(locale="fr-FR")
    context.set_default_timeout(DEADLINE_MS)
    watch = Watch(context)
    yield Person(context.new_page(), watch, chain.provider)
    context.close()
    assert watch.problems == []


def starts(luc: Person, chain: Chain) -> None:
    luc.page.goto(chain.home)
    luc.page.click("#login")


def signs_in(luc: Person, chain: Chain) -> dict[str, Any]:
    """By the upstream; what the service then knows."""
    starts(luc, chain)
    luc.page.click(f"#method-{METHOD}")
    assert luc.page.url.startswith(f"{chain.upstream}/interaction/"), luc.page.url
    luc.page.get_by_label("Name").fill("luc")
    luc.page.click("#upstream-login")
    expect(luc.page.locator("#known")).to_contain_text("access_token")
    return luc.sees_json("#known")


def leaves_upstream(luc: Person, chain: Chain) -> None:
    expect(luc.page.locator("#upstream-logout")).to_be_visible()
    assert luc.page.url.startswith(f"{chain.upstream}/"), luc.page.url
    luc.page.click("#upstream-logout")


def is_spared_there(luc: Person, chain: Chain) -> None:
    """The upstream asks nothing: a session is left there."""
    starts(luc, chain)
    luc.page.click(f"#method-{METHOD}")
    expect(luc.page.locator("#known")).to_contain_text("access_token")


def is_asked_there(luc: Person, chain: Chain) -> None:
    """The upstream asks who it is: no session is left there, nor here."""
    starts(luc, chain)
    luc.page.click(f"#method-{METHOD}")
    expect(luc.page.get_by_label("Name")).to_be_visible()


def test_a_person_signs_in_by_it_and_a_session_there_spares_the_second_time(chain: Chain, luc: Person) -> None:
    known = signs_in(luc, chain)
    assert known["claims"]["iss"] == chain.provider.issuer
    assert known["claims"]["sub"] == known["userinfo"]["sub"] == chain.account_id
    assert known["claims"]["amr"] == ["hwk", "mfa"]
    assert known["userinfo"]["family_name"] == "Durand"
    luc.page.context.clear_cookies(name="sesame-session")
    is_spared_there(luc, chain)


@pytest.mark.spec("RP-Initiated Logout §2, §3")
def test_a_person_leaves_it_too(chain: Chain, luc: Person) -> None:
    signs_in(luc, chain)
    luc.page.click("#logout")
    luc.confirms_logout()
    luc.page.click("#leave-upstream")
    leaves_upstream(luc, chain)
    luc.page.wait_for_url(chain.home)
    expect(luc.page.locator("#known")).not_to_contain_text("access_token")
    is_asked_there(luc, chain)


@pytest.mark.spec("RP-Initiated Logout §2, §3")
def test_a_person_leaves_ours_only(chain: Chain, luc: Person) -> None:
    signs_in(luc, chain)
    luc.page.click("#logout")
    luc.confirms_logout()
    luc.page.click("#logged-out-service")
    luc.page.wait_for_url(chain.home)
    is_spared_there(luc, chain)


@pytest.mark.spec("OIDC Back-Channel Logout 1.0 §2.5")
def test_it_tells_us_of_a_session_that_ended_there(chain: Chain, luc: Person) -> None:
    signs_in(luc, chain)
    luc.page.goto(f"{chain.upstream}/session/end")
    leaves_upstream(luc, chain)
    expect(luc.page.get_by_role("heading", name="Signed out")).to_be_visible()
    starts(luc, chain)
    expect(luc.page.locator(f"#method-{METHOD}")).to_be_visible()
    ended = chain.provider.commands.events("--limit", "1")[0]
    assert (ended["name"], ended["actor"]) == ("session.ended", f"upstream:{METHOD}")
