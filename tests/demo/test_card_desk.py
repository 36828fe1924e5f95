"""The desk of the demo: cards go in and out, the pad answers the helper, and no other page presses its buttons."""

import threading
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue

import pytest
from cryptography import x509
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from card_reader.card import CardError, State
from card_reader.prompt import Question
from demo.card_desk import Helper, InBrowser, PagePrompt, create_app
from demo.card_readers import Reader, SimulatedReader, SoftHsmReader, open_reader
from demo.cards import CARDS, PIN, Drawer
from demo.certificates import IN_BROWSER, CertificateFiles
from demo.look_alike import Hierarchy, Issued
from idp.pki import CardRefused, CardTrust
from idp.settings.sections import Card

OWN = "http://localhost"
NONCE = "n" * 44
WAIT_S = 10
ASKED = Question("http://localhost:8000", "ROR", "42", "ANNE PIERRE", "ok")


@pytest.fixture(scope="module")
def drawer(tmp_path_factory: pytest.TempPathFactory) -> Drawer:
    made = Drawer(tmp_path_factory.mktemp("demo") / "cards")
    hierarchy = Hierarchy.make(datetime.now(UTC))
    made.make(hierarchy, datetime.now(UTC))
    CertificateFiles(made.folder).make(hierarchy, made.cards())
    made.renew_revocation_list(datetime.now(UTC))
    return made


@pytest.fixture(scope="module")
def cards(drawer: Drawer) -> dict[str, Issued]:
    return drawer.cards()


@pytest.fixture
def browser(drawer: Drawer) -> InBrowser:
    return InBrowser(CertificateFiles(drawer.folder), drawer.authorities, "https://localhost:8029")


@pytest.fixture
def reader(cards: dict[str, Issued]) -> Reader:
    return SimulatedReader(cards)


@pytest.fixture
def prompt() -> PagePrompt:
    return PagePrompt()


@pytest.fixture
def desk(reader: Reader, prompt: PagePrompt, browser: InBrowser, tmp_path: Path) -> Iterator[FlaskClient]:
    with Helper(reader, prompt, "http://localhost:8000", 0, tmp_path) as helper:
        yield create_app(reader, prompt, helper, browser).test_client()


def press(desk: FlaskClient, button: str, origin: str | None = OWN, **form: str) -> TestResponse:
    return desk.post(f"/{button}", data=form, headers={"Origin": origin} if origin else {})


@pytest.fixture
def answers(prompt: PagePrompt) -> "Iterator[Queue[str | None]]":
    """What the helper is told, once the pad is gone."""
    told: Queue[str | None] = Queue()
    gone, asked = threading.Event(), threading.Event()

    def is_wanted() -> bool:
        asked.set()
        return not gone.is_set()

    thread = threading.Thread(target=lambda: told.put(prompt.ask_pin(ASKED, is_wanted)))
    thread.start()
    assert asked.wait(WAIT_S)
    yield told
    gone.set()
    thread.join()


def question(prompt: PagePrompt) -> str:
    assert prompt.asked
    return prompt.asked.id


@pytest.mark.parametrize("origin", [None, "null", "http://localhost:8000", "https://attacker.example"])
def test_another_origin_presses_nothing(desk, reader, prompt, answers, origin):
    assert press(desk, "insert", origin, card="anne").status_code == 403
    assert press(desk, "pin", origin, question=question(prompt), pin=PIN, decision="confirm").status_code == 403
    assert reader.inserted is None
    assert answers.empty()


def test_another_host_name_is_refused(desk):
    assert desk.get("/", headers={"Host": "attacker.example"}).status_code == 400


def test_a_card_that_is_none_is_refused(desk, reader):
    assert press(desk, "insert", card="../anne").status_code == 400
    assert reader.inserted is None


