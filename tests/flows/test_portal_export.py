"""The file with everything that is stored about a person: all of it, and no secret."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import insert, select

from idp.domain.access_request import AccessRequest, Level, Message
from idp.domain.emergency import EmergencyCode
from idp.domain.identity_change import IdentityChange
from idp.domain.practice import Asserted, Practice
from idp.domain.registration import Registration, RegistrationStatus
from idp.domain.rights import Role, RoleGrant
from idp.domain.upstream_session import UpstreamSession
from idp.flows.operators import accounts, alerts
from idp.store import schema
from idp.store.import_runs import Run, RunStatus, StagedRow
from idp.store.personal_data import LEFT_OUT, PARTS, SECRET
from tests.fakes.enrolling import given_passkey, given_totp
from tests.fakes.holder import Holder
from tests.fakes.phone import given_phone
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.refreshing import make_offline
from tests.fakes.relying_party import RelyingParty, path_of

EXPORT = "/compte/account/export"


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start()
    made.add_account("anne.pierre", rpps="10003456789")
    made.add_account("karim.benali")
    return made


@pytest.fixture
def anne(provider: Provider) -> Holder:
    return Holder.proven(provider, EXPORT)


def exported(holder: Holder) -> dict[str, Any]:
    response = holder.post(EXPORT)
    assert response.status_code == 200
    found: dict[str, Any] = json.loads(response.text)
    return found


def live(provider: Provider) -> str:
    """A life that leaves a row in every table that is handed out; the account_id."""
    offline = make_offline(provider)
    offline.tokens(scope="openid offline_access")
    provider.add_client("asking", consent="first")
    rp = RelyingParty(provider, "asking", offline.browser)
    path = path_of(rp.authorize())
    rp.consent(path)
    rp.browser.get(path)
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        now, account_id = provider.clock.now(), account.account_id
        accounts.entitle(provider.desk, tx, account, "asking")
        tx.resets.add("secret token", account_id, now, now.replace(year=2030))
        tx.means.add_link(account_id, "national_card", now)
        tx.practices.put(account_id, Asserted("national_card", Practice({"SubjectRole": ["10^1"]}), now))
        tx.emergency_codes.issue(
            EmergencyCode("code", account_id, "secret digest", "claire", "nadia@x.example", now, now.replace(year=2030))
        )
        (session, *_) = tx.own_data.open_sessions(account_id, now, provider.services.settings.session_idle)
        tx.upstream_sessions.keep(session.session_id, UpstreamSession("national_card", now, "secret", None, None))
        picture = {"account_id": account_id, "media_type": "image/png", "image": b"\x89PNG", "updated_at": now}
        tx._connection.execute(insert(schema.picture).values(picture))
        request = AccessRequest("request", account_id, "asking", Level.REGION, "reason", "fr", now)
        assert tx.access_requests.submit(request)
        confirmed = RegistrationStatus.CONFIRMED
        tx.registrations.start(Registration("registration", confirmed, 1, "fr", now, now, account_id=account_id))
        run = Run("run", "digest", "people.csv", RunStatus.STAGED, 1, 2, 0, now, "operator:claire", now)
        tx.identity_changes.add(
            IdentityChange("change", account_id, "email", "anne@x.example", None, "asked", "claire", None, now)
        )
        tx.operator_roles.grant(RoleGrant(account_id, Role.AUDITOR, "asking", "claire", now))
        tx.import_runs.add(run)
        tx.import_runs.stage("run", [StagedRow(2, account_id, {"login": "anne.pierre"})])
        tx.access_requests.say(Message("message", "request", now, "claire", "question", "Où ?"))
    given_totp(provider)
    given_passkey(provider)
    given_phone(provider)
    return account_id


# -- the file is complete ----------------------------------------------------------------


def test_every_table_is_handed_out_or_left_out_for_a_reason() -> None:
    """A new table cannot be forgotten."""
    handed_out = {part.table for part in PARTS.values()}
    assert handed_out | set(LEFT_OUT) == set(schema.metadata.tables.values())
    assert not handed_out & set(LEFT_OUT)
    about_people = {table for table in LEFT_OUT if "account_id" in table.c or "subject" in table.c}
    assert about_people == set()


@pytest.mark.parametrize("name", PARTS)
def test_every_column_is_handed_out_or_withheld_for_a_reason(name: str) -> None:
    part = PARTS[name]
    assert sorted([*part.columns, *part.withheld]) == sorted(part.table.c.keys())
    assert all(part.withheld.values())


def test_nothing_is_empty(provider: Provider) -> None:
    live(provider)
    anne = Holder.proven(provider, EXPORT)
    anne.post("/compte/account/close")
    content = exported(anne)
    assert [name for name in PARTS if not content[name]] == []
    (account,) = content["account"]
    assert (account["login_name"], account["email"]) == ("anne.pierre", "anne.pierre@chu.example")
    rpps = next(each for each in content["identities"] if each["kind"] == "rpps")
    assert (rpps["value"], rpps["origin"], rpps["verified_at"]) == (
        "10003456789",
        "support",
        "2026-11-02T08:00:00+00:00",
    )
    assert content["picture"][0]["image"] == "iVBORw=="
    assert content["consents"][0]["service"] == "Service asking"
    assert content["proofs"][0].keys() == {"session_id", "proof"}
    assert content["proofs"][0]["proof"].keys() == {"method", "after", "assurance", "amr", "at"}
    created = next(each for each in content["events"] if each["name"] == "account.created")
    assert created["actor"] == "operator"
    assert any(each["values"].get("network") == "127.0.0.0/24" for each in content["events_personal"])


# -- and holds nothing else --------------------------------------------------------------


def secrets_of(provider: Provider) -> Iterator[str]:
    """Whatever is stored in a column that is withheld because it is secret, as it would stand in the file."""
    with provider.services.db.read() as tx:
        for part in PARTS.values():
            for name in (name for name, reason in part.withheld.items() if reason == SECRET):
                stored = [value for value in tx._connection.scalars(select(part.table.c[name])) if value]
                yield from (b64encode(value).decode() if isinstance(value, bytes) else value for value in stored)


def test_no_digest_and_no_secret_is_in_it(provider: Provider) -> None:
    live(provider)
    anne = Holder.proven(provider, EXPORT)
    text = anne.post(EXPORT).text
    found = set(secrets_of(provider))
    assert len(found) > 20
    assert [value for value in found if value in text] == []
    for typed in (PASSWORD, anne.cookie, "secret token", "operator:test"):
        assert typed not in text


def test_what_operators_wrote_to_one_another_is_not_in_it(provider: Provider, anne: Holder) -> None:
    """The holder's own words are."""
    anne.post("/compte/account/close", reason="Je pars")
    with provider.services.db.read() as tx:
        (alert,) = tx.alerts.latest(10)
    alerts.close(provider.desk, alert.alert_id, "a note to a colleague")
    accounts.end_sessions(provider.desk, "anne.pierre", "a reason for a colleague")
    content = exported(Holder.proven(provider, EXPORT))
    text = json.dumps(content)
    assert "colleague" not in text
    assert content["alerts"][0]["detail"] == {"reason": "Je pars"}
    closed = next(each for each in content["events"] if each["name"] == "alert.closed")
    assert closed["detail"] == {"alert": alert.alert_id, "kind": "account.close_requested"}


