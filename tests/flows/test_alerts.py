"""Alerts: raised with what they speak of, mailed to support, listed and closed by operators."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from idp.domain.alert import KINDS, Alert
from idp.domain.throttle import ATTEMPTS
from idp.flows.alerts import raise_alert
from idp.web.alert_texts import ALERTS
from tests.fakes.clock import START
from tests.fakes.command_line import OPERATOR, CommandLine
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty

SUPPORT = "support@region.example"


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start(brand={"support_email": SUPPORT})
    made.add_client("rp", grant_types=("authorization_code", "refresh_token"))
    made.add_account("anne.pierre")
    return made


def open_alerts(provider: Provider) -> list[tuple[str, str | None]]:
    """Kind and service of each."""
    with provider.services.db.read() as tx:
        return [(alert.kind, alert.detail.get("client_id")) for alert in tx.alerts.latest(10)]


def refresh(rp: RelyingParty, token: str) -> str:
    """The successor, empty after a refusal."""
    form = {"grant_type": "refresh_token", "refresh_token": token}
    answer = rp.provider.browser().post("/token", data=form, headers=rp.basic()).json or {}
    return str(answer.get("refresh_token", ""))


# -- who raises them ---------------------------------------------------------------------


def test_a_code_that_is_used_twice(provider: Provider) -> None:
    rp = RelyingParty(provider)
    code = rp.login()["code"]
    for _ in range(3):
        rp.token(code)
    assert open_alerts(provider) == [("token.code_replayed", "rp")]
    (mail,) = provider.mails()
    assert mail.to == SUPPORT
    assert "anne.pierre" in mail.text


def test_a_refresh_token_that_is_used_again(provider: Provider) -> None:
    rp = RelyingParty(provider)
    first = rp.tokens()["refresh_token"]
    second = refresh(rp, first)
    refresh(rp, second)
    assert open_alerts(provider) == []
    refresh(rp, first)
    assert open_alerts(provider) == [("token.refresh_replayed", "rp")]


def test_letters_that_are_given_up_are_one_alert(provider: Provider) -> None:
    rp = RelyingParty(provider)
    provider.mailer.down = True
    for _ in range(2):
        rp.post("/password/forgot", page="/password/forgot", login="anne.pierre")
    wait(provider, minutes=30)
    assert open_alerts(provider) == [("letters.given_up", None)]
    with provider.services.db.write() as tx:
        for alert in tx.alerts.latest(10):
            tx.alerts.close(alert.alert_id, "operator:test", "the mail system is away", provider.clock.now())
    wait(provider, minutes=30)
    assert "alert" in {event.detail["kind"] for event in provider.events("letter.given_up")}
    assert open_alerts(provider) == []  # the loss of an alert raises none


def wait(provider: Provider, minutes: int) -> None:
    """While the worker works."""
    for _ in range(minutes):
        provider.mails()
        provider.clock.advance(minutes=1)


# -- how -----------------------------------------------------------------------------------


def raise_one(provider: Provider, **detail: str) -> None:
    with provider.services.db.write() as tx:
        raise_alert(provider.services, tx, "logout.given_up", client_id="rp", **detail)


def test_an_alert_is_mailed_and_recorded_with_its_change(provider: Provider) -> None:
    raise_one(provider, reason="status 500")
    raise_one(provider, reason="status 502")
    (mail,) = provider.mails()
    with provider.services.db.read() as tx:
        (alert,) = tx.alerts.latest(10)
    assert (mail.to, "logout.given_up" in mail.subject) == (SUPPORT, True)
    for part in (mail.text, mail.html):
        assert alert.alert_id in part
        assert "status 500" in part
    (event,) = provider.events("alert.raised")
    assert (event.actor, event.client_id) == ("provider", "rp")
    assert event.detail == {"kind": "logout.given_up", "alert": alert.alert_id}


def test_an_alert_of_a_unit_that_is_undone_was_never_raised(provider: Provider) -> None:
    with pytest.raises(RuntimeError), provider.services.db.write() as tx:  # noqa: PT012 - it must be undone
        raise_alert(provider.services, tx, "letters.given_up")
        raise RuntimeError
    assert open_alerts(provider) == []
    assert provider.mails() == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, []),
        ({"mail": {"alerts_to": "nuit@region.example"}}, ["nuit@region.example"]),
        ({"mail": {"alerts_to": "nuit@region.example"}, "brand": {"support_email": SUPPORT}}, ["nuit@region.example"]),
    ],
)
def test_who_is_mailed(start: Callable[..., Provider], settings: dict[str, object], expected: list[str]) -> None:
    provider = start(**settings)
    raise_one(provider)
    assert [mail.to for mail in provider.mails()] == expected
    assert len(open_alerts(provider)) == 1


def test_a_kind_that_is_not_documented_is_refused() -> None:
    with pytest.raises(ValueError, match="undocumented"):
        Alert("1", "disk.full", START)


def test_support_is_told_what_each_kind_means_in_the_mail_and_in_the_document() -> None:
    assert ALERTS.keys() == KINDS.keys()
    document = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    for kind, sentence in KINDS.items():
        assert f"| `{kind}` | {sentence} |" in document


# -- operators -----------------------------------------------------------------------------


@pytest.fixture
def cli(tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    made = CommandLine.in_folder(tmp_path)
    made.write(lambda tx: tx.alerts.add(Alert("an-alert", "logout.given_up", START, detail={"client_id": "ror"})))
    return made


@pytest.mark.embedded
def test_an_operator_lists_and_closes_alerts(cli: CommandLine) -> None:
    line = json.loads(cli.run("alerts", "list"))
    assert line == {
        "id": "an-alert", "at": START.isoformat(), "kind": "logout.given_up", "login": None,
        "detail": {"client_id": "ror"}, "closed_at": None, "closed_by": None,
    }  # fmt: skip
    cli.run("alerts", "close", "an-alert", "--note", "the service is back")
    event = cli.last_event()
    assert (event["name"], event["client_id"]) == ("alert.closed", "ror")
    assert event["detail"] == {"kind": "logout.given_up", "alert": "an-alert", "note": "the service is back"}
    assert cli.run("alerts", "list") == ""
    line = json.loads(cli.run("alerts", "list", "--all"))
    assert line["closed_by"] == f"operator:{OPERATOR}"
    assert line["detail"]["note"] == "the service is back"


@pytest.mark.embedded
def test_what_cannot_be_closed(cli: CommandLine) -> None:
    assert "no such alert" in cli.refused("alerts", "close", "nothing", "--note", "seen")
    assert "a note is needed" in cli.refused("alerts", "close", "an-alert", "--note", " ")
    cli.run("alerts", "close", "an-alert", "--note", "seen")
    assert f"closed by operator:{OPERATOR}" in cli.refused("alerts", "close", "an-alert", "--note", "again")


@pytest.mark.embedded
def test_an_operator_purges(cli: CommandLine) -> None:
    """The instant is today's, far from START in either direction: only what is long over goes."""
    cli.write(lambda tx: tx.throttle.take("bucket", ATTEMPTS, START.replace(year=2020)))
    assert cli.run("purge") == "throttle\t1"
    event = cli.last_event()
    assert (event["name"], event["detail"]) == ("purge.done", {"throttle": "1"})
    assert cli.run("purge") == ""
    assert cli.last_event()["name"] == "purge.done"
