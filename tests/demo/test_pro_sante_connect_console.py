"""The operator's page of the simulator of Pro Santé Connect, and its sender of logout tokens."""

import flask
import pytest
import requests

from demo.pro_sante_connect.behaviour import Conduct, Endpoint, Signed, Switch
from demo.pro_sante_connect.console import ENDPOINTS, LABELS, SIGNED
from demo.pro_sante_connect.logout import post_logout_token
from demo.pro_sante_connect.simulator import Simulator
from demo.servers import Servers
from tests.demo.sandbox import call, tokens, verified
from tests.fakes.servers import free_port


def press(simulator: Simulator, button: str, origin: str | None = "", **form: str | list[str]) -> requests.Response:
    headers = {"Origin": simulator.auth if origin == "" else origin} if origin is not None else {}
    return call("POST", f"{simulator.auth}/{button}", headers=headers, data=form)


@pytest.mark.parametrize("origin", [None, "null", "http://localhost:8000"])
@pytest.mark.parametrize("button", ["behaviour", "reset", "keys", "end"])
def test_another_origin_presses_nothing(simulator, person, origin, button):
    simulator.behaviour.become(Switch.ALG_NONE)
    kid = simulator.keys.of("RS256").kid
    sid = simulator.sessions.begin("anne", "CARD", simulator.now()).sid
    assert press(simulator, button, origin, switch="down", sid=sid).status_code == 403
    assert simulator.behaviour.conduct == Conduct(frozenset({Switch.ALG_NONE}))
    assert simulator.keys.of("RS256").kid == kid
    assert simulator.sessions.get(sid, simulator.now())


@pytest.mark.parametrize("form", [{"switch": "none"}, {"endpoints": "x"}, {"forged": "x"}, {"algorithm": "HS256"}])
def test_a_setting_that_is_none_changes_nothing(simulator, form):
    assert press(simulator, "behaviour", **form).status_code == 400
    assert simulator.behaviour.conduct == Conduct()


def test_another_host_name_is_refused(simulator):
    assert call("GET", f"{simulator.auth}/", headers={"Host": "attacker.example"}).status_code == 400


def test_the_page_sets_switches_and_says_which_are_on(simulator):
    assert "tout va bien" in call("GET", f"{simulator.auth}/").text
    pressed = press(
        simulator, "behaviour", switch=["down", "alg_none"], endpoints=["token"], forged="userinfo", algorithm="ES256"
    )
    assert (pressed.status_code, pressed.headers["Location"]) == (303, "/")
    assert simulator.behaviour.conduct == Conduct(
        frozenset({Switch.DOWN, Switch.ALG_NONE}),
        frozenset({Endpoint.TOKEN}),
        forged=Signed.USERINFO,
        algorithm="ES256",
    )
    shown = call("GET", f"{simulator.auth}/").text
    assert "2 en marche" in shown
    assert 'value="alg_none" checked' in shown
    press(simulator, "reset")
    assert simulator.behaviour.conduct == Conduct()


def test_the_page_has_every_switch():
    assert sorted(switch for switches in LABELS.values() for switch in switches) == sorted(Switch)
    assert (set(SIGNED), set(ENDPOINTS)) == (set(Signed), set(Endpoint))


def test_the_page_closes_a_session_and_tells_what_the_client_answered(simulator, person, told):
    claims = verified(simulator, tokens(simulator, person, "lea", "MOBILE")["id_token"])
    shown = call("GET", f"{simulator.auth}/").text
    assert "Léa Martin" in shown
    assert "MOBILE" in shown
    press(simulator, "end", sid=claims["sid"])
    assert verified(simulator, told[0][1])["sid"] == claims["sid"]
    shown = call("GET", f"{simulator.auth}/").text
    assert "Espace de connexion ESEA : HTTP 200" in shown
    assert "Léa Martin" not in shown


@pytest.mark.parametrize("page", ["/", "wallet"])
def test_pages_say_what_they_are_and_may_not_be_framed(simulator, person, page):
    address = f"{simulator.wallet}/auth" if page == "wallet" else f"{simulator.auth}/"
    answered = call("GET", address)
    assert "Ceci n'est pas Pro Santé Connect" in answered.text.replace("&#39;", "'")
    policy = answered.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


def test_a_logout_token_is_posted_as_a_form_and_a_silent_client_is_told():
    received: list[str] = []
    app = flask.Flask("receiver")

    @app.post("/logout")
    def receive() -> tuple[str, int]:
        received.append(flask.request.form["logout_token"])
        return "", 204

    servers = Servers()
    port = servers.add(app, 0)
    with servers:
        assert post_logout_token(f"http://127.0.0.1:{port}/logout", "the token") == "HTTP 204"
    assert received == ["the token"]
    assert post_logout_token(f"http://127.0.0.1:{free_port()}/logout", "the token") == "ConnectionError"
