"""CSV for people who open it in a spreadsheet: no cell is a formula (OWASP, CSV Injection)."""

import csv
import re
from collections.abc import Iterable
from typing import TextIO

# What a spreadsheet takes for a formula, after blanks too: `=1+1`, `@SUM`, `+33…`, a tab; also in their full width.
BEGINS_A_FORMULA = re.compile(r"[\s\0]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


class Writer:
    """Writes rows of cells, every one quoted: a quote can then not end a cell early."""

    def __init__(self, file: TextIO) -> None:
        self._rows = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")  # RFC 4180 §2

    def writerow(self, cells: Iterable[object]) -> None:
        """None is an empty cell."""
        self._rows.writerow([neutral(cell) for cell in cells])

    def writerows(self, rows: Iterable[Iterable[object]]) -> None:
        for row in rows:
            self.writerow(row)


def writer(file: TextIO) -> Writer:
    """A CSV writer onto a text file that was opened with `newline=""`."""
    return Writer(file)


def neutral(cell: object) -> str:
    """The text of a cell; an apostrophe before what would be a formula makes it text to a spreadsheet."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if BEGINS_A_FORMULA.match(text) else text
