"""`sesame mail …`"""

from pathlib import Path

import click

from idp.cli.context import plainly, settings_of
from idp.errors import InvalidOperation
from idp.flows.letter_samples import SAMPLES
from idp.settings import Settings
from idp.web.browser import Browser
from idp.web.language import LANGUAGES
from idp.web.letters import PARTS, Letters, files
from idp.web.pages import Pages

KINDS = tuple(sorted(SAMPLES))


@click.group()
def mail() -> None:
    """Letters, and templates of yours in the place of the provider's (`mail.templates_dir`)."""


@mail.command("list")
@click.pass_context
@plainly
def show(context: click.Context) -> None:
    """List the kinds, with which of their files are yours; then the files that all share."""
    letters = _letters(settings_of(context))
    subjects = {kind: letters.draw_strictly("fr", kind, SAMPLES[kind][0])[0] for kind in KINDS}
    for kind, subject in subjects.items():
        replaced = [part for part in PARTS if f"{kind}.{part}" in letters.replaced]
        click.echo(f"{kind}\t{', '.join(replaced) or '-'}\t{subject}")
    for name in files():
        if name.startswith("_"):
            click.echo(f"{name}\t{'replaced' if name in letters.replaced else '-'}\tshared")


@mail.command()
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
@click.option("--lang", type=click.Choice(LANGUAGES), default=LANGUAGES[0], help="fr, unless given.")
@click.option("--sample", type=click.IntRange(1), default=1, help="Which of the sample values; 1 is the usual case.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the HTML there.")
@click.pass_context
@plainly
def preview(context: click.Context, kind: str, lang: str, sample: int, html: Path | None) -> None:
    """Print a letter as its reader gets it, with sample values. Sends nothing."""
    samples = SAMPLES[kind]
    if sample > len(samples):
        raise InvalidOperation(f"{kind} has {len(samples)} samples")
    subject, text, page = _letters(settings_of(context)).draw_strictly(lang, kind, samples[sample - 1])
    if html is not None:
        html.write_text(page, encoding="utf-8")
    click.echo(f"{subject}\n\n{text.rstrip()}")


@mail.command()
@click.argument("kind", metavar="KIND")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@plainly
def copy(kind: str, folder: Path) -> None:
    """Copy the provider's templates of a kind, or a shared file (`_layout.html`), to start from. Overwrites nothing."""
    chosen = {name: text for name, text in files().items() if name == kind or name in _names(kind)}
    if not chosen:
        raise InvalidOperation(f"{kind}: no such letter (`sesame mail list` names them)")
    for name in chosen:
        if (folder / name).exists():
            raise InvalidOperation(f"{folder / name} exists; nothing was copied")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in chosen.items():
        (folder / name).write_text(text, encoding="utf-8")
        click.echo(folder / name)


def _names(kind: str) -> tuple[str, ...]:
    return tuple(f"{kind}.{part}" for part in PARTS) if kind in SAMPLES else ()


def _letters(settings: Settings) -> Letters:
    """As the settings have them; a letter needs no store and no method. Raises SettingsError."""
    return Pages(settings, Browser(settings, lambda *_: "")).letters
