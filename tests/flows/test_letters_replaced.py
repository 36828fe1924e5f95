"""An operator's templates of letters: refused at the start if they are broken, and no letter is lost on the way."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2
import pytest
from jinja2 import meta
from structlog.testing import capture_logs

from idp.cli.doctor.files import letters as doctor
from idp.cli.doctor.finding import Level
from idp.flows import letters
from idp.flows.delivery import deliver_next
from idp.flows.letter_samples import SAMPLES
from idp.flows.letter_trial import try_all
from idp.settings import Settings, SettingsError, load
from idp.web.browser import Browser
from idp.web.language import LANGUAGES
from idp.web.letters import Letters, files, kinds
from idp.web.pages import Pages
from tests.fakes.findings import only
from tests.fakes.provider import Provider

FOUND_EVERYWHERE = {"_", "brand", "lang"}
HAVE_A_DEFAULT = {"was_asked", "support_phone", "support_email"}
CODE = SAMPLES["email_code"][0]
Put = Callable[[Mapping[str, str | bytes]], Letters]
pytestmark = pytest.mark.embedded


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "letters"
    made.mkdir()
    return made


@pytest.fixture
def put(folder: Path) -> Put:
    """Letters with these files in the operator's folder."""

    def write(texts: Mapping[str, str | bytes]) -> Letters:
        for name, text in texts.items():
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return of(folder)

    return write


def of(folder: Path | None) -> Letters:
    settings = Settings.model_validate({"issuer": "https://idp.example", "mail": {"templates_dir": folder}})
    return Pages(settings, Browser(settings, lambda *_: "")).letters


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("email_cod.txt", "x", "no template of this name"),
        ("email_code.txt~", "x", "no template of this name"),
        ("email_code.txt", "{% if code %}", "line 1"),
        ("email_code.txt", "a\n{{ code|shout }}", "line 2"),
        ("email_code.txt", b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_its_name(
    put: Put, folder: Path, name: str, text: str | bytes, said: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        put({name: text})
    assert str(refused.value).startswith(f"mail.templates_dir: {folder / name}")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("email_code.txt", "{{ code }}\n{{ cod }}", ", line 2: UndefinedError"),
        ("email_code.txt", "{{ code }}{% include 'mail/none.txt' %}", "TemplateNotFound"),
        ("email_code.txt", "{{ code }}{% include 'login.html' %}", "TemplateNotFound"),
        ("email_code.txt", "{{ code }}{{ ''.__class__.__mro__ }}", "SecurityError"),
        ("email_code.txt", "{{ code }}{{ brand.clear() }}", "SecurityError"),
        ("email_code.txt", "{{ code }}{{ _('%(who)s', x=1) }}", "KeyError"),
        ("email_code.txt", "Bonjour", "code is missing"),
        ("email_code.txt", "{% if lang == 'fr' %}{{ code }}{% endif %}", "empty"),
        ("email_code.html", "<p>Bonjour</p>", "code is missing"),
        ("password_reset.txt", "Bonjour", "url is missing"),
        ("means_changed.html", "<p>Bonjour</p>", "not_me_url is missing"),
        ("email_code.subject.txt", " ", "empty"),
        ("access_granted.txt", "{{ url }} {{ until|moment }}", "UndefinedError"),  # there may be no end: second sample
        ("registration_received.html", "<p>{{ name|safe }}</p>", "not escaped"),
        ("registration_received.html", "{% autoescape false %}{{ name }}{% endautoescape %}", "not escaped"),
        ("_foot.txt", "{{ foot }}", "UndefinedError"),
        ("_layout.html", "<p></p>", "access_expiring.html: url is missing"),
    ],
)
def test_a_letter_that_fails_with_sample_values_is_refused_by_its_name(
    put: Put, folder: Path, name: str, text: str, said: str
) -> None:
    found = put({name: text})
    with pytest.raises(SettingsError) as refused:
        try_all(found)
    assert said in str(refused.value)
    assert str(folder / name) in str(refused.value)


def test_a_folder_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"mail\.templates_dir: .*absent"):
        of(folder / "absent")


def test_a_folder_in_it_is_refused(folder: Path) -> None:
    (folder / "email_code.txt").mkdir()
    with pytest.raises(SettingsError, match=r"email_code\.txt"):
        of(folder)


def test_the_provider_does_not_start_with_a_broken_letter(start: Callable[..., Provider], folder: Path) -> None:
    (folder / "email_code.txt").write_text("{{ code }} {{ cod }}")
    with pytest.raises(SettingsError, match=r"email_code\.txt, line 1"):
        start(mail={"templates_dir": folder})


def test_the_doctor_names_a_broken_letter_and_counts_sound_ones(folder: Path) -> None:
    settings = Settings.model_validate({"issuer": "https://idp.example", "mail": {"templates_dir": folder}})
    (folder / "email_code.txt").write_text("{{ cod }}")
    level, text = only(doctor(settings))
    assert level is Level.FAIL
    assert f"{folder / 'email_code.txt'}, line 1" in text

    (folder / "email_code.txt").write_text("{{ code }}")
    assert only(doctor(settings)) == (Level.OK, f"{folder}: 1 in the place of the provider's")
    assert list(doctor(Settings(issuer="https://idp.example"))) == []


