"""Server-sent events by the real server: they come as they are written, and give their thread back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.flows.operators import policies
from tests.fakes.installed import Installation, Person, Server
from tests.fakes.relying_party import HIDDEN
from tests.fakes.waiting import until

pytestmark = pytest.mark.embedded


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """With one place for a stream."""
    methods = ["email_otp", "password", "qr_code"]
    installation = Installation.make(tmp_path / "idp", methods=methods, threads=8, workers=1)
    provider = installation.provider
    with provider.services.db.write() as tx:
        policies.add(provider.desk, tx, "rp", ("qr_code", "password"))
    with installation.serving() as running:
        yield running
    installation.close()


def events_of(person: Person) -> str:
    """The address of the events of a login that shows a QR code."""
    page = person.open_login()
    found = HIDDEN.search(person.get(page).text)
    assert found
    assert person.post(f"{page}/qr_code", data={"csrf": found[1]}).status_code == 303
    return f"{page}/qr_code/events"


def test_a_stream_comes_at_once_and_a_page_that_goes_leaves_its_place(server: Server) -> None:
    first, second = Person(server), Person(server)
    mine, theirs = events_of(first), events_of(second)
    with first.get(mine, stream=True) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        lines = stream.iter_lines(chunk_size=1, decode_unicode=True)
        assert next(lines) == "retry: 500"
        assert next(lines).startswith('data: {"state": "pending"'), "while it is still open"
        assert second.get(theirs, stream=True).status_code == 503
    until(lambda: second.get(theirs, stream=True).status_code == 200)
