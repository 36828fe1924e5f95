"""The window, on a display of the test's own (Xvfb): what it shows, what closes it, what it lets through."""

import gc
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest
from PIL import ImageGrab

from card_reader import prompt_dialog
from card_reader.prompt import PromptFailed, Question
from card_reader.prompt_dialog import AllowDialog, PinDialog, dialog
from card_reader.prompt_window import WindowPrompt
from tests.fakes.reader import ORIGIN, PIN
from tests.fakes.waiting import until

if TYPE_CHECKING:
    import tkinter

QUESTION = Question(ORIGIN, "ROR", "42", "ANNE PIERRE", "ok")
LONG = "https://" + ".".join(["idp.example.org.very-long-label"] * 7) + ".evil.example"


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    if shutil.which("Xvfb") is None:
        pytest.skip("needs Xvfb")
    told, telling = os.pipe()
    server = ["Xvfb", "-displayfd", str(telling), "-screen", "0", "1024x768x24", "-nolisten", "tcp"]
    with subprocess.Popen(server, pass_fds=[telling], stderr=subprocess.DEVNULL) as process:
        os.close(telling)
        with os.fdopen(told) as numbers:
            number = numbers.readline().strip()
        yield f":{number}"
        process.terminate()


@pytest.fixture(autouse=True)
def no_window_is_left() -> None:
    """Of the test before: Tcl ends the process if another thread than its own frees one."""
    gc.collect()


@pytest.fixture
def root(display: str, monkeypatch: pytest.MonkeyPatch) -> Iterator["tkinter.Tk"]:
    tkinter = pytest.importorskip("tkinter")
    monkeypatch.setenv("DISPLAY", display)
    window = tkinter.Tk()
    yield window
    window.destroy()


def _texts(root: "tkinter.Tk") -> dict[str, int]:
    """What stands in the window, and how large."""
    from tkinter import Label
    from tkinter.font import Font

    labels = [child for child in root.winfo_children() if isinstance(child, Label)]
    return {str(label["text"]): int(Font(root, font=label["font"])["size"]) for label in labels}


def _listening(shown: Any) -> Any:
    shown.hear()
    shown.root.update()
    return shown


def _after(root: "tkinter.Tk", act: Any) -> None:
    root.after(1, act)
    root.mainloop()


def test_the_origin_is_the_largest_text_and_stands_first(root: "tkinter.Tk") -> None:
    PinDialog(root, QUESTION)
    shown = _texts(root)
    assert {ORIGIN, "Service : « ROR »", "Numéro : 42", "Carte de : ANNE PIERRE", "Code porteur"} <= set(shown)
    assert max(shown, key=lambda text: shown[text]) == ORIGIN
    assert shown[ORIGIN] > max(size for text, size in shown.items() if text != ORIGIN)


def test_a_long_origin_is_shown_whole(root: "tkinter.Tk") -> None:
    shown = PinDialog(root, replace(QUESTION, origin=LONG, service="R" * 200))
    root.update()
    assert LONG in _texts(root)
    assert shown.root.winfo_reqwidth() < 600


@pytest.mark.parametrize(("tries", "warning"), [("low", "2 essais restants"), ("final", "dernier essai avant blocage")])
def test_the_last_tries_are_announced(root: "tkinter.Tk", tries: Any, warning: str) -> None:
    PinDialog(root, replace(QUESTION, tries=tries))
    assert any(warning in text for text in _texts(root))


def test_the_window_is_in_english_for_a_page_that_is(root: "tkinter.Tk") -> None:
    PinDialog(root, replace(QUESTION, language="en"))
    assert "Card PIN" in _texts(root)


def test_the_pin_is_not_shown(root: "tkinter.Tk") -> None:
    shown = _listening(PinDialog(root, QUESTION))
    assert shown.entry["show"] == "•"


def test_a_pin_is_the_answer(root: "tkinter.Tk") -> None:
    shown = _listening(PinDialog(root, QUESTION))
    shown.entry.insert(0, PIN)
    _after(root, shown.confirming.invoke)
    assert shown.answer == PIN


def test_what_is_no_pin_is_explained_and_the_window_stays(root: "tkinter.Tk") -> None:
    shown = _listening(PinDialog(root, QUESTION))
    shown.entry.insert(0, "12")
    shown.confirm()
    assert shown.answer is None
    assert "Un code porteur est fait de 4 à 8 chiffres." in _texts(root)


def test_keys_meant_for_another_window_do_nothing_at_first(root: "tkinter.Tk") -> None:
    shown = PinDialog(root, QUESTION)
    shown.entry.insert(0, PIN)  # a disabled entry takes nothing
    shown.confirming.invoke()
    assert (shown.entry.get(), shown.answer) == ("", None)


