"""Several applications, one process."""

import urllib.request

import flask
import pytest

from demo.servers import Servers


def named(name: str) -> flask.Flask:
    app = flask.Flask(name)
    app.add_url_rule("/", "name", lambda: name)
    return app


def read(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
        return str(response.read().decode())


def test_each_application_answers_on_its_port(capfd):
    servers = Servers()
    ports = {name: servers.add(named(name), 0) for name in ("un", "deux")}
    with servers:
        assert {name: read(port) for name, port in ports.items()} == {"un": "un", "deux": "deux"}
    assert capfd.readouterr() == ("", "")


def test_a_stop_frees_the_port():
    first, second = Servers(), Servers()
    port = first.add(named("un"), 0)
    with first:
        read(port)
    second.add(named("deux"), port)
    with second:
        assert read(port) == "deux"


def test_a_port_in_use_is_told_and_does_not_end_the_process():
    servers = Servers()
    port = servers.add(named("un"), 0)
    with pytest.raises(OSError, match="in use"):
        Servers().add(named("deux"), port)
    servers.stop()