def send(provider: Provider, kind: str, **values: str) -> None:
    with provider.services.db.write() as tx:
        letters.put(provider.services, tx, kind, {"to": "anne@chu.example", "lang": "fr", **values})
    assert deliver_next(provider.services)


def test_a_letter_that_fails_on_the_way_leaves_as_the_providers(start: Callable[..., Provider], folder: Path) -> None:
    """Sound with the samples, it fails with a name that they do not have; the log has no value of it."""
    (folder / "email_code.subject.txt").write_text("A nous")
    (folder / "email_code.txt").write_text("{{ code }}{% if code == '660000' %}\n{{ code.nothing }}{% endif %}")
    provider = start(mail={"templates_dir": folder})

    with capture_logs() as logs:
        send(provider, "email_code", code="660000", minutes="10")

    (mail,) = provider.mailer.sent
    assert mail.subject == "Votre code pour confirmer votre adresse e-mail"  # not one part of each
    assert "    660000\n" in mail.text
    (failed,) = [each for each in logs if each["log_level"] == "error"]
    assert failed["template"] == f"{folder / 'email_code.txt'}, line 2"
    assert failed["kind"] == "email_code"
    assert "660000" not in str(logs)


def test_a_sound_letter_is_sent_in_the_place_of_the_providers(start: Callable[..., Provider], folder: Path) -> None:
    (folder / "email_code.txt").write_text("Votre code d'accès : {{ code }}")
    (folder / "_layout.html").write_text(
        "<main>{% block title %}{% endblock %}{% block content %}{% endblock %}</main>"
    )
    provider = start(mail={"templates_dir": folder})

    send(provider, "email_code", code="660000", minutes="10")

    (mail,) = provider.mailer.sent
    assert mail.subject == "Votre code pour confirmer votre adresse e-mail"
    assert mail.text == "Votre code d'accès : 660000"  # a text is never escaped
    assert mail.html.startswith("<main>")


def test_what_was_checked_is_what_is_sent(put: Put, folder: Path) -> None:
    found = put({"email_code.txt": "{{ code }}"})
    (folder / "email_code.txt").write_text("{{ cod }}")
    assert found.draw_strictly("fr", "email_code", CODE)[1] == "482913"


def test_values_are_escaped_in_html(put: Put) -> None:
    found = put({"registration_received.html": "<p>{{ name }}</p>"})
    values: dict[str, Any] = {"name": "<b>Anne</b>", "service": ""}
    assert found.draw("fr", "registration_received", values)[2] == "<p>&lt;b&gt;Anne&lt;/b&gt;</p>"


def test_a_template_may_say_something_else_in_english(put: Put) -> None:
    found = put({"not_me.subject.txt": "{% if lang == 'en' %}Blocked{% else %}{{ _('Bloqué') }}{% endif %}"})
    assert try_all(found) == 1
    assert [found.draw_strictly(lang, "not_me", {})[0] for lang in LANGUAGES] == ["Bloqué", "Blocked"]


def test_hidden_files_are_not_templates(put: Put) -> None:
    assert try_all(put({".gitignore": "x"})) == 0


def test_a_copy_of_every_template_draws_what_the_providers_draw(put: Put) -> None:
    found = put(files())
    assert try_all(found) == len(files())
    for kind, samples in SAMPLES.items():
        for lang in LANGUAGES:
            assert found.draw_strictly(lang, kind, samples[0]) == found.draw_product(lang, kind, samples[0])


def test_the_folder_is_relative_to_the_settings(tmp_path: Path) -> None:
    (tmp_path / "sesame.toml").write_text('issuer = "https://idp.example"\n[mail]\ntemplates_dir = "letters"\n')
    assert load(tmp_path / "sesame.toml").mail.templates_dir == tmp_path / "letters"


def test_every_kind_has_samples() -> None:
    assert set(SAMPLES) == set(kinds())


@pytest.mark.parametrize("kind", kinds())
def test_samples_have_every_value_that_the_templates_name(kind: str) -> None:
    named, env = set[str](), jinja2.Environment(extensions=["jinja2.ext.i18n"])
    env.filters.update({"moment": str, "day": str})
    for name, text in files().items():
        if name.startswith(f"{kind}."):
            named |= meta.find_undeclared_variables(env.parse(text))
    assert named - FOUND_EVERYWHERE - HAVE_A_DEFAULT <= set().union(*SAMPLES[kind])


@pytest.mark.parametrize("kind", kinds())
def test_the_providers_own_letters_are_sound_with_every_sample(kind: str) -> None:
    found = of(None)
    for sample in SAMPLES[kind]:
        for lang in LANGUAGES:
            subject, text, _ = found.draw_strictly(lang, kind, sample)
            assert subject
            assert text
