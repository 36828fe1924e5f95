"""Discovery and JWKS, answered without the framework once it has answered: nobody can tell the difference."""

import io
import json
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from idp.flows.oidc.discovery import KEYS, OAUTH, OPENID
from idp.flows.operators import keyring
from idp.web import logs
from keys.file import FileSigner
from keys.place import Place
from tests.fakes.outage import Outage
from tests.fakes.provider import Provider

each_document = pytest.mark.parametrize("path", [OPENID, OAUTH, KEYS])


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Logs as in production."""
    before, buffer = structlog.get_config(), io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", buffer)
        logs.configure("INFO")
    yield buffer
    structlog.configure(**before)


def published(provider: Provider) -> set[str]:
    return {key["kid"] for key in (provider.browser().get("/jwks").json or {})["keys"]}


@each_document
def test_the_second_answer_is_the_first(provider: Provider, path: str) -> None:
    first, second = provider.browser().get(path), provider.browser().get(path)
    assert (second.status, second.data) == (first.status, first.data)
    ids = [answer.headers.pop("X-Request-Id") for answer in (first, second)]
    assert ids[0] != ids[1]
    assert list(second.headers) == list(first.headers)
    assert second.headers["Cache-Control"] == "public, max-age=300"
    assert second.headers["Access-Control-Allow-Origin"] == "*"
    assert second.headers["X-Content-Type-Options"] == "nosniff"
    assert second.headers["Content-Length"] == str(len(second.data))


@each_document
def test_each_answer_has_its_line_and_is_counted(provider: Provider, written: io.StringIO, path: str) -> None:
    answers = [provider.browser().get(path) for _ in range(3)]
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    said = [(line["event"], line["route"], line["method"], line["status"], line["request_id"]) for line in lines]
    assert said == [("request", path, "GET", 200, answer.headers["X-Request-Id"]) for answer in answers]
    shown = provider.browser().get("/metrics").text
    counted = {
        (sample.name, sample.labels.get("route")): sample.value
        for family in text_string_to_metric_families(shown)
        for sample in family.samples
    }
    assert counted["sesame_requests_total", path] == 3
    assert counted["sesame_request_seconds_count", path] == 3


@each_document
def test_other_methods_are_answered_as_ever(provider: Provider, path: str) -> None:
    browser = provider.browser()
    document = browser.get(path)
    head = browser.head(path)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == document.headers["Content-Length"]
    assert browser.options(path).headers["Allow"]
    refused = browser.post(path)
    assert refused.status_code == 405
    assert "GET" in refused.headers["Allow"]
    assert browser.get(path).data == document.data


@each_document
def test_what_a_query_brings_about_is_kept_for_nobody(provider: Provider, path: str) -> None:
    assert "sesame-lang" in provider.browser().get(f"{path}?lang=en").headers["Set-Cookie"]
    assert provider.browser().get(f"{path}?x=%ff").status_code == 400
    for _ in range(2):
        plain = provider.browser().get(path)
        assert plain.status_code == 200
        assert "Set-Cookie" not in plain.headers


def test_a_key_that_is_withdrawn_is_not_in_the_next_answer(provider: Provider) -> None:
    signer = provider.services.signer
    assert isinstance(signer, FileSigner)
    ring = signer.keys()
    stolen = next(key.kid for key in ring if key.alg == "ES256")
    assert stolen in published(provider)
    signer.withdraw(stolen, now=provider.clock.now(), publish_ahead=timedelta(0), keep_after=timedelta(days=1))
    signer.reload()
    assert stolen not in published(provider)


def test_another_process_is_followed_within_a_second(provider: Provider) -> None:
    before = published(provider)
    provider.clock.advance(days=88)
    keyring.rotate_due(
        provider.desk,
        Place(provider.services.settings.keys_dir),
        max_age=timedelta(days=89),
        publish_before=timedelta(days=1),
    )
    provider.clock.advance(seconds=1)
    assert before < published(provider)


def test_they_are_answered_while_the_database_is_away(provider: Provider) -> None:
    documents = [provider.browser().get(path).data for path in (OPENID, OAUTH, KEYS)]
    outage = Outage.of(provider)
    with outage.of_database():
        outage.provider.clock.advance(seconds=5)
        assert [outage.provider.browser().get(path).data for path in (OPENID, OAUTH, KEYS)] == documents
