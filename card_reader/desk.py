"""What a page may ask of the helper: how the card is, whether it may use it, and one signature for one PIN."""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Any

from card_reader import __version__
from card_reader.card import CODES, Card, CardError, Seen, State, Token, Tries
from card_reader.origins import AllowedOrigins
from card_reader.patience import Patience
from card_reader.pin import FORM
from card_reader.prompt import Language, Prompt, PromptFailed, Question, Wanted, printable
from card_reader.watch import Watch

log = logging.getLogger("card_reader")

PRODUCT = "sesame-reader"
WHOLE_S = 100.0  # of a request that waits for a person; with what follows, pages and proxies give up at two minutes
SIGN_S = 15.0  # of a signature, once the PIN is typed
LOOK_S = 3.0  # of a look at the readers; pages give up at four seconds
STRANGER_S = 30.0  # of a question whether an origin may use the card
GIVE_WAY_S = 5.0  # for that question to go away
MOST_SERVICE = 200  # characters
NONCE = re.compile(r"[A-Za-z0-9+/_=-]{43,128}", re.ASCII)
NUMBER = re.compile(r"[0-9]{2}", re.ASCII)
STRANGERS = ""  # every origin that is not allowed, as one asker: it costs nothing to have many names
STATUS = dict.fromkeys(CODES, 409) | {
    "no_module": 503,
    "failed": 503,
    "not_answering": 503,
    "pin_cancelled": 409,
    "busy": 409,
    "timeout": 409,  # browsers send a request again on 408
    "malformed": 400,
    "origin_not_allowed": 403,
}


class Refusal(Exception):
    """`code` must exist in STATUS; the page is told it, and the tries that are left."""

    def __init__(self, code: str, tries: Tries = "ok") -> None:
        super().__init__(code)
        self.code, self.tries, self.status = code, tries, STATUS[code]


