"""Where the PKCS#11 module is looked for, and what is said when it is nowhere."""

from pathlib import Path

import pytest

from card_reader import modules
from card_reader.card import CardError, Seen, State
from card_reader.conformance import NONCE, ORIGIN, PIN
from card_reader.pkcs11_card import Pkcs11Card

ANS = {
    "win32": r"C:\Windows\System32\cps3_pkcs11_w64.dll",
    "darwin": "/usr/local/lib/libcps3_pkcs11_osx.dylib",
    "linux": "/opt/santesocial/CPS/lib/libcps3_pkcs11_lux.so",
}


@pytest.mark.parametrize("system", ANS)
def test_that_of_the_agency_comes_first(system: str) -> None:
    assert modules.find(system=system, is_file=lambda _: True) == Path(ANS[system])


@pytest.mark.parametrize("system", ANS)
def test_then_opensc(system: str) -> None:
    found = modules.find(system=system, is_file=lambda path: path != Path(ANS[system]))
    assert "opensc-pkcs11" in found.name


def test_one_that_was_given_is_the_only_one(tmp_path: Path) -> None:
    given = tmp_path / "mine.so"
    given.touch()
    assert modules.find(given) == given
    with pytest.raises(CardError) as refused:
        modules.find(tmp_path / "not-there.so", is_file=lambda path: path == Path(ANS["linux"]))
    assert refused.value.code == "no_module"
    assert str(tmp_path / "not-there.so") in str(refused.value)
    assert "santesocial" not in str(refused.value)


def test_a_relative_path_never_reaches_the_search_path_of_libraries(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert modules.find(Path("mine.so"), is_file=lambda _: True) == tmp_path / "mine.so"


@pytest.mark.parametrize("system", ANS)
def test_every_place_that_was_tried_is_named(system: str) -> None:
    with pytest.raises(CardError) as refused:
        modules.find(system=system, is_file=lambda _: False)
    assert [place for place in modules.PLACES[system] if place not in str(refused.value)] == []


def test_a_system_of_which_nothing_is_known() -> None:
    with pytest.raises(CardError, match="no place is known for plan9"):
        modules.find(system="plan9")


def test_a_file_that_is_no_module_is_a_card_that_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.so"
    broken.write_text("no library")
    card = Pkcs11Card(broken)
    assert card.look() == Seen(State.UNREADABLE, code="no_module")
    with pytest.raises(CardError, match=r"broken\.so") as refused:
        card.sign(PIN, ORIGIN, NONCE)
    assert refused.value.code == "no_module"
