"""The card desk of the demo: a reader, virtual cards, the pad for the PIN, and the workstation helper behind them."""

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import flask
from werkzeug import Response

from card_reader.card import State
from card_reader.desk import Desk
from card_reader.origins import AllowedOrigins
from card_reader.prompt import Language, Question, Wanted, printable
from card_reader.prompt_texts import texts
from card_reader.server import Server
from demo.card_readers import Reader
from demo.cards import CARDS, PIN
from demo.certificates import IN_BROWSER, CertificateFiles
from demo.servers import LOOPBACK

LOOK_S = 0.1  # how often it is asked whether the page still waits
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class InBrowser:
    """What a person without a reader imports. authority: of the card host, which listens at `address`."""

    files: CertificateFiles
    authority: Path
    address: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that stands on the page; the id keeps an answer from reaching the next one."""

    id: str
    question: Question


class PagePrompt:
    """`card_reader.prompt.Prompt`, on a page instead of a window. The helper asks one question at a time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._asked: Asked | None = None
        self._answers: dict[str, str | None] = {}

    @property
    def asked(self) -> Asked | None:
        with self._changed:
            return self._asked

    def ask_pin(self, question: Question, wanted: Wanted) -> str | None:
        asked = Asked(secrets.token_urlsafe(9), question)
        with self._changed:
            self._asked = asked
            while asked.id not in self._answers and wanted():
                self._changed.wait(LOOK_S)
            if self._asked is asked:
                self._asked = None
            return self._answers.pop(asked.id, None)

    def allow(self, origin: str, language: Language, wanted: Wanted) -> bool | None:  # noqa: ARG002 - the protocol
        """Nobody but the demo's provider may, and it was decided."""
        return False

    def answer(self, question_id: str, pin: str | None) -> None:
        """None: cancelled. To a question that is no longer asked, nothing."""
        with self._changed:
            if self._asked is not None and self._asked.id == question_id:
                self._answers[question_id] = pin
                self._asked = None
                self._changed.notify_all()


class Helper:
    """The workstation helper as it is, but for its card and its window. A context manager; the page may stop it too.

    Raises OSError if the port is taken.
    """

    def __init__(self, reader: Reader, prompt: PagePrompt, issuer: str, port: int, folder: Path) -> None:
        self.port = port
        self._reader, self._prompt = reader, prompt
        self._origins = AllowedOrigins([issuer], folder / "origins", person_may_allow=False)
        self._server: Server | None = None
        self._changing = threading.Lock()

    @property
    def is_running(self) -> bool:
        return self._server is not None

    def start(self) -> None:
        with self._changing:
            if self._server is None:
                self._server = Server(Desk(self._reader, self._prompt, self._origins), self.port)
                self._server.__enter__()

    def stop(self) -> None:
        with self._changing:
            if self._server is not None:
                self._server.__exit__()
                self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def create_app(reader: Reader, prompt: PagePrompt, helper: Helper, browser: InBrowser) -> flask.Flask:
    """The page, and the posts of its buttons."""
    app = flask.Flask(__name__)
    # A page of another site must not read the number by giving its own name this machine's address.
    app.config["TRUSTED_HOSTS"] = ["localhost", LOOPBACK]
    _add_page(app, reader, prompt, helper, browser)
    _add_files(app, browser)
    _add_posts(app, reader, prompt, helper)
    app.before_request(_refuse_other_origins)
    app.after_request(_protect)
    return app


def _add_page(app: flask.Flask, reader: Reader, prompt: PagePrompt, helper: Helper, browser: InBrowser) -> None:
    in_browser = {name: (shown, browser.files.serial(name)) for name, shown in IN_BROWSER.items()}

    def state() -> str:
        """Another one whenever the page would be another one."""
        asked, tries = prompt.asked, [reader.tries_left(name) for name in CARDS]
        seen = [reader.inserted, tries, asked.id if asked else None, helper.is_running]
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]

    @app.get("/state")
    def told() -> dict[str, str]:
        return {"state": state()}

    @app.get("/")
    def page() -> str:
        asked, inserted = prompt.asked, reader.inserted
        seen = reader.look()
        return flask.render_template(
            "card_desk/desk.html",
            state=state(),
            cards={name: (card, reader.tries_left(name)) for name, card in CARDS.items()},
            inserted=inserted,
            is_unreadable=inserted is not None and seen.state not in {State.PRESENT, State.LOCKED},
            made_of=reader.made_of,
            asked=asked,
            texts=texts(asked.question.language) if asked else None,
            printable=printable,
            is_running=helper.is_running,
            port=helper.port,
            pin=PIN,
            in_browser=in_browser,
            folder=browser.files.folder,
            card_host=browser.address,
        )


def _add_files(app: flask.Flask, browser: InBrowser) -> None:
    @app.get("/certificates/<name>.p12")
    def certificate(name: str) -> Response:
        if name not in IN_BROWSER:
            flask.abort(404)
        return _sent(browser.files.path(name), "application/x-pkcs12", f"sesame-demo-{name}.p12")

    @app.get("/certificates/authority.pem")
    def authority() -> Response:
        return _sent(browser.authority, "application/x-x509-ca-cert", "sesame-demo-localhost.pem")


def _sent(path: Path, mimetype: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return flask.Response(path.read_bytes(), mimetype=mimetype, headers=headers)


def _add_posts(app: flask.Flask, reader: Reader, prompt: PagePrompt, helper: Helper) -> None:
    def on_card(act: Callable[[str], None]) -> Response:
        name = flask.request.form.get("card", "")
        if name not in CARDS:
            flask.abort(400)
        act(name)
        return _back()

    @app.post("/insert")
    def insert() -> Response:
        return on_card(reader.insert)

    @app.post("/unblock")
    def unblock() -> Response:
        return on_card(reader.unblock)

    @app.post("/remove")
    def remove() -> Response:
        reader.remove()
        return _back()

    @app.post("/pin")
    def pin() -> Response:
        form = flask.request.form
        typed = form.get("pin", "") if form.get("decision") == "confirm" else None
        prompt.answer(form.get("question", ""), typed)  # of a question that is gone: the page says what is there now
        return _back()

    @app.post("/helper")
    def run_helper() -> Response:
        if flask.request.form.get("decision") == "start":
            helper.start()
        else:
            helper.stop()
        return _back()


def _back() -> Response:
    return flask.redirect("/", 303)


def _refuse_other_origins() -> None:
    """Other ports of localhost too: a page of one must not put in a card, nor type its PIN."""
    own_origin = flask.request.host_url.rstrip("/")
    if flask.request.method not in {"GET", "HEAD"} and flask.request.headers.get("Origin") != own_origin:
        flask.abort(403)


def _protect(response: flask.Response) -> flask.Response:
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Referrer-Policy"] = "same-origin"  # with none, the browser would not name our own origin either
    response.headers["Cache-Control"] = "no-store"
    return response
