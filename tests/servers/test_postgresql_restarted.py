"""PostgreSQL crashes and comes back under load: errors for a moment, nothing half-written, recovery by itself."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy
import structlog
from werkzeug.test import TestResponse

from tests.fakes.provider import ISSUER, PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of
from tests.fakes.servers import PostgreSQL, postgresql
from tests.fakes.waiting import DEADLINE_S, until

PEOPLE = 4
# What must not be found, whatever was cut off in the middle.
HALF_WRITTEN = {
    "grants that the audit does not know": """
        SELECT (SELECT count(*) FROM authorization_grant)
             - (SELECT count(*) FROM audit_event WHERE name = 'authorization.issued')""",
    "sessions without a proof": """
        SELECT count(*) FROM session WHERE NOT EXISTS
            (SELECT 1 FROM session_proof WHERE session_proof.session_id = session.session_id)""",
    "sessions that the audit does not know": """
        SELECT greatest(0, (SELECT count(*) FROM session)
             - (SELECT count(*) FROM audit_event WHERE name = 'login.succeeded'))""",
    "codes that were redeemed without tokens": """
        SELECT (SELECT count(*) FROM authorization_grant WHERE redeemed_at IS NOT NULL)
             - (SELECT count(*) FROM audit_event WHERE name = 'token.issued')""",
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A stack, in colours, for each request that fails takes longer than the rest."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    """A server that may be killed."""
    with postgresql() as made:
        yield made


class Load:
    """People who sign in, come back, and whose service redeems the code; what was answered is counted."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.answers: Counter[int] = Counter()
        self.done = 0
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._go_on, args=(number,)) for number in range(PEOPLE)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(DEADLINE_S)

    def _go_on(self, number: int) -> None:
        while not self._is_over.is_set():
            rp = RelyingParty(self._provider)
            if self._signs_in(rp, f"person.n{number}") and self._gets_tokens(rp, rp.authorize()):
                with self._lock:
                    self.done += 1

    def _signs_in(self, rp: RelyingParty, login: str) -> bool:
        opened = self._noted(rp.authorize())
        if opened.status_code != 303:
            return False
        path = opened.headers["Location"].removeprefix(ISSUER)
        page = self._noted(rp.browser.get(path))
        if page.status_code != 200:
            return False
        form = {"csrf": csrf_of(page), "login": login, "password": PASSWORD}
        return self._gets_tokens(rp, rp.browser.post(f"{path}/password", data=form))

    def _gets_tokens(self, rp: RelyingParty, answer: TestResponse) -> bool:
        if self._noted(answer).status_code != 303 or "code=" not in answer.headers["Location"]:
            return False
        return self._noted(rp.token(answer_of(answer)["code"])).status_code == 200

    def _noted(self, answer: TestResponse) -> TestResponse:
        with self._lock:
            self.answers[answer.status_code] += 1
        return answer


def test_a_crash_under_load(start: Callable[..., Provider], server: PostgreSQL, redis_url: str) -> None:
    provider = start(database_url=server.create(), redis_url=redis_url)
    provider.add_client("rp")
    for number in range(PEOPLE):
        provider.add_account(f"person.n{number}")
    with Load(provider) as load:
        until(lambda: load.done >= PEOPLE)
        for _ in range(2):
            server.restart()
            before = load.done
            until(lambda before=before: load.done >= before + PEOPLE)
    assert set(load.answers) <= {200, 303, 503}, load.answers
    assert load.answers[503] > 0, "nobody was there when it went away"
    engine = sqlalchemy.create_engine(provider.services.db.engine.url)
    with engine.connect() as connection:
        found = {what: connection.scalar(sqlalchemy.text(query)) for what, query in HALF_WRITTEN.items()}
    engine.dispose()
    assert found == dict.fromkeys(HALF_WRITTEN, 0)
    assert RelyingParty(provider).browser.get("/readyz").status_code == 200
    provider.services.db._connections.close()
    assert provider.services.db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    provider.services.ephemeral.close()
