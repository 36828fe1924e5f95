"""« Modifier mon mot de passe »: what may be chosen, and what the page says of it."""

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from idp.settings import SettingsError
from tests.fakes.holder import Holder
from tests.fakes.password_page import NEW, PAGE, change
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, path_of

pytestmark = pytest.mark.embedded  # asks nothing of a store that others do not

CURRENT_WRONG = "Le mot de passe actuel est incorrect."


@pytest.fixture
def holder(provider: Provider) -> Holder:
    return Holder.proven(provider, PAGE)


def unchanged(provider: Provider) -> None:
    assert not provider.events("password.changed")
    rp = RelyingParty(provider)
    assert "code" in answer_of(rp.give_password(rp.open_login()))


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("court", None, "au moins 12 caractères"),
        ("", None, "au moins 12 caractères"),
        ("x" * 129, None, "au plus 128 caractères"),
        ("anne.pierre2026", None, "contient votre nom"),
        ("Facturation-Facturation", None, "le nom d&#39;un service"),
        ("Motdepasse2026!", None, "contient votre nom"),
        ("Marseille2026!", None, "connu des pirates"),
        ("vive les vacances", None, "trop peu de mots"),
        (NEW, NEW + "s", "ne sont pas identiques"),
        (PASSWORD, None, "un autre mot de passe que l&#39;actuel"),
    ],
)
def test_what_may_not_be_chosen(holder: Holder, password: str, again: str | None, said: str) -> None:
    holder.provider.add_client("invoices", name="Facturation")
    page = change(holder, password=password, again=again)
    assert page.status_code == 400
    assert page.text.count(said) >= 2  # above everything, and at its field
    assert 'id="error-summary"' in page.text
    assert 'aria-invalid="true"' in page.text
    unchanged(holder.provider)


def test_all_that_is_wrong_is_said_at_once(holder: Holder) -> None:
    page = change(holder, "wrong", "court").text
    assert CURRENT_WRONG in page
    assert "au moins 12 caractères" in page


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_password_with_accents_opens_however_the_keyboard_writes_it(holder: Holder, form: str) -> None:
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    new = "déjà vu près du château gelé"
    change(holder, password=unicodedata.normalize(form, new))  # type: ignore[arg-type]
    rp = RelyingParty(holder.provider)
    typed = unicodedata.normalize(other, new)  # type: ignore[arg-type]
    assert "code" in answer_of(rp.give_password(rp.open_login(), password=typed))


def test_128_characters_are_taken_as_they_are(holder: Holder) -> None:
    longest = (NEW + " 0123456789 et encore dix autres mots pour finir la ligne " * 3)[:128]
    assert path_of(change(holder, password=longest)) == "/password/done"
    rp = RelyingParty(holder.provider)
    assert "incorrect" in rp.give_password(rp.open_login(), password=longest[:-1]).text
    assert "code" in answer_of(rp.give_password(rp.open_login(), password=longest))


def test_the_page(holder: Holder) -> None:
    page = holder.browser.get(PAGE).text
    assert 'autocomplete="current-password"' in page
    assert page.count('autocomplete="new-password"') == 2
    assert "maxlength" not in page  # what is pasted is not cut
    assert "les conseils de la CNIL pour un bon mot de passe" in page
    assert "utilisez surtout pas le même mot de passe pour tous vos comptes." in page
    assert "Sûreté du mot de passe" in page
    assert "meter.js" in page
    assert "Facturation" not in page
    assert "Password strength" in holder.browser.get(f"{PAGE}?lang=en").text


def test_the_tips_are_where_the_region_says(start: Callable[..., Provider]) -> None:
    provider = start(brand={"password_tips_url": "https://region.example/conseils"})
    provider.add_account("anne.pierre")
    assert "https://region.example/conseils" in Holder.proven(provider, PAGE).browser.get(PAGE).text


def test_an_operators_list_counts_and_its_loss_stops_every_choice(
    start: Callable[..., Provider], tmp_path: Path
) -> None:
    listed = tmp_path / "listed.txt"
    listed.write_text("lapin rouge table vélo nuage\n")
    provider = start(password_blocklist=listed)
    provider.add_account("anne.pierre")
    holder = Holder.proven(provider, PAGE)
    assert "connu des pirates" in change(holder, password="Lapin rouge table vélo nuage !").text
    listed.unlink()
    assert change(holder).status_code == 503
    assert not provider.events("password.changed")


def test_an_operators_list_that_cannot_be_used_stops_the_start(start: Callable[..., Provider], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="password_blocklist: No such file"):
        start(password_blocklist=tmp_path / "gone")
    (tmp_path / "unsorted").write_text("b\na\n")
    with pytest.raises(SettingsError, match="not sorted"):
        start(password_blocklist=tmp_path / "unsorted")


def test_more_bits_can_be_asked_for(start: Callable[..., Provider]) -> None:
    provider = start(password_min_bits=80)
    provider.add_account("anne.pierre")
    assert "trop peu de mots" in change(Holder.proven(provider, PAGE)).text
