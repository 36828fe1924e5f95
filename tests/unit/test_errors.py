"""Errors: codes that specifications define, and words that do not come from inside."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.domain.decide import Refuse
from idp.errors import ERRORS, JourneyError, ProtocolError, ReturnPath
from idp.web.texts import STOPS

IDP = Path(__file__).parents[2] / "idp"


def calls(name: str) -> Iterator[tuple[str, str]]:
    """Where the code makes an error of this type with a code that is written there: (place, code)."""
    for file in sorted(IDP.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield f"{file.relative_to(IDP)}:{node.lineno}", str(first.value)


@pytest.mark.parametrize("name", [ProtocolError.__name__, Refuse.__name__])
def test_every_protocol_error_is_defined(name: str) -> None:
    found = list(calls(name))
    assert found
    assert [(place, code) for place, code in found if code not in ERRORS] == []


def test_every_stop_of_a_journey_has_its_sentences() -> None:
    found = list(calls(JourneyError.__name__))
    assert found
    assert [(place, code) for place, code in found if code not in STOPS] == []


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_an_error_has_a_status_and_a_section(code: str) -> None:
    assert 400 <= ERRORS[code].status <= 503
    assert "§" in ERRORS[code].section


def test_an_invented_code_is_a_defect() -> None:
    with pytest.raises(KeyError):
        ProtocolError("computer_says_no")


def test_the_log_sees_the_detail_and_the_client_does_not() -> None:
    error = ProtocolError("invalid_grant", "The code is not valid.", detail="used twice", redirect=None)
    assert str(error) == "used twice"
    assert error.description == "The code is not valid."
    assert str(ProtocolError("invalid_grant", "The code is not valid.")) == "The code is not valid."
    assert str(ProtocolError("invalid_grant")) == "invalid_grant"
    path = ReturnPath("https://rp.example/", "query", None)
    assert ProtocolError("login_required", redirect=path).redirect == path


def test_a_journey_error_has_a_stable_code() -> None:
    error = JourneyError("not_found", status=404, detail="no such page")
    assert (error.code, error.status, str(error)) == ("not_found", 404, "no such page")
    assert JourneyError("internal").status == 400
