"""The window itself: reads a question on its standard input, shows it, writes the answer on its standard output.

It goes away when its standard input ends. Tk is imported when it is needed: a helper in a terminal does without.
"""

import json
import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from card_reader.pin import FORM
from card_reader.prompt import Question
from card_reader.prompt_texts import Texts, lines, texts

if TYPE_CHECKING:
    import tkinter

NO_TK, NO_DISPLAY = 3, 4
FAILURES = {NO_TK: "tkinter is not installed", NO_DISPLAY: "there is no display to open a window on"}
DEAF_MS = 600  # without a key, before any counts: what is typed for another window goes on when this one appears
WIDTH = 460  # pixels, of text
RED = "#b00020"
ORIGIN_SIZE, BIG_SIZE, TEXT_SIZE = 18, 14, 11  # nothing is larger than the origin


class Dialog(ABC):
    """Fills `root` and ends its main loop with `answer` set: a text, True or False; None if the person cancelled.

    Keys count once none came for DEAF_MS. The window has the keyboard from the beginning, so that it hears them.
    """

    def __init__(self, root: "tkinter.Tk", own: Texts, title: str) -> None:
        self.root, self.texts = root, own
        self.answer: Any = None
        self.is_deaf = True
        self._hearing = root.after(DEAF_MS, self.hear)
        root.title(title)
        root.resizable(width=False, height=False)
        root.attributes("-topmost", True)
        root.protocol("WM_DELETE_WINDOW", self.cancel)
        root.bind("<Key>", self._on_key)
        root.focus_force()

    def _on_key(self, pressed: "tkinter.Event[tkinter.Misc]") -> None:
        if self.is_deaf:
            self.root.after_cancel(self._hearing)
            self._hearing = self.root.after(DEAF_MS, self.hear)
        elif pressed.keysym == "Escape":
            self.cancel()

    def text(self, text: str, size: int = TEXT_SIZE, *, bold: bool = False, colour: str = "") -> "tkinter.Label":
        import tkinter  # noqa: PLC0415  see above

        font = ("TkDefaultFont", size, "bold" if bold else "normal")
        label = tkinter.Label(self.root, text=text, font=font, wraplength=WIDTH, justify="left", anchor="w")
        if colour:
            label.configure(foreground=colour)
        label.pack(fill="x", padx=24, pady=4)
        return label

    def buttons(self, confirm: str, cancel: str) -> "tuple[tkinter.Button, tkinter.Button]":
        import tkinter  # noqa: PLC0415

        row = tkinter.Frame(self.root)
        row.pack(fill="x", padx=24, pady=16)
        refusing = tkinter.Button(row, text=cancel, command=self.refuse, takefocus=False)  # by the mouse only
        confirming = tkinter.Button(row, text=confirm, command=self.confirm, state="disabled")
        confirming.pack(side="right")
        refusing.pack(side="right", padx=12)
        return confirming, refusing

    def hear(self) -> None:
        self.is_deaf = False
        self.listen()

    @abstractmethod
    def listen(self) -> None:
        """Its keys and buttons count from now on."""

    @abstractmethod
    def confirm(self) -> None:
        """The person said yes."""

    def refuse(self) -> None:
        self.cancel()

    def cancel(self) -> None:
        self.root.quit()


class PinDialog(Dialog):
    def __init__(self, root: "tkinter.Tk", question: Question) -> None:
        import tkinter  # noqa: PLC0415

        own = texts(question.language)
        super().__init__(root, own, own.title)
        self.text(own.origin_asks)
        self.text(question.origin, ORIGIN_SIZE, bold=True)
        for line in lines(question):
            self.text(line, BIG_SIZE)
        self.text(own.compare)
        if warning := own.warnings[question.tries]:
            self.text(warning, BIG_SIZE, bold=True, colour=RED)
        self.text(own.pin, bold=True)
        self.entry = tkinter.Entry(root, show="•", width=16, font=("TkDefaultFont", ORIGIN_SIZE), state="disabled")
        self.entry.pack(anchor="w", padx=24)
        self.entry.bind("<Return>", lambda _: self.confirm())
        self.hint = self.text("", colour=RED)
        self.confirming, _ = self.buttons(own.confirm, own.cancel)

    def listen(self) -> None:
        self.entry.configure(state="normal")
        self.confirming.configure(state="normal")
        self.entry.focus_set()

    def confirm(self) -> None:
        if FORM.fullmatch(self.entry.get()):
            self.answer = self.entry.get()
            self.root.quit()
        else:
            self.hint.configure(text=self.texts.malformed)


class AllowDialog(Dialog):
    def __init__(self, root: "tkinter.Tk", own: Texts, origin: str) -> None:
        super().__init__(root, own, own.allow_title)
        self.text(own.allow_question)
        self.text(origin, ORIGIN_SIZE, bold=True)
        self.text(own.allow_advice)
        self.confirming, self.refusing = self.buttons(own.allow, own.refuse)

    def listen(self) -> None:
        self.confirming.configure(state="normal")

    def refuse(self) -> None:
        self.answer = False
        self.root.quit()

    def confirm(self) -> None:
        self.answer = True
        self.root.quit()


def dialog(root: "tkinter.Tk", asked: Mapping[str, Any]) -> Dialog:
    fields = {name: value for name, value in asked.items() if name != "kind"}
    if asked["kind"] == "allow":
        return AllowDialog(root, texts(fields["language"]), fields["origin"])
    return PinDialog(root, Question(**fields))


def main() -> int:
    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        import tkinter  # noqa: PLC0415
    except ImportError:
        return NO_TK
    try:
        root = tkinter.Tk()
    except tkinter.TclError:
        return NO_DISPLAY
    shown = dialog(root, asked)
    root.mainloop()
    sys.stdout.write(json.dumps({"answer": shown.answer}))
    return 0


def _end_with_input() -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing comes but the end: the helper closes it, or is gone
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
