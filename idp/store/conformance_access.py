"""The suite of access requests, of what services ask, and of who has access. Needs pytest."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idp.domain.access_request import AccessRequest, Approval, Level, Message, RequestStatus
from idp.domain.ids import new_id
from idp.domain.rights import EVERY
from idp.domain.service_access import Field, GivenRole, ServiceAccess, ServiceRole
from idp.store.access_requests import Wanted
from idp.store.conformance import RACERS, START, race
from idp.store.conformance_rows import HOUR, SECOND, add_account, add_client
from idp.store.database import Database, Tx

DAY = timedelta(days=1)


def made_request(account_id: str, client_id: str = "ror", hours: int = 0) -> AccessRequest:
    return AccessRequest(
        request_id=new_id(),
        account_id=account_id,
        client_id=client_id,
        step=Level.REGION,
        reason="capacitaire du 33",
        lang="fr",
        created_at=START + hours * HOUR,
        answers={"function": "Médecin"},
        terms_version="2026-06",
        approvals=(Approval(Level.REGION, "claire", START),),
    )


def _submitted(tx: Tx, login: str = "anne.pierre", client_id: str = "ror", hours: int = 0) -> AccessRequest:
    known = tx.accounts.find_by_login(login) or add_account(tx, login)
    if tx.clients.get(client_id) is None:
        add_client(tx, client_id)
    made = made_request(known.account_id, client_id, hours)
    assert tx.access_requests.submit(made)
    return made


class AccessSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    def test_a_request_comes_back_as_it_was_made(self, database: Database) -> None:
        with database.write() as tx:
            made = _submitted(tx)
        with database.read() as tx:
            assert tx.access_requests.get(made.request_id) == made
            assert tx.access_requests.open_of(made.account_id, "ror") == made
            assert tx.access_requests.last_of(made.account_id, "ror") == made
            assert tx.access_requests.open_services(made.account_id) == {"ror"}
            assert tx.access_requests.open_of(made.account_id, "another") is None
            assert tx.access_requests.get(new_id()) is None

    def test_of_many_at_once_one_request_is_open(self, database: Database) -> None:
        with database.write() as tx:
            account_id = add_account(tx).account_id
            add_client(tx)

        def submit(_: int) -> bool:
            with database.write() as tx:
                return tx.access_requests.submit(made_request(account_id))

        assert sorted(race(submit)) == [False] * (RACERS - 1) + [True]

    def test_another_person_and_another_service_are_another_request(self, database: Database) -> None:
        with database.write() as tx:
            _submitted(tx)
            _submitted(tx, "karim")
            _submitted(tx, client_id="espace-pro")

    @pytest.mark.parametrize("status", [RequestStatus.GRANTED, RequestStatus.REFUSED, RequestStatus.WITHDRAWN])
    def test_what_is_over_makes_room_and_changes_no_more(self, database: Database, status: RequestStatus) -> None:
        with database.write() as tx:
            made = _submitted(tx)
            assert tx.access_requests.change(made, status=status.value, decided_at=START, decided_by="claire")
            over = tx.access_requests.get(made.request_id)
            assert over is not None
            assert not tx.access_requests.change(over, note="late")
            again = _submitted(tx, hours=1)
            assert tx.access_requests.last_of(made.account_id, "ror") == again

    def test_of_many_deciders_one_decides(self, database: Database) -> None:
        with database.write() as tx:
            made = _submitted(tx)

        def decide(number: int) -> bool:
            with database.write() as tx:
                return tx.access_requests.change(made, status="GRANTED", decided_by=str(number), decided_at=START)

        answers = race(decide)
        assert sorted(answers) == [False] * (RACERS - 1) + [True]
        with database.read() as tx:
            found = tx.access_requests.get(made.request_id)
        assert found is not None
        assert (found.decided_by, found.version) == (str(answers.index(True)), 2)

    def test_what_was_read_before_another_wrote_changes_nothing(self, database: Database) -> None:
        with database.write() as tx:
            made = _submitted(tx)
            assert tx.access_requests.change(made, claimed_by="claire", claimed_at=START)
            assert not tx.access_requests.change(made, status="REFUSED")
            found = tx.access_requests.get(made.request_id)
            assert found == replace(made, version=2, claimed_by="claire", claimed_at=START)

    def test_the_queue_is_that_of_the_scope_and_of_the_filters(self, database: Database) -> None:
        with database.write() as tx:
            first, second = _submitted(tx, hours=1), _submitted(tx, "karim", hours=2)
            third = _submitted(tx, client_id="espace-pro")
            tx.access_requests.change(second, step="service", claimed_by="claire")

            def ids(wanted: Wanted) -> list[str]:
                return [line.request.request_id for line in tx.access_requests.queue(wanted, 10)]

            assert ids(Wanted(EVERY)) == [third.request_id, first.request_id, second.request_id]
            assert ids(Wanted(frozenset({"ror"}))) == [first.request_id, second.request_id]
            assert ids(Wanted(frozenset())) == []
            assert ids(Wanted(frozenset({"ror"}), client_id="espace-pro")) == []
            assert ids(Wanted(EVERY, level=Level.SERVICE)) == [second.request_id]
            assert ids(Wanted(EVERY, mine="claire")) == [second.request_id]
            assert (tx.access_requests.count(EVERY), tx.access_requests.count(frozenset({"ror"}))) == (3, 2)
            tx.access_requests.change(first, status="REFUSED", decided_at=START + HOUR)
            tx.access_requests.change(third, status="REFUSED", decided_at=START + 2 * HOUR)
            assert ids(Wanted(EVERY, is_open=False)) == [third.request_id, first.request_id]

    def test_pages_of_the_queue_follow_one_another(self, database: Database) -> None:
        with database.write() as tx:
            made = [_submitted(tx, f"person{number}", hours=number // 2) for number in range(5)]
            seen: list[str] = []
            after = None
            while page := tx.access_requests.queue(Wanted(EVERY), 2, after):
                seen += [line.request.request_id for line in page]
                after = (page[-1].request.created_at, page[-1].request.request_id)
            assert seen == [each.request_id for each in made]

    def test_a_question_waits_until_it_is_answered(self, database: Database) -> None:
        with database.write() as tx:
            made = _submitted(tx)
            asked = Message(new_id(), made.request_id, START, "claire", "question", "Où exercez-vous ?")
            tx.access_requests.say(asked)
            assert tx.access_requests.said(made.request_id) == [asked]
            (line,) = tx.access_requests.queue(Wanted(EVERY), 10)
            assert line.asked
            assert tx.access_requests.answered(made.request_id, START + HOUR)
            assert not tx.access_requests.answered(made.request_id, START + HOUR)
            assert tx.access_requests.said(made.request_id) == [replace(asked, answered_at=START + HOUR)]
            (line,) = tx.access_requests.queue(Wanted(EVERY), 10)
            assert not line.asked

    def test_of_many_at_once_one_answers_and_deciders_read_again(self, database: Database) -> None:
        with database.write() as tx:
            made = _submitted(tx)
            tx.access_requests.say(Message(new_id(), made.request_id, START, "claire", "question", "Où ?"))

        def answer(number: int) -> bool:
            with database.write() as tx:
                said = Message(new_id(), made.request_id, START + HOUR, "", "answer", str(number))
                return tx.access_requests.answer(said)

        assert sorted(race(answer)) == [False] * (RACERS - 1) + [True]
        with database.write() as tx:
            assert [each.kind for each in tx.access_requests.said(made.request_id)] == ["question", "answer"]
            assert not tx.access_requests.change(made, status="REFUSED", decided_at=START)

    def test_what_was_decided_is_not_answered(self, database: Database) -> None:
        with database.write() as tx:
            made = _submitted(tx)
            asked = Message(new_id(), made.request_id, START, "claire", "question", "Où ?")
            tx.access_requests.say(asked)
            assert tx.access_requests.change(made, status="REFUSED", decided_at=START)
            answer = Message(new_id(), made.request_id, START + HOUR, "", "answer", "Ici")
            assert not tx.access_requests.answer(answer)
            assert tx.access_requests.said(made.request_id) == [asked]

    def test_what_a_service_asks_comes_back_and_is_replaced(self, database: Database) -> None:
        form = ServiceAccess(
            "ror",
            region_approves=True,
            service_approves=True,
            fields=(Field("function", "Fonction", "select", choices=("Médecin", "- Autre -"), is_required=True),),
            roles=(ServiceRole("PSL", "Professionnel de Santé Libéral", takes_perimeter=True),),
            terms_version="1",
            terms_uri="https://ror.example/cgu",
            updated_at=START,
            updated_by="claire",
        )
        with database.write() as tx:
            add_client(tx)
            assert tx.service_access.get("ror") is None
            tx.service_access.set(form)
            assert tx.service_access.get("ror") == form
            tx.service_access.set(replace(form, fields=(), service_approves=False))
            assert tx.service_access.get("ror") == replace(form, fields=(), service_approves=False)

    # -- who has access --------------------------------------------------------

    def test_roles_live_as_long_as_the_access_does(self, database: Database) -> None:
        roles = (GivenRole("RESP_OFFRE_STRUCT", "330000001"), GivenRole("PSL"))
        with database.write() as tx:
            anne = add_account(tx).account_id
            add_client(tx)
            assert tx.held_accesses.roles(anne, "ror", START) == ()
            tx.accounts.grant(anne, "ror", "operator:claire", START, START + DAY, roles=roles)
            assert tx.held_accesses.roles(anne, "ror", START) == roles
            assert tx.held_accesses.roles(anne, "ror", START + DAY) == ()
            tx.accounts.grant(anne, "ror", "operator:claire", START, None)
            assert tx.held_accesses.roles(anne, "ror", START) == ()
            tx.accounts.grant(anne, "ror", "operator:claire", START, None, roles=roles)
            tx.accounts.revoke(anne, "ror", START)
            assert tx.held_accesses.roles(anne, "ror", START) == ()

    def test_who_has_access_is_told_by_login_and_scope(self, database: Database) -> None:
        with database.write() as tx:
            people = [add_account(tx, login).account_id for login in ("b", "a", "gone")]
            for client_id in ("ror", "espace-pro"):
                add_client(tx, client_id)
            for account_id in people:
                tx.accounts.grant(account_id, "ror", "operator:claire", START, None)
            tx.accounts.grant(people[0], "espace-pro", "operator:claire", START, START + DAY)
            tx.accounts.revoke(people[2], "ror", START)

            def pairs(**options: object) -> list[tuple[str, str]]:
                scope = options.pop("scope", EVERY)
                page = tx.held_accesses.page(scope, START, **options)  # type: ignore[arg-type]
                return [(each.login, each.client_id) for each in page]

            everything = [("a", "ror"), ("b", "espace-pro"), ("b", "ror")]
            assert pairs() == everything
            assert pairs(scope=frozenset({"espace-pro"})) == everything[1:2]
            assert pairs(scope=frozenset()) == []
            assert pairs(client_id="ror") == [everything[0], everything[2]]
            assert pairs(before=START + 2 * DAY) == everything[1:2]
            assert pairs(after=("a", "ror"), limit=1) == everything[1:2]
            assert [each.login for each in tx.held_accesses.all(EVERY, START)] == ["a", "b", "b"]

    def test_an_end_is_told_once(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            add_client(tx)
            tx.accounts.grant(anne, "ror", "operator:claire", START, START + 30 * DAY)
            tx.accounts.grant(karim, "ror", "operator:claire", START, START + 30 * DAY + SECOND)
            until = START + 30 * DAY
            assert tx.held_accesses.untold(START, until) == [(anne, "ror")]
            assert tx.held_accesses.told(karim, "ror", START, until) is None
            assert tx.held_accesses.told(anne, "ror", START, until) == until
            assert tx.held_accesses.told(anne, "ror", START, until) is None
            assert tx.held_accesses.untold(START, until) == []
            tx.accounts.grant(anne, "ror", "operator:claire", START, START + DAY)  # given anew: told anew
            assert tx.held_accesses.untold(START, until) == [(anne, "ror")]
            tx.accounts.revoke(anne, "ror", START)
            assert tx.held_accesses.untold(START, until) == []
            assert tx.held_accesses.untold(START + 31 * DAY, START + 61 * DAY) == []