@pytest.mark.parametrize("how", ["button", "close", "escape"])
def test_a_window_that_is_closed_is_a_cancellation(root: "tkinter.Tk", how: str) -> None:
    shown = _listening(PinDialog(root, QUESTION))
    shown.entry.insert(0, PIN)
    acts = {
        "button": shown.cancel,
        "close": lambda: root.tk.call(*root.tk.splitlist(root.protocol("WM_DELETE_WINDOW"))),
        "escape": lambda: root.event_generate("<Escape>"),
    }
    root.focus_force()
    _after(root, acts[how])
    assert shown.answer is None


@pytest.mark.parametrize("allowed", [True, False])
def test_an_origin_is_allowed_by_its_button_only(root: "tkinter.Tk", allowed: bool) -> None:
    shown = _listening(dialog(root, {"kind": "allow", "origin": ORIGIN, "language": "fr"}))
    assert isinstance(shown, AllowDialog)
    assert max(_texts(root).items(), key=lambda item: item[1])[0] == ORIGIN
    _after(root, (shown.confirming if allowed else shown.refusing).invoke)
    assert shown.answer is allowed


def test_nothing_is_allowed_before_it_can_be_read(root: "tkinter.Tk") -> None:
    shown = AllowDialog(root, prompt_dialog.texts("fr"), ORIGIN)
    shown.confirming.invoke()
    assert shown.answer is None


def test_a_key_refuses_no_origin(root: "tkinter.Tk") -> None:
    shown = _listening(AllowDialog(root, prompt_dialog.texts("fr"), ORIGIN))
    assert root.focus_get() is not shown.refusing
    assert not shown.refusing["takefocus"]
    _after(root, lambda: root.event_generate("<Escape>"))
    assert shown.answer is None


def test_somebody_who_types_on_reaches_nothing(root: "tkinter.Tk", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_dialog, "DEAF_MS", 100)
    shown = PinDialog(root, QUESTION)
    root.update()
    keys = [*"12345678" * 2, "Escape", "Return"]

    def press() -> None:
        (root.focus_get() or root).event_generate(f"<KeyPress-{keys.pop(0)}>")
        root.after(20, press if keys else root.quit)

    _after(root, press)
    assert (shown.is_deaf, shown.entry.get(), shown.answer) == (True, "", None)
    until(lambda: root.update() or not shown.is_deaf)
    assert root.focus_get() is shown.entry


def test_the_window_goes_away_with_the_page(display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tkinter")
    monkeypatch.setenv("DISPLAY", display)
    answers: list[object] = []
    gone = threading.Event()
    asking = threading.Thread(
        target=lambda: answers.append(WindowPrompt().ask_pin(QUESTION, lambda: not gone.is_set()))
    )
    asking.start()
    until(lambda: _is_open(display))
    gone.set()
    asking.join(30)
    assert answers == [None]
    until(lambda: not _is_open(display))


def _is_open(display: str) -> bool:
    """Whether anything is to be seen: an empty display is black."""
    return ImageGrab.grab(xdisplay=display).convert("L").getbbox() is not None


class Ending(WindowPrompt):
    """A dialog that ends as it is told."""

    def __init__(self, program: str) -> None:
        self.command = (sys.executable, "-c", program)


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (f"raise SystemExit({prompt_dialog.NO_TK})", "tkinter is not installed"),
        (f"raise SystemExit({prompt_dialog.NO_DISPLAY})", "no display"),
        ("raise SystemExit(9)", "status 9"),
        ("", "gave no answer"),
        ("print('[]'[0])", "gave no answer"),
    ],
)
def test_a_window_that_cannot_open_is_told(program: str, why: str) -> None:
    with pytest.raises(PromptFailed, match=why):
        Ending(program).ask_pin(QUESTION, lambda: True)


def test_the_answer_of_the_window_is_read() -> None:
    echo = "import json, sys; asked = json.loads(sys.stdin.readline()); print(json.dumps({'answer': asked['origin']}))"
    assert Ending(echo).ask_pin(QUESTION, lambda: True) == ORIGIN
    assert Ending("print('{\"answer\": true}')").allow(ORIGIN, "fr", lambda: True) is True
    assert Ending("print('{\"answer\": true}')").ask_pin(QUESTION, lambda: True) is None


def test_without_a_display_the_window_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tkinter")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(PromptFailed, match="no display"):
        WindowPrompt().ask_pin(QUESTION, lambda: True)


def test_the_question_arrives_whole(root: "tkinter.Tk") -> None:
    shown = dialog(root, {"kind": "pin", **asdict(QUESTION)})
    assert isinstance(shown, PinDialog)
    assert ORIGIN in _texts(root)
