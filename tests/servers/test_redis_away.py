"""The ephemeral store goes away while the provider runs, comes back, or comes back empty."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import redis
import structlog

from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty
from tests.fakes.servers import free_port
from tests.fakes.waiting import DEADLINE_S, until


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A stack, in colours, for each request that fails takes longer than the rest."""
    with structlog.testing.capture_logs():
        yield


@dataclass
class Store:
    """A Redis server that can be killed, and started again on its port."""

    port: int = field(default_factory=free_port)
    folder: str = field(default_factory=lambda: tempfile.mkdtemp(prefix="sesame-redis-"))
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(self._answers)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(DEADLINE_S)

    def empty(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    made.start()
    yield made
    made.kill()
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture
def provider(start: Callable[..., Provider], store: Store) -> Iterator[Provider]:
    made = start(redis_url=store.url)
    made.add_client("rp")
    made.add_account("anne.pierre")
    yield made
    made.services.ephemeral.close()


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "Service momentanément indisponible"), ("en", "Service temporarily unavailable")]
)
def test_a_login_is_told_when_to_try_again(provider: Provider, store: Store, language: str, said: str) -> None:
    rp = RelyingParty(provider)
    store.kill()
    page = rp.browser.get("/authorize", query_string=rp.request(), headers={"Accept-Language": language})
    assert (page.status_code, page.headers["Retry-After"], page.mimetype) == (503, "5", "text/html")
    assert said in page.text
    assert f'lang="{language}"' in page.text


def test_applications_get_json_and_public_documents_still_answer(provider: Provider, store: Store) -> None:
    rp = RelyingParty(provider)
    tokens = rp.tokens()
    code = rp.silent()["code"]
    store.kill()
    for answer in (rp.token(code), rp.userinfo(tokens["access_token"])):
        assert (answer.status_code, answer.json) == (503, {"error": "temporarily_unavailable"})
        assert answer.headers["Retry-After"] == "5"
    browser = provider.browser()
    for path in ("/.well-known/openid-configuration", "/jwks", "/healthz"):
        assert browser.get(path).status_code == 200
    assert browser.get("/readyz").json == {"status": "failed", "failed": ["ephemeral_store"], "warnings": []}


def test_it_goes_on_by_itself(provider: Provider, store: Store) -> None:
    assert RelyingParty(provider).login()["code"]
    for _ in range(2):
        rp = RelyingParty(provider)
        store.kill()
        assert rp.authorize().status_code == 503
        store.start()
        assert rp.tokens()["claims"], "the first request after it is back already succeeds"
        assert provider.browser().get("/readyz").status_code == 200


def test_who_was_signed_in_stays_so_when_it_comes_back_empty(provider: Provider, store: Store) -> None:
    rp = RelyingParty(provider)
    rp.login()
    other = RelyingParty(provider)
    path = other.open_login()
    store.empty()
    assert rp.redeem(rp.silent()["code"])["claims"]
    page = other.browser.get(path)
    assert page.status_code == 410
    assert "Cette connexion a expiré" in page.text
    assert "recommencez" in page.text
    assert other.login()["code"]
