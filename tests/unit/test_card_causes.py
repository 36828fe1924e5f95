"""Each cause why a card signs nobody in has one code, one page, and a line for support."""

import inspect
import re
from pathlib import Path

import pytest

from card_reader.card import CODES as OF_THE_HELPER
from card_reader.card import State
from idp.methods import cps_card
from idp.methods.base import Refused, Show
from idp.methods.card_causes import OF_THE_ACCOUNT, REFUSED, Cause
from idp.methods.conformance import FakeCards, fake_context
from idp.methods.cps_card import CpsCard
from idp.methods.reader_causes import AFTER_A_TRY, AT_THE_READER
from idp.pki import CAUSES
from idp.web.texts import REFUSALS

ROOT = Path(__file__).parents[2]
METHOD = CpsCard()
PAGE = (ROOT / "idp/templates/methods/cps_card/card.html").read_text()
SCRIPT = (ROOT / "idp/static/card.js").read_text()
# What the helper says and the page tells in other words: they are states of the card, and not ends of a try.
SEEN_AS_A_STATE = {
    "no_module": "no_module",
    "no_certificate": "no_certificate",
    "several_cards": "several_cards",
    "no_reader": "no_reader",
    "not_answering": "unreadable",
}


def every_cause() -> list[tuple[str, Cause]]:
    """With the name that docs/card.md has for it."""
    tables = (AT_THE_READER, AFTER_A_TRY, REFUSED)
    return [(name, cause) for table in tables for names, cause in table.items() for name in names.split()]


def test_whatever_the_provider_refuses_has_a_page_and_nothing_else_has() -> None:
    own = set(re.findall(r'Refused\("(\w+)"', inspect.getsource(cps_card)))
    assert own | CAUSES == set(REFUSED)


def test_whatever_the_helper_says_is_said_on_the_page_once() -> None:
    after_a_try = [name for names in AFTER_A_TRY for name in names.split()]
    assert len(after_a_try) == len(set(after_a_try))
    assert {*after_a_try, *SEEN_AS_A_STATE} >= OF_THE_HELPER
    assert set(SEEN_AS_A_STATE.values()) <= set(AT_THE_READER)


@pytest.mark.parametrize("state", sorted(AT_THE_READER))
def test_a_state_of_the_page_is_drawn_with_its_cause_once(state: str) -> None:
    drawn = re.sub(r"\{% for state in \((.+?)\) %\}", lambda found: found[1].replace('"', " at_the_reader."), PAGE)
    assert len(re.findall(rf"at_the_reader\.{state}\b", drawn)) == 1
    assert f'"{state}"' in SCRIPT or state in SEEN_AS_A_STATE.values() or state in set(State)


def test_a_code_is_of_one_cause_and_never_of_another() -> None:
    causes = [
        *{id(cause): cause.code for _, cause in every_cause()}.values(),
        *(of.code for of in OF_THE_ACCOUNT.values()),
    ]
    assert len(causes) == len(set(causes))
    assert all(re.fullmatch(r"CPS-\d\d", code) for code in causes)
    refused = {name: cause.code for name, cause in REFUSED.items()}
    assert CpsCard.codes == refused | {name: of.code for name, of in OF_THE_ACCOUNT.items()}


def test_what_is_of_the_account_is_said_by_the_method_or_the_driver() -> None:
    assert set(OF_THE_ACCOUNT) <= {*CpsCard.refusals, *REFUSALS}


@pytest.mark.parametrize(
    "cause", {cause.code: cause for _, cause in every_cause()}.values(), ids=lambda each: each.code
)
def test_a_cause_says_what_happened_and_what_to_do(cause: Cause) -> None:
    is_heading = cause in {*REFUSED.values(), *AT_THE_READER.values()}
    assert cause.title.endswith(".") is not is_heading
    assert cause.happened.endswith(".")
    assert cause.to_do
    assert all(sentence.endswith((".", "?")) for sentence in cause.to_do)


@pytest.mark.parametrize("name", sorted(CAUSES))
def test_the_page_of_a_cause_stays_until_the_person_tries_again(name: str) -> None:
    ctx = fake_context()
    METHOD.begin(ctx)
    ctx.cards.refuses_with = name
    assert isinstance(METHOD.submit(ctx, {"token": FakeCards.signed(ctx.state["nonce"])}), Refused)
    for _ in range(2):
        ctx.next_request()
        shown = METHOD.show(ctx)
        assert shown == Show("methods/cps_card/refused.html", {"cause": REFUSED[name]}, explains=True)
    again = METHOD.begin(ctx)
    assert isinstance(again, Show)
    assert again.template == "methods/cps_card/card.html"
    assert not again.explains


def test_support_finds_every_code_in_the_documentation() -> None:
    lines = re.findall(r"^\| (CPS-\d\d) \| (.+?) \|", (ROOT / "docs/card.md").read_text(), re.MULTILINE)
    written = {(code, name) for code, names in lines for name in re.findall(r"`(\w+)`", names)}
    known = {(cause.code, name) for name, cause in every_cause()}
    assert written == known | {(of.code, name) for name, of in OF_THE_ACCOUNT.items()}
    assert len(lines) == len({code for code, _ in lines})