def test_the_page_may_not_be_framed_and_runs_nothing_of_others(desk):
    policy = desk.get("/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


def test_cards_go_in_and_out_one_at_a_time(desk, reader):
    for name in ("anne", "karim"):
        assert press(desk, "insert", card=name).location == "/"
        assert (reader.inserted, reader.look().state) == (name, State.PRESENT)
    assert reader.look().holder == "KARIM BENALI"
    press(desk, "remove")
    assert reader.look().state is State.ABSENT


def test_the_pad_shows_the_question_and_gives_the_answer(desk, prompt, answers):
    shown = desk.get("/").text
    assert all(text in shown for text in (ASKED.origin, ASKED.service, ASKED.number, "Code porteur demandé"))
    before = desk.get("/state").json

    press(desk, "pin", question="another", pin="0000", decision="confirm")
    assert desk.get("/state").json == before
    press(desk, "pin", question=question(prompt), pin=PIN, decision="confirm")

    assert answers.get(timeout=WAIT_S) == PIN
    assert desk.get("/state").json != before


def test_cancelling_answers_nothing(desk, prompt, answers):
    press(desk, "pin", question=question(prompt), pin=PIN, decision="cancel")
    assert answers.get(timeout=WAIT_S) is None


def test_the_helper_is_stopped_and_started(desk):
    assert "est en marche" in desk.get("/").text
    press(desk, "helper", decision="stop")
    assert "est arrêté" in desk.get("/").text
    press(desk, "helper", decision="start")
    assert "est en marche" in desk.get("/").text


def blocks_after_three(reader: Reader) -> None:
    reader.insert("anne")
    for code in ("pin_incorrect", "pin_incorrect", "pin_locked", "pin_locked"):
        with pytest.raises(CardError) as refused:
            reader.sign("9999", OWN, NONCE)
        assert refused.value.code == code
    with pytest.raises(CardError, match="pin_locked"):
        reader.sign(PIN, OWN, NONCE)
    assert (reader.look().state, reader.tries_left("anne")) == (State.LOCKED, 0)
    reader.insert("karim")
    assert reader.look().state is State.PRESENT
    reader.unblock("anne")
    reader.insert("anne")
    assert reader.sign(PIN, OWN, NONCE).algorithm == "RS256"


def test_three_wrong_pins_block_a_card_and_the_desk_unblocks_it(reader):
    blocks_after_three(reader)


def test_softhsm_does_as_the_simulated_card_does(cards, tmp_path, monkeypatch):
    monkeypatch.setenv("SOFTHSM2_CONF", "")
    reader = open_reader(cards, tmp_path / "softhsm")
    if not isinstance(reader, SoftHsmReader):
        pytest.skip("softhsm2 is not installed")
    blocks_after_three(reader)
    reader.remove()
    assert reader.look().state is State.ABSENT


def test_softhsm_that_does_not_work_is_done_without(cards, tmp_path, monkeypatch):
    monkeypatch.setenv("SOFTHSM2_CONF", "")
    monkeypatch.setattr("demo.card_readers.FILL_S", 0)
    assert isinstance(open_reader(cards, tmp_path / "softhsm"), SimulatedReader)


@pytest.mark.parametrize("path", ["x.p12", "authority.p12", "anne.pem", "..%2Fcards%2Fanne.pem", "../cards/anne.pem"])
def test_the_desk_gives_the_files_of_browsers_only(desk, path):
    assert desk.get(f"/certificates/{path}").status_code == 404


def test_the_desk_gives_a_file_for_each_page_and_says_how_it_is_used(desk, browser):
    page = desk.get("/").text
    for name in IN_BROWSER:
        path = f"/certificates/{name}.p12"
        answer = desk.get(path)
        assert answer.data == browser.files.path(name).read_bytes()
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert path in page
        assert browser.files.serial(name) in page
    assert desk.get("/certificates/authority.pem").data == browser.authority.read_bytes()
    assert all(text in page for text in (browser.address, str(browser.files.folder), "In English"))


@pytest.mark.parametrize(("name", "outcome"), [
    ("anne", ""), ("karim", ""), ("camille", ""), ("expired", "expired"), ("revoked", "revoked"), ("test", "test_card"),
])  # fmt: skip
def test_what_the_provider_says_of_each_card(drawer, cards, name, outcome):
    trust = CardTrust.load(Card(authorities=drawer.authorities, crl_files=(drawer.revocation_list,)))
    with pytest.raises(CardRefused, match=outcome) if outcome else nullcontext():
        trust.holder(cards[name].der, datetime.now(UTC))
    assert set(cards) == set(CARDS)


def test_a_list_that_ran_out_is_renewed(drawer):
    drawer.renew_revocation_list(datetime.now(UTC) - timedelta(days=90))
    drawer.renew_revocation_list(datetime.now(UTC))
    crl = x509.load_pem_x509_crl(drawer.revocation_list.read_bytes())
    assert crl.next_update_utc
    assert crl.next_update_utc > datetime.now(UTC) + timedelta(days=7)
