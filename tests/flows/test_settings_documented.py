"""docs/settings.md says every setting, with its default, as the code has it."""

from pathlib import Path

from pydantic import BaseModel

from idp.cli.settings_table import SECTIONS, table
from idp.settings import Settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_document_is_what_the_command_prints() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == table(), "run: sesame settings table > docs/settings.md"


def test_every_setting_is_described() -> None:
    models: list[type[BaseModel]] = [Settings, *SECTIONS.values()]
    for model in models:
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"
            assert f"| `{name}` |" in table()


def test_every_section_has_a_table() -> None:
    nested = {
        name
        for name, field in Settings.model_fields.items()
        if any(s.__name__ in str(field.annotation) for s in SECTIONS.values())
    }
    assert nested == set(SECTIONS)
