"""Identifiers and random values."""

import hashlib
import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain import ids


@pytest.mark.spec("RFC 9562 §5.7")
def test_an_id_is_a_uuid_of_version_7() -> None:
    made = UUID(ids.new_id())
    assert made.version == 7
    assert str(made.variant) == "specified in RFC 4122"


@pytest.mark.spec("RFC 9562 §5.7")
def test_an_id_holds_the_instant_of_its_making(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of RFC 9562 appendix A.6: 2022-02-22 19:22:22 UTC."""
    monkeypatch.setattr(time, "time_ns", lambda: 0x017F22E279B0 * 1_000_000)
    assert ids.new_id().startswith("017f22e2-79b0-7000-")


def test_ids_sort_by_the_time_of_their_making(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that events of one millisecond keep their order."""
    instants = iter(range(1_800_000_000_000_000_000, 1_800_000_000_002_000_000, 1_000))
    monkeypatch.setattr(time, "time_ns", lambda: next(instants))
    made = [ids.new_id() for _ in range(2_000)]
    assert made == sorted(made)


def test_ids_of_one_instant_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_000_000_000)
    assert len({ids.new_id() for _ in range(1_000)}) == 1_000


def test_a_token_has_256_bits() -> None:
    made = {ids.new_token() for _ in range(100)}
    assert len(made) == 100
    assert all(len(token) == 43 and token.isascii() for token in made)


@given(st.text(alphabet=st.characters()) | st.sampled_from(["\ud800", "é"]))
def test_any_text_has_a_digest(text: str) -> None:
    assert ids.digest(text) == hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    assert text == "" or text not in {ids.digest(text)}
