"""Letters drawn from their templates: the provider's, and those that an operator put in their place."""

from collections.abc import Callable, Mapping
from gettext import NullTranslations
from importlib import resources
from pathlib import Path
from traceback import extract_tb
from typing import Any

import jinja2
import structlog
from jinja2.sandbox import ImmutableSandboxedEnvironment

from idp.settings import SettingsError

PARTS = ("subject.txt", "txt", "html")
KEY = "mail.templates_dir"


def files() -> dict[str, str]:
    """The provider's templates of letters by the name of the file: three for each kind, and what they share (`_…`)."""
    folder = resources.files("idp") / "templates" / "mail"
    found = {each.name: each.read_text(encoding="utf-8") for each in folder.iterdir() if each.is_file()}
    return dict(sorted(found.items()))


def kinds() -> tuple[str, ...]:
    """Every kind of letter that the provider writes."""
    end = f".{PARTS[0]}"
    return tuple(name.removesuffix(end) for name in files() if name.endswith(end))


class Letters:
    """folder: of the operator's templates, read once, so that what was checked is what is sent; product: the
    provider's. Raises SettingsError, which names the file, for one that is unknown or cannot be compiled.
    """

    def __init__(
        self, folder: Path | None, product: jinja2.Environment, catalogues: Mapping[str, NullTranslations]
    ) -> None:
        self._product, self._catalogues = product, catalogues
        self.replaced = _read(folder) if folder else {}
        self._own = _sandbox(self.replaced, product) if self.replaced else None

    def draw(self, lang: str, kind: str, values: Mapping[str, Any]) -> tuple[str, str, str]:
        """Subject, text and HTML. An operator's template that fails costs nobody a letter: the provider's is drawn."""
        if self._own is None:
            return self.draw_product(lang, kind, values)
        try:
            return self._draw(self._own, lang, kind, values)
        except Exception as error:
            log = structlog.get_logger()  # never the error's own text, in which a code or a link may stand
            log.error("letter template failed; the provider's is sent", kind=kind, lang=lang, **self._failure(error))
            return self.draw_product(lang, kind, values)

    def draw_product(self, lang: str, kind: str, values: Mapping[str, Any]) -> tuple[str, str, str]:
        """By the provider's templates alone."""
        return self._draw(self._product, lang, kind, values)

    def draw_strictly(self, lang: str, kind: str, values: Mapping[str, Any]) -> tuple[str, str, str]:
        """With the operator's templates. Raises SettingsError, which names the one that fails."""
        if self._own is None:
            return self.draw_product(lang, kind, values)
        try:
            return self._draw(self._own, lang, kind, values)
        except Exception as error:
            where = self._failure(error)["template"] or f"{kind}, with the others of the folder"
            raise SettingsError(f"{KEY}: {where}: {type(error).__name__}: {error}") from error

    def _draw(self, env: jinja2.Environment, lang: str, kind: str, values: Mapping[str, Any]) -> tuple[str, str, str]:
        say = _formatted(self._catalogues[lang].gettext)
        drawn = {**values, "_": say, "gettext": say, "lang": lang}
        subject, text, html = (env.get_template(f"mail/{kind}.{part}").render(**drawn) for part in PARTS)
        return " ".join(subject.split()), text, html

    def _failure(self, error: Exception) -> dict[str, str]:
        """What failed, and in which of the operator's files: the innermost that the error passed through."""
        own = {str(path) for path, _ in self.replaced.values()}
        frames = [frame for frame in extract_tb(error.__traceback__) if frame.filename in own]
        where = f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else ""
        return {"template": where, "cause": type(error).__name__}


class _OwnFiles(jinja2.BaseLoader):
    """What an operator replaced, and the provider's for the rest; letters only."""

    def __init__(self, replaced: Mapping[str, tuple[Path, str]], product: jinja2.Environment) -> None:
        self._replaced, self._product = replaced, product

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        folder, _, name = template.rpartition("/")
        if folder != "mail" or self._product.loader is None:
            raise jinja2.TemplateNotFound(template)
        if name in self._replaced:
            path, source = self._replaced[name]
            return source, str(path), lambda: True
        return self._product.loader.get_source(environment, template)


def _sandbox(replaced: Mapping[str, tuple[Path, str]], product: jinja2.Environment) -> jinja2.Environment:
    """HTML is escaped; a text is not, whatever its author forgot to say. Raises SettingsError."""
    env = ImmutableSandboxedEnvironment(
        loader=_OwnFiles(replaced, product),
        autoescape=lambda name: not (name or "").endswith(".txt"),
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=product.trim_blocks,
        lstrip_blocks=product.lstrip_blocks,
    )
    env.newstyle_gettext = True  # type: ignore[attr-defined]
    env.filters.update(product.filters)
    env.globals["brand"] = product.globals["brand"]
    for name, (path, _) in replaced.items():
        try:
            env.get_template(f"mail/{name}")
        except jinja2.TemplateSyntaxError as error:
            raise SettingsError(f"{KEY}: {path}, line {error.lineno}: {error.message}") from error
    return env


def _read(folder: Path) -> dict[str, tuple[Path, str]]:
    """The operator's files by name; hidden ones (of a version control, say) are none. Raises SettingsError."""
    known, found = files(), dict[str, tuple[Path, str]]()
    try:
        for path in sorted(folder.iterdir()):
            if path.name.startswith("."):
                continue
            if path.name not in known:
                raise SettingsError(f"{KEY}: {path}: no template of this name (`sesame mail list` names them)")
            found[path.name] = path, path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{KEY}: {error.strerror}: {error.filename or folder}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{KEY}: {path}: not UTF-8") from error
    return found


def _formatted(translate: Any) -> Any:
    """Jinja's newstyle gettext for a catalogue that is not the page's."""

    def say(text: str, **values: Any) -> str:
        return translate(text) % values if values else str(translate(text))

    return say