def test_nothing_of_another_person_is_in_it(provider: Provider) -> None:
    karim = Holder.proven(provider, "/compte/account/close", "karim.benali")
    karim.post("/compte/account/close", reason="au revoir")
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("karim.benali")
    assert account
    text = Holder.proven(provider, EXPORT).post(EXPORT).text
    assert "karim" not in text
    assert "au revoir" not in text
    assert account.account_id not in text


# -- how it is given ---------------------------------------------------------------------


def test_it_is_a_file_that_nobody_keeps(anne: Holder) -> None:
    response = anne.post(EXPORT)
    assert response.headers["Content-Disposition"] == 'attachment; filename="sesame-anne.pierre-2026-11-02.json"'
    assert response.headers["Cache-Control"] == "no-store"
    assert response.mimetype == "application/json"


def test_it_is_audited(provider: Provider, anne: Holder) -> None:
    anne.browser.get(EXPORT)
    assert provider.events("account.exported") == []
    exported(anne)
    (event,) = provider.events("account.exported")
    assert event.actor == event.subject


def test_it_wants_a_fresh_proof(provider: Provider, anne: Holder) -> None:
    other = Holder.signed_in(provider)
    assert path_of(other.browser.get(EXPORT)).startswith("/login/")
    assert path_of(other.post(EXPORT, page="/compte/account")).startswith("/login/")
    token = anne.csrf()
    provider.clock.advance(minutes=6)
    assert path_of(anne.browser.post(EXPORT, data={"csrf": token})).startswith("/login/")
    assert provider.events("account.exported") == []


def test_a_form_of_another_is_refused(provider: Provider, anne: Holder) -> None:
    token = Holder.signed_in(provider).csrf()
    assert anne.browser.post(EXPORT, data={"csrf": token}).status_code == 403
    assert anne.browser.post(EXPORT).status_code == 403
    assert provider.events("account.exported") == []