class Desk:
    """One person's card. Methods are called from any thread; one question to the person at a time.

    origin: as `origins.parse` returned it. wanted: whether the page still waits. now: as of time.monotonic.
    """

    def __init__(
        self, card: Card, prompt: Prompt, origins: AllowedOrigins, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._card, self._prompt, self._origins, self._now = card, prompt, origins, now
        self._watch = Watch(card, every_s=1.0, answer_s=LOOK_S)
        self._patience = Patience(now)
        self._refused: set[str] = set()  # not asked about again before a restart
        self._asking = threading.Lock()
        self._stranger_asks = False
        self._must_give_way = threading.Event()
        self._late: Future[Token] | None = None  # a signature that did not come back in its time

    def close(self) -> None:
        """The readers are no longer looked at."""
        self._watch.end()

    def allows(self, origin: str) -> bool:
        return self._origins.allows(origin)

    def status(self, origin: str) -> dict[str, Any]:
        """An origin that is not allowed learns nothing of the card."""
        told: dict[str, Any] = {"product": PRODUCT, "version": __version__, "allowed": self.allows(origin)}
        if not told["allowed"]:
            return told
        seen = self._watch.look()
        told |= {"card": "no_module" if seen.code == "no_module" else str(seen.state), "tries": seen.tries}
        return told | {"reason": seen.code} if seen.code else told

    def allow(self, origin: str, asked: Mapping[str, Any], wanted: Wanted) -> dict[str, bool]:
        """Ask the person, unless they or the administrator have decided. Raises Refusal, PromptFailed, OSError."""
        language = _language(asked)
        if self.allows(origin) or origin in self._refused or not self._origins.person_may_allow:
            return {"allowed": self.allows(origin)}
        with self._question(STRANGERS, wanted) as still_wanted:
            allowed = self._prompt.allow(origin, language, still_wanted)
            self._check_wanted(STRANGERS, still_wanted)
            self._patience.note(STRANGERS, "answered" if allowed else "cancelled")
        if allowed:
            self._origins.add(origin)
        elif allowed is False:  # not by a key that was meant for another window
            self._refused.add(origin)
        log.info("allow %s: %s", origin, "yes" if allowed else "no")
        return {"allowed": bool(allowed)}

    def authenticate(self, origin: str, asked: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
        """Ask the PIN, try it once, sign for this origin. Raises Refusal, PromptFailed."""
        try:
            token = self._authenticate(origin, asked, wanted)
        except CardError as failed:
            log.warning("authenticate %s: %s %s", origin, failed.code, printable(failed.detail, 200))
            raise Refusal(failed.code, failed.tries) from None
        except Refusal as refused:
            log.info("authenticate %s: %s", origin, refused.code)
            raise
        log.info("authenticate %s: signed", origin)
        return {"token": token}

    def _authenticate(self, origin: str, asked: Mapping[str, Any], wanted: Wanted) -> Mapping[str, str]:
        if not self.allows(origin):
            raise Refusal("origin_not_allowed")
        nonce = _text(asked, "nonce", NONCE)
        question = _question(origin, asked)
        with self._question(origin, wanted) as still_wanted:
            seen = self._usable_card()
            pin = self._prompt.ask_pin(question(seen), still_wanted)
            self._check_wanted(origin, still_wanted)
            if pin is None:
                self._patience.note(origin, "cancelled")
                raise Refusal("pin_cancelled", seen.tries)
            self._patience.note(origin, "answered")
            if not FORM.fullmatch(pin):
                raise Refusal("pin_malformed", seen.tries)
            return self._sign(pin, origin, nonce, seen.fingerprint).as_json()

    def _sign(self, pin: str, origin: str, nonce: str, expected: str) -> Token:
        """In a thread of its own: a module that never comes back must not keep the page, nor the desk."""
        made: Future[Token] = Future()

        def work() -> None:
            try:
                made.set_result(self._card.sign(pin, origin, nonce, expected))
            except BaseException as failed:
                made.set_exception(failed)

        threading.Thread(target=work, name="card-sign", daemon=True).start()
        if wait([made], SIGN_S).not_done:
            self._late = made
            raise Refusal("timeout")
        return made.result()

    def _usable_card(self) -> Seen:
        seen = self._watch.look()
        if seen.state is not State.PRESENT:
            code = {State.ABSENT: "no_card", State.LOCKED: "pin_locked"}.get(seen.state, seen.code or "failed")
            raise Refusal(code, seen.tries)
        return seen

    @contextmanager
    def _question(self, asker: str, wanted: Wanted) -> Iterator[Wanted]:
        """One at a time, and none while the asker must be quiet; yields `wanted` with an end."""
        if self._patience.is_over(asker) or not self._take_turn(asker):
            raise Refusal("busy")
        is_stranger = asker == STRANGERS
        end = self._now() + (STRANGER_S if is_stranger else WHOLE_S)
        try:
            if self._late is not None and not self._late.done():
                raise Refusal("not_answering")
            self._stranger_asks = is_stranger
            yield lambda: wanted() and self._now() < end and not (is_stranger and self._must_give_way.is_set())
        except PromptFailed:
            self._patience.note(asker, "abandoned")
            raise
        finally:
            self._stranger_asks = False
            self._asking.release()

    def _take_turn(self, asker: str) -> bool:
        """A stranger's question goes away for an origin that is allowed: no page may keep another one out."""
        if asker == STRANGERS:
            return not self._must_give_way.is_set() and self._asking.acquire(blocking=False)
        if self._asking.acquire(blocking=False):
            return True
        if not self._stranger_asks:
            return False
        self._must_give_way.set()
        try:
            return self._asking.acquire(timeout=GIVE_WAY_S)
        finally:
            self._must_give_way.clear()

    def _check_wanted(self, asker: str, still_wanted: Wanted) -> None:
        """What was typed for a page that went away, or too late, is not used."""
        if not still_wanted():
            self._patience.note(asker, "abandoned")
            raise Refusal("timeout")


def _question(origin: str, asked: Mapping[str, Any]) -> Callable[[Seen], Question]:
    """What the page says of itself, to be completed by what the card says. Raises Refusal."""
    service, number, language = asked.get("service"), _text(asked, "number", NUMBER), _language(asked)
    if not isinstance(service, str) or len(service) > MOST_SERVICE or not printable(service):
        raise Refusal("malformed")
    return lambda seen: Question(origin, service, number, seen.holder, seen.tries, language)


def _text(asked: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise Refusal("malformed")
    return value


def _language(asked: Mapping[str, Any]) -> Language:
    """French, unless the page is in English."""
    return "en" if asked.get("lang") == "en" else "fr"
