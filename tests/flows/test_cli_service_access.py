"""`sesame service-access`: a sound definition is put in place, any other is refused in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from demo.access_forms import FORMS
from idp.domain.service_access import Field, ServiceAccess, ServiceRole
from idp.errors import InvalidOperation
from idp.flows.operators import service_access
from tests.fakes.provider import Provider

GOOD = """
region_approves = true
service_approves = true
terms_version = "2026-06"
terms_uri = "https://ror.example/cgu"

[[fields]]
name = "function"
label = "Fonction"
kind = "select"
choices = ["Médecin", "- Autre -"]
required = true

[[fields]]
name = "function_other"
label = "Fonction autre"
other_of = "function"
required = true

[[fields]]
name = "email"
label = "Email"
from = "email"
locked = true

[[roles]]
code = "PORTEUR_OFFRE"
label = "Porteur d'offre"
perimeter = true
"""
READ = ServiceAccess(
    "rp",
    region_approves=True,
    service_approves=True,
    fields=(
        Field("function", "Fonction", "select", is_required=True, choices=("Médecin", "- Autre -")),
        Field("function_other", "Fonction autre", is_required=True, other_of="function"),
        Field("email", "Email", source="email", is_locked=True),
    ),
    roles=(ServiceRole("PORTEUR_OFFRE", "Porteur d'offre", takes_perimeter=True),),
    terms_version="2026-06",
    terms_uri="https://ror.example/cgu",
)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "form.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_file_is_read_and_put_in_place(provider: Provider, file: Callable[[str], Path]) -> None:
    form = service_access.read(file(GOOD), "rp")
    assert form == READ
    with provider.services.db.write() as tx:
        service_access.put(provider.desk, tx, form)
        found = tx.service_access.get("rp")
    assert found
    assert (found.fields, found.roles, found.updated_by) == (READ.fields, READ.roles, "test")
    (event,) = provider.events("service_access.changed")
    assert event.detail == {"fields": "3", "roles": "1", "levels": "region service"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("region_approves = true\nservice_approves = true", "region_approves = false"),
        ('name = "function"', 'name = "Function"'),
        ('name = "function"', 'name = "reason"'),
        ('name = "function_other"', 'name = "function"'),
        ('kind = "select"', 'kind = "radio"'),
        ('kind = "select"\n', ""),
        ('choices = ["Médecin", "- Autre -"]', "choices = []"),
        ('choices = ["Médecin", "- Autre -"]', 'choices = "Médecin"'),
        ('"- Autre -"', '"Autre"'),
        ('from = "email"', 'from = "password"'),
        ('from = "email"\n', ""),
        ("required = true", 'required = "yes"'),
        ("required = true", "mandatory = true"),
        ('label = "Fonction"\n', ""),
        ('label = "Fonction"', 'label = "\\u202eFonction"'),
        ('code = "PORTEUR_OFFRE"', 'code = "PORTEUR OFFRE"'),
        ("https://ror.example/cgu", "javascript:alert(1)"),
        ('terms_version = "2026-06"\n', ""),
        ("region_approves", "regions_approve"),
        ("[[roles]]", "[roles]"),
        ("[[fields]]", "[[fields"),
    ],
)
def test_what_is_not_sound_is_refused(file: Callable[[str], Path], old: str, new: str) -> None:
    assert old in GOOD
    with pytest.raises(InvalidOperation):
        service_access.read(file(GOOD.replace(old, new)), "rp")


def test_a_service_that_is_not_there_is_refused(provider: Provider) -> None:
    with provider.services.db.write() as tx, pytest.raises(InvalidOperation, match="no such client"):
        service_access.put(provider.desk, tx, ServiceAccess("unknown"))


def test_the_example_of_the_manual_is_sound(file: Callable[[str], Path]) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    example = manual.partition("<!-- service-access -->")[2].partition("```toml\n")[2].partition("```")[0]
    assert service_access.read(file(example), "espace-pro").fields


def test_the_demos_are_sound(provider: Provider) -> None:
    for form in FORMS:
        provider.add_client(form.client_id, needs_entitlement=True)
        with provider.services.db.write() as tx:
            service_access.put(provider.desk, tx, form)
