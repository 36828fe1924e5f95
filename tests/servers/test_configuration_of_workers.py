"""What an operator changes, in another process, is obeyed by each worker within seconds, Redis or not."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest
import redis

from tests.fakes.installed import Installation, Person, Server
from tests.fakes.servers import PostgreSQL, redis_server
from tests.fakes.waiting import until

OBEYED_S = 5  # a worker asks each second; the rest is for a machine that is busy
DATABASES = ["sqlite", "postgresql"]


@contextmanager
def installed(folder: Path, database: str, redis_url: str, postgres: PostgreSQL) -> Iterator[Server]:
    """Two workers that run."""
    stores = {"redis_url": redis_url}
    if database == "postgresql":
        stores["database_url"] = postgres.create()
    installation = Installation.make(folder, workers=2, **stores)
    try:
        with installation.serving() as server:
            yield server
    finally:
        installation.close()
        if database == "postgresql":
            postgres.drop(stores["database_url"])


@pytest.fixture(scope="module", params=DATABASES)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, redis_url: str, postgres: PostgreSQL
) -> Iterator[Server]:
    with installed(tmp_path_factory.mktemp("idp"), request.param, redis_url, postgres) as running:
        yield running


def obeyed(server: Server, found: Callable[[Person], bool]) -> bool:
    """Each worker gets there, and in time."""
    start = time.monotonic()
    for worker in server.workers():
        with server.only(worker):
            until(lambda: found(Person(server)))
    return time.monotonic() - start < OBEYED_S


def is_unknown(person: Person, client_id: str) -> bool:
    answer = person.authorize(client_id)
    return answer.status_code == 400 and 'id="error-page"' in answer.text


def asks_to_sign_in(person: Person, client_id: str) -> bool:
    return "error=login_required" in person.authorize(client_id, prompt="none").headers.get("Location", "")


def keys(person: Person) -> set[str]:
    return {key["kid"] for key in person.get("/jwks").json()["keys"]}


def newest_key(installation: Installation) -> str:
    """Make the next RS256 key and use it at once; its kid."""
    before = {line.split("\t")[0] for line in installation.command("keys", "list").splitlines()}
    rotated = installation.command("keys", "rotate", "RS256", "--now")
    (made,) = {line.split("\t")[0] for line in rotated.splitlines()} - before
    return made


def test_a_policy(server: Server) -> None:
    server.installation.provider.add_client("ror")

    def says(person: Person, notice: str) -> bool:
        return notice in person.get(person.open_login("ror")).text

    assert obeyed(server, lambda person: not says(person, "maintenance"))
    server.installation.command("policy", "set", "ror", "password", "--notice", "Une maintenance est prévue.")
    assert obeyed(server, lambda person: says(person, "Une maintenance est prévue."))


def test_a_client_that_is_disabled_or_changed(server: Server) -> None:
    server.installation.provider.add_client("agenda")
    elsewhere = {"redirect_uri": "https://elsewhere.example/callback", "prompt": "none"}
    assert obeyed(server, lambda person: asks_to_sign_in(person, "agenda"))
    server.installation.command("client", "disable", "agenda")
    assert obeyed(server, lambda person: is_unknown(person, "agenda"))
    server.installation.command("client", "enable", "agenda")
    assert obeyed(server, lambda person: asks_to_sign_in(person, "agenda"))
    server.installation.command("client", "set", "agenda", "--redirect-uri", elsewhere["redirect_uri"])
    assert obeyed(server, lambda person: person.authorize("agenda", **elsewhere).status_code == 303)
    assert obeyed(server, lambda person: is_unknown(person, "agenda"))


def test_a_key(server: Server) -> None:
    def kid(person: Person) -> str:
        kid: str = jwt.get_unverified_header(person.token(person.login()).json()["id_token"])["kid"]
        return kid

    assert obeyed(server, lambda person: kid(person) in keys(person))
    made = newest_key(server.installation)
    assert obeyed(server, lambda person: made in keys(person))
    assert obeyed(server, lambda person: kid(person) == made)


@pytest.mark.parametrize("database", DATABASES)
def test_while_redis_is_away(tmp_path: Path, database: str, postgres: PostgreSQL) -> None:
    with redis_server() as redis_url, installed(tmp_path / "idp", database, redis_url, postgres) as server:
        installation = server.installation
        assert obeyed(server, lambda person: asks_to_sign_in(person, "rp"))
        with redis.Redis.from_url(redis_url) as client:
            client.shutdown(nosave=True)
        assert obeyed(server, lambda person: person.authorize().status_code == 503), "a login needs it"

        installation.command("client", "disable", "rp")
        assert obeyed(server, lambda person: is_unknown(person, "rp"))
        installation.command("client", "enable", "rp")
        assert obeyed(server, lambda person: asks_to_sign_in(person, "rp"))

        installation.command(
            "client", "add", "new", "--name", "Nouveau", "--redirect-uri", "https://rp.example/new/callback"
        )
        assert obeyed(server, lambda person: not is_unknown(person, "new") and not asks_to_sign_in(person, "new"))
        installation.command("policy", "set", "new", "password")
        assert obeyed(server, lambda person: asks_to_sign_in(person, "new"))

        made = newest_key(installation)
        assert obeyed(server, lambda person: made in keys(person))
        assert obeyed(server, lambda person: person.get("/.well-known/openid-configuration").status_code == 200)
