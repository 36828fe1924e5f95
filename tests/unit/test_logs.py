"""Logs: one JSON object a line, with the request's id, and nothing secret."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import flask
import pytest
import structlog
from psycopg.errors import NotNullViolation
from sqlalchemy.exc import IntegrityError

from idp.domain.ids import new_token
from idp.web import logs
from idp.web.observed import GIVEN_ID, ROUTE, Observed


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    logs.request_id.set(None)


def logging_app(*, is_from_proxy: bool = True) -> flask.Flask:
    """An application whose logs are captured; made in the test, for pytest changes standard error after fixtures."""
    logs.configure("INFO")
    made = flask.Flask("logs")
    made.wsgi_app = Observed(made.wsgi_app, is_proxy=lambda _address: is_from_proxy)  # type: ignore[method-assign]

    @made.before_request
    def name_route() -> None:
        if rule := flask.request.url_rule:
            flask.request.environ[ROUTE] = rule.rule

    @made.get("/reset/<token>")
    def reset(token: str) -> str:
        structlog.get_logger().info("seen", length=len(token))
        return "ok"

    return made


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


@pytest.mark.parametrize("name", [*sorted(logs.SECRETS), "Password", "CODE"])
def test_a_secret_is_redacted(capsys: pytest.CaptureFixture[str], name: str) -> None:
    logs.configure("INFO")
    structlog.get_logger().info("event", **{name: "hunter2", "method": "password"})
    (line,) = lines(capsys)
    assert line[name] == "[redacted]"
    assert line["method"] == "password"


def test_a_line_is_json_with_level_and_instant(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    structlog.get_logger().warning("événement", part="mail\nbox")
    (line,) = lines(capsys)
    assert line["event"] == "événement"
    assert line["level"] == "warning"
    assert line["timestamp"].endswith("Z")
    assert line["part"] == "mail\nbox"


def test_levels_under_the_setting_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("ERROR")
    structlog.get_logger().warning("quiet")
    structlog.get_logger().error("loud")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


def test_each_line_of_a_request_has_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    app = logging_app()
    first, second = app.test_client().get("/reset/a"), app.test_client().get("/reset/b")
    ids = [first.headers["X-Request-Id"], second.headers["X-Request-Id"]]
    assert len(set(ids)) == 2
    assert [line["request_id"] for line in lines(capsys)] == [ids[0], ids[0], ids[1], ids[1]]


def test_a_path_is_logged_as_its_route(capsys: pytest.CaptureFixture[str]) -> None:
    token = new_token()
    app = logging_app()
    app.test_client().get(f"/reset/{token}?code={token}")
    app.test_client().get(f"/unknown/{token}")
    written = lines(capsys)
    assert token not in json.dumps(written)
    requests = [line for line in written if line["event"] == "request"]
    assert [(line["route"], line["status"]) for line in requests] == [("/reset/<token>", 200), ("unknown", 404)]
    assert all(line["ms"] >= 0 and line["method"] == "GET" for line in requests)


def test_the_proxys_request_id_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    answer = logging_app().test_client().get("/reset/a", headers={"X-Request-Id": "4bf92f35-77b3"})
    assert answer.headers["X-Request-Id"] == "4bf92f35-77b3"


def test_a_strangers_request_id_is_not_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """It would put foreign requests under the reference of a person's own."""
    answer = logging_app(is_from_proxy=False).test_client().get("/reset/a", headers={"X-Request-Id": "4bf92f35-77b3"})
    assert answer.headers["X-Request-Id"] != "4bf92f35-77b3"
    assert {line["request_id"] for line in lines(capsys)} == {answer.headers["X-Request-Id"]}


@pytest.mark.parametrize("given", ["", "short", "a" * 65, "a b c d e f", 'x"},{"event":"forged', "é" * 10])
def test_a_request_id_that_is_not_one_is_replaced(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = logging_app().test_client().get("/reset/a", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] != given
    assert GIVEN_ID.fullmatch(answer.headers["X-Request-Id"])


def test_libraries_log_in_the_same_shape(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    logs.request_id.set("of-the-request")
    logging.getLogger("alembic").info("not interesting")
    try:
        raise RuntimeError("inside")
    except RuntimeError:
        logging.getLogger("alembic").exception("failed %s", "twice\n")
    (line,) = lines(capsys)
    assert (line["logger"], line["level"], line["event"]) == ("alembic", "error", "failed twice\n")
    assert line["request_id"] == "of-the-request"
    assert "RuntimeError: inside" in line["exception"]


def test_libraries_obey_a_higher_level_and_are_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    logs.configure("ERROR")
    logging.getLogger("alembic").warning("quiet")
    logging.getLogger("alembic").error("loud")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


def test_authlib_says_nothing_under_warning(caplog: pytest.LogCaptureFixture) -> None:
    """It logs tokens at DEBUG, whatever the root logger says."""
    logging.getLogger("authlib").setLevel(logging.NOTSET)
    with caplog.at_level(logging.DEBUG):
        logs.configure("DEBUG")
        logging.getLogger("authlib.oauth2.rfc6749").debug("token %s", "hunter2")
        logging.getLogger("authlib.oauth2.rfc6749").info("token %s", "hunter2")
    assert caplog.text == ""


def insert(error: Exception) -> None:
    raise IntegrityError("INSERT INTO x", None, error) from error


@pytest.mark.parametrize("label", ["DETAIL:  ", "DÉTAIL : "])
def test_an_error_of_the_database_is_logged_without_the_row(label: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    said = f'null value in column "x"\n{label}Failing row contains (1, hush\n\nTraceback, hush).'
    with pytest.raises(IntegrityError) as raised:
        insert(NotNullViolation(said))
    structlog.get_logger().error("internal error", exc_info=raised.value)
    logging.getLogger("library").error("failed", exc_info=raised.value)
    lines = [json.loads(line)["exception"] for line in capsys.readouterr().err.splitlines()]
    assert len(lines) == 2
    for line in lines:
        assert "hush" not in line
        assert line.count('null value in column "x"') == 2
        assert "test_logs.py" in line
