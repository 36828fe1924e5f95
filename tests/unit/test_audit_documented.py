"""docs/audit.md says every event, and every event is one that something records."""

import ast
import re
from pathlib import Path

import pytest

from idp.domain.audit import EVENTS, AuditEvent

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `([a-z_.]+)` \| (.+) \|$", re.MULTILINE)


def test_the_document_lists_every_event_with_its_sentence() -> None:
    document = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    assert dict(ROW.findall(document)) == EVENTS


def test_every_event_is_recorded_somewhere() -> None:
    said: set[str] = set()
    for file in (ROOT / "idp").rglob("*.py"):
        if file != ROOT / "idp" / "domain" / "audit.py":
            tree = ast.parse(file.read_text(encoding="utf-8"))
            said |= {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    assert set(EVENTS) <= said


def test_an_event_that_is_not_documented_is_refused() -> None:
    with pytest.raises(ValueError, match="undocumented"):
        AuditEvent("login.exploded", "anonymous")
