"""`sesame mail`: what letters there are, how they look, and where to start from."""

from pathlib import Path

import pytest

from idp.web.letters import files, kinds
from tests.fakes.command_line import CommandLine

pytestmark = pytest.mark.embedded


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    (tmp_path / "letters").mkdir()
    return CommandLine.in_folder(tmp_path, '[mail]\ntemplates_dir = "letters"\n')


@pytest.mark.parametrize("command", [["list"], ["preview", "not_me"]])
def test_a_broken_template_is_named(line: CommandLine, command: list[str]) -> None:
    path = line.folder / "letters" / "not_me.subject.txt"
    path.write_text("{{ nobody }}")
    assert line.refused("mail", *command).startswith(f"mail.templates_dir: {path}, line 1: UndefinedError")


def test_an_unknown_kind_is_refused(line: CommandLine) -> None:
    assert line.invoke("mail", "preview", "nothing").exit_code == 2
    assert "no such letter" in line.refused("mail", "copy", "nothing", str(line.folder / "letters"))
    assert "has 1 samples" in line.refused("mail", "preview", "email_code", "--sample", "2")


def test_a_copy_overwrites_nothing(line: CommandLine) -> None:
    folder = line.folder / "letters"
    (folder / "email_code.html").write_text("<p>{{ code }}</p>")
    assert "email_code.html exists" in line.refused("mail", "copy", "email_code", str(folder))
    assert [path.name for path in folder.iterdir()] == ["email_code.html"]


def test_list_has_every_kind_and_says_what_is_replaced(line: CommandLine) -> None:
    (line.folder / "letters" / "email_code.html").write_text("<p>{{ code }}</p>")
    rows = [row.split("\t") for row in line.run("mail", "list").splitlines()]
    assert [row[0] for row in rows if row[0][0] != "_"] == list(kinds())
    assert ["email_code", "html", "Votre code pour confirmer votre adresse e-mail"] in rows
    assert ["_layout.html", "-", "shared"] in rows


def test_preview_in_both_languages_and_html(line: CommandLine) -> None:
    page = line.folder / "letter.html"
    french = line.run("mail", "preview", "registration_code", "--html", str(page))
    assert french.startswith("Votre code pour vous inscrire\n\n")
    assert "482913" in french
    assert '<html lang="fr">' in page.read_text()
    english = line.run("mail", "preview", "registration_code", "--lang", "en")
    assert english.startswith("Your code to")
    assert "un chiffre y a été ajouté" in line.run("mail", "preview", "account_ready", "--sample", "2")


def test_a_copy_is_sound_and_is_what_is_shown_once_changed(line: CommandLine) -> None:
    folder = line.folder / "letters"
    line.run("mail", "copy", "email_code", str(folder))
    line.run("mail", "copy", "_foot.txt", str(folder))
    assert sorted(path.name for path in folder.iterdir()) == [
        "_foot.txt",
        "email_code.html",
        "email_code.subject.txt",
        "email_code.txt",
    ]
    assert (folder / "_foot.txt").read_text() == files()["_foot.txt"]
    (folder / "email_code.subject.txt").write_text("CHU : code {{ code }}")
    assert line.run("mail", "preview", "email_code").startswith("CHU : code 482913\n")
