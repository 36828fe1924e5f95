"""`sesame doctor` on the card host and the issuer, as others than nginx answer: what it says, and where it cannot tell.

nginx itself: tests/servers.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from idp.cli.doctor import card_host
from idp.cli.doctor.card_host import Throwaway
from idp.cli.doctor.connection import Handshake, Head, Server
from idp.cli.doctor.finding import Level
from idp.outgoing import Unreachable
from idp.settings import Settings
from idp.web.card_hop import CLIENT_CERT, NGINX_CLIENT_CERT
from tests.fakes.card_host import CARD_HOST, PROXY_SECRET
from tests.fakes.provider import ISSUER

pytestmark = pytest.mark.embedded  # asks nothing of a store

Answers = Callable[..., int]
Doctor = Callable[..., list[tuple[Level, str]]]
OK, WARN, FAIL = Level.OK, Level.WARN, Level.FAIL
TLS_1_2 = Handshake("TLSv1.2", None, None, is_resumed=False)


def answering(status: int) -> Answers:
    return lambda **_asked: status


def away(**_asked: object) -> int:
    raise Unreachable("no_answer", "no connection", host="away")


def settings_of(folder: Path, secret: str = PROXY_SECRET) -> Settings:
    for name, text in (("secret", "s" * 48), ("card-secret", secret)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    card: dict[str, Any] = {"dialog_url": CARD_HOST, "dialog_secret_file": folder / "card-secret"}
    return Settings(issuer=ISSUER, card=card, secret_file=folder / "secret")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def throwaway() -> Throwaway:
    return Throwaway.make()


@pytest.fixture
def doctor(throwaway: Throwaway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """What is found where the card host and the issuer answer so; each is told what is asked."""

    def look(there: Answers, here: Answers) -> list[tuple[Level, str]]:
        class Stub(Server):
            def get(
                self,
                path: str,
                headers: Iterable[tuple[str, str]] = (),
                *,
                context: object = None,
                host: str | None = None,
                server_name: str | None = None,
            ) -> Head:
                answer = there if self.origin == CARD_HOST else here
                names = {name for name, _ in headers}
                return Head(answer(path=path, names=names, server_name=server_name), {}, TLS_1_2)

            def shake(self, *_: object) -> Handshake:
                return TLS_1_2

        monkeypatch.setattr(card_host, "Server", Stub)
        monkeypatch.setattr(Throwaway, "make", lambda: throwaway)
        return [(each.level, each.text) for each in card_host.card_host(settings_of(tmp_path))]

    return look


def test_headers_are_forged_at_the_issuer_though_the_card_host_is_away(doctor: Doctor) -> None:
    asked: set[str] = set()

    def here(names: set[str], **_: object) -> int:
        asked.update(names)
        return 400

    *_, there, issuer = doctor(away, here)
    assert there == (WARN, f"{CARD_HOST} cannot be asked from here: away: no connection")
    assert issuer[0] is WARN
    assert f"lets through {NGINX_CLIENT_CERT}, X_Sesame_Client_Cert, {CLIENT_CERT}, Client_Cert" in issuer[1]
    assert asked >= {NGINX_CLIENT_CERT, CLIENT_CERT}


def test_an_issuer_that_is_away_is_a_warning(doctor: Doctor) -> None:
    assert doctor(answering(404), away)[-1] == (WARN, f"{ISSUER} cannot be asked from here: away: no connection")


@pytest.mark.parametrize(
    ("status", "level", "said"),
    [
        (403, OK, "keeps headers of the card host to itself"),
        (404, OK, "keeps headers of the card host to itself"),
        (400, WARN, "lets through"),
        (200, WARN, "answers 200: cannot tell"),
        (303, WARN, "answers 303: cannot tell"),
        (502, WARN, "answers 502: cannot tell"),
    ],
)
def test_what_the_issuer_answers_a_forger(doctor: Doctor, status: int, level: Level, said: str) -> None:
    found = [each for each in doctor(answering(404), answering(status)) if ISSUER in each[1]]
    assert [each[0] for each in found] == [level]
    assert said in found[0][1]


def test_one_header_that_is_let_through_and_one_that_tells_nothing_are_both_said(doctor: Doctor) -> None:
    found = doctor(answering(404), lambda names, **_: 400 if CLIENT_CERT in names else 502)
    (through, unclear) = [text for level, text in found if ISSUER in text and level is WARN]
    assert f"lets through {CLIENT_CERT}:" in through
    assert "answers 502" in unclear


@pytest.mark.parametrize(
    ("reason", "level", "said"),
    [("tls", OK, "is refused in the handshake"), ("no_answer", WARN, "gets no answer: cps: gone")],
)
def test_another_name_in_tls_that_gets_no_answer_of_http(doctor: Doctor, reason: Any, level: Level, said: str) -> None:
    def there(server_name: str | None, **_: object) -> int:
        if server_name is not None:
            raise Unreachable(reason, "gone", host="cps")
        return 421

    found = doctor(there, answering(404))
    assert (level, f"another name in TLS {said}") in found
    assert (OK, "it serves /carte/ alone") in found, "what comes after is looked at"


@pytest.mark.parametrize(
    ("status", "level"), [(200, FAIL), (400, WARN), (500, WARN), (502, WARN), (403, OK), (404, OK), (421, OK)]
)
def test_another_page_on_the_card_host(doctor: Doctor, status: int, level: Level) -> None:
    found = doctor(lambda path, **_: status if path == "/healthz" else 404, answering(404))
    assert [each[0] for each in found if "/carte/" in each[1]] == [level]


@pytest.mark.parametrize("secret", ["short", '"' * 48, "a" * 40 + "\n" + "b" * 40])
def test_a_secret_that_the_provider_would_not_take_fails(tmp_path: Path, secret: str) -> None:
    ((level, text),) = [(each.level, each.text) for each in card_host.card_host(settings_of(tmp_path, secret))]
    assert level is FAIL
    assert text.startswith("card.dialog_secret_file: one line of 32 to 256")
