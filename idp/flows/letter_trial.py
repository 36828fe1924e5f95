"""An operator's letters, tried before anything is sent: each kind, with each sample, in each language."""

from idp.flows.letter_samples import SAMPLES, Sample
from idp.settings import SettingsError
from idp.web.language import LANGUAGES
from idp.web.letters import KEY, PARTS, Letters

NEEDED = ("code", "url", "not_me_url")  # a letter without what it brings is none
TYPED = ("by", "login", "name", "question", "reason", "service", "text", "wished")  # by people: nothing of it is HTML
MARK = "<s>"


def try_all(letters: Letters) -> int:
    """How many files replace the provider's. Raises SettingsError, which names the file that cannot be used."""
    if letters.replaced:
        for kind, samples in SAMPLES.items():
            for sample in samples:
                for lang in LANGUAGES:
                    _try(letters, lang, kind, sample)
                    _try_escaping(letters, lang, kind, sample)
    return len(letters.replaced)


def _try(letters: Letters, lang: str, kind: str, sample: Sample) -> None:
    own = letters.draw_strictly(lang, kind, sample)
    for part, drawn, product in zip(PARTS, own, letters.draw_product(lang, kind, sample), strict=True):
        where = _whose(letters, f"{kind}.{part}")
        if not drawn.strip() and product.strip():
            raise SettingsError(f"{KEY}: {where}: empty")
        for name in NEEDED:
            value = sample.get(name)
            if value and value in product and value not in drawn:
                raise SettingsError(f"{KEY}: {where}: {name} is missing ({{{{ {name} }}}})")


def _try_escaping(letters: Letters, lang: str, kind: str, sample: Sample) -> None:
    """What somebody typed must not become a part of the page: of a registration, it is anybody's."""
    typed = {name: f"{sample[name]}{MARK}" for name in TYPED if sample.get(name)}
    if typed and MARK in letters.draw_strictly(lang, kind, {**sample, **typed})[2]:
        raise SettingsError(f"{KEY}: {_whose(letters, f'{kind}.html')}: a value is not escaped (`safe`, `autoescape`)")


def _whose(letters: Letters, name: str) -> str:
    """The operator's file of this name, or the shared ones that the provider's is drawn with."""
    if name in letters.replaced:
        return str(letters.replaced[name][0])
    shared = (str(path) for each, (path, _) in letters.replaced.items() if each.startswith("_"))
    return f"{', '.join(shared)}: {name}"
