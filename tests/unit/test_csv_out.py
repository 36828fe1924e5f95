"""What an operator opens in a spreadsheet is text."""

import csv
import io
from typing import Any

import pytest

from idp.csv_out import neutral, writer


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+33 5 56", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n", " =1", "\N{NO-BREAK SPACE}=1", "\0=1", "＝1", "＠x"],
)
def test_a_formula_is_made_text(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "anne", "a=b", "1-2", "anne@chu.example", "Émery", "'=1", " x", "0198-x"])
def test_what_is_no_formula_stays(cell: str) -> None:
    assert neutral(cell) == cell


@pytest.mark.parametrize(("cell", "text"), [(None, ""), (0, "0"), (-1, "'-1"), (True, "True")])
def test_what_is_no_text_becomes_one(cell: Any, text: str) -> None:
    assert neutral(cell) == text


def test_a_cell_cannot_end_early() -> None:
    file = io.StringIO(newline="")
    hostile = ['a",=1', "b\r\n=1", "c;=1", "d,=1"]
    writer(file).writerows([hostile, ["end"]])
    assert list(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [hostile, ["end"]]
    assert file.getvalue().endswith('"end"\r\n')
