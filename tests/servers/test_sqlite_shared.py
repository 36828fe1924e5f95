"""SQLite under several processes: people sign in through four of them while the worker sends, seals and purges."""

import re
import threading
from collections import Counter
from pathlib import Path

import requests

from idp.flows.worker import HEARTBEAT
from tests.fakes.installed import Installation, Person, Server, code_of
from tests.fakes.waiting import until

PEOPLE, LOGINS = 8, 6


def test_nobody_sees_a_locked_database(tmp_path: Path, redis_url: str) -> None:
    installation = Installation.make(tmp_path / "idp", redis_url=redis_url, workers=4, threads=4)
    for number in range(PEOPLE):
        installation.provider.add_account(f"person.n{number}")
    answers: Counter[int] = Counter()
    failures: list[Exception] = []
    with installation.serving() as server, installation.running("worker") as worker:
        until(lambda: _works(installation))  # so that it writes meanwhile, and is ended by its own handler
        threads = [
            threading.Thread(target=_come_and_go, args=(server, f"person.n{number}", answers, failures))
            for number in range(PEOPLE)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert worker.poll() is None, "the worker goes on"
    assert (server.process.returncode, worker.returncode) == (0, 0), installation.said
    assert failures == []
    assert answers == {200: PEOPLE * LOGINS, 303: PEOPLE * LOGINS}, answers
    assert not re.search(r"locked|internal error", installation.said)
    with installation.provider.services.db.read() as tx:
        issued = tx.audit.latest(10_000, name="token.issued")
    assert len(issued) == PEOPLE * LOGINS
    installation.close()


def _works(installation: Installation) -> bool:
    with installation.provider.services.db.read() as tx:
        return tx.leases.until(HEARTBEAT) is not None


def _come_and_go(server: Server, login: str, answers: "Counter[int]", failures: list[Exception]) -> None:
    """Sign in anew, redeem the code, and ask for a letter: each writes."""
    try:
        for _ in range(LOGINS):
            person = Person(server)
            code = code_of(person.give_password(person.open_login(), login))
            answers[person.token(code).status_code] += 1
            answers[_asks_for_a_letter(person, login).status_code] += 1
    except (AssertionError, requests.RequestException) as error:
        failures.append(error)


def _asks_for_a_letter(person: Person, login: str) -> requests.Response:
    found = re.search(r'name="csrf" value="([^"]+)"', person.get("/password/forgot").text)
    assert found
    return person.post("/password/forgot", data={"csrf": found.group(1), "login": login})
