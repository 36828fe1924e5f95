"""Step 1: the command of the README, as a process."""

import json
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.demo_process import DIRECTLY, STOP_S, Demo, descendants, wait_for

ANNE = "anne.pierre"


@pytest.fixture
def second(demo: Demo, tmp_path: Path) -> Demo:
    """Another demo, which is not running."""
    return Demo.on_free_ports(tmp_path / "data")


def test_demo_json_says_what_is_promised_to_its_owner_only(demo: Demo) -> None:
    description = demo.description

    assert stat.S_IMODE((demo.folder / "demo.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(demo.folder.stat().st_mode) == 0o700
    assert description["issuer"] == f"http://localhost:{demo.ports['DEMO_PORT']}"
    assert {client["client_id"] for client in description["clients"]} == {"portail", "console", "ror", "espace-pro"}
    assert all({"client_id", "client_secret", "redirect_uris", "name"} <= set(each) for each in description["clients"])
    assert all({"login", "password", "email", "rpps"} <= set(each) for each in description["accounts"])
    assert set(description["services"]) == {"portail", "ror", "espace-pro"}
    assert {"page", "messages"} <= set(description["mail"])
    assert {"page", "pin", "reader"} <= set(description["card"])
    assert {"page", "issuer"} <= set(description["pro_sante_connect"])


def test_the_welcome_names_addresses_and_accounts_and_nothing_else_is_printed(demo: Demo) -> None:
    description = demo.description
    pages = [description[part]["page"] for part in ("mail", "card", "pro_sante_connect")]
    promised = [*description["services"].values(), *pages]
    promised += [account["login"] for account in description["accounts"]]
    promised += [account["password"] for account in description["accounts"] if account["login"] == ANNE]

    assert [text for text in promised if text not in demo.output] == []
    assert demo.output.strip().startswith("Sésame's demo is running.")
    assert demo.errors == ""


def test_sesame_serve_refuses_the_database_of_the_demo(demo: Demo) -> None:
    refused = demo.sesame("serve")

    assert refused.returncode == 1
    assert "demo database" in refused.stderr


def test_a_second_start_keeps_the_data_and_reset_forgets_them(second: Demo) -> None:
    second.start()
    first = (second.folder / "demo.json").read_bytes()
    assert second.sesame("policy", "set", "ror", "password", "--reason", "kept?").returncode == 0
    assert second.stop() == 0

    second.start()
    assert (second.folder / "demo.json").read_bytes() == first
    policies = second.sesame("policy", "list", "ror").stdout.splitlines()
    assert len(policies) == 2
    assert second.stop(signal.SIGTERM) == 0, "as a service manager ends it"
    assert second.errors == ""

    assert second.reset().returncode == 0
    assert not second.folder.exists()


@pytest.mark.parametrize("moment", ["modules", "children"])
def test_ctrl_c_during_the_start_ends_everything_without_a_stack(second: Demo, moment: str) -> None:
    second.launch()
    assert second.process is not None
    pid = second.process.pid
    maps = Path(f"/proc/{pid}/maps")
    has_come: dict[str, Callable[[], bool]] = {
        "modules": lambda: "/cryptography/" in maps.read_text(),  # demo.run is being read
        "children": lambda: len(descendants(pid)) >= 2,
    }
    wait_for(has_come[moment], STOP_S, moment)

    assert second.stop() == 0
    assert second.errors == ""
    assert "is running" not in second.output


def test_an_interrupted_first_start_is_made_good_by_the_next(second: Demo) -> None:
    second.launch()
    wait_for((second.folder / "sesame.toml").exists, STOP_S, "the first file")
    assert second.stop() == 0
    assert second.errors == ""
    assert not (second.folder / "demo.json").exists()

    second.start()

    assert second.sesame("policy", "list", "ror").returncode == 0
    assert second.stop() == 0


def test_a_port_that_is_taken_is_said_and_nothing_stays_behind(demo: Demo, second: Demo) -> None:
    second.ports["DEMO_PORT"] = demo.ports["DEMO_PORT"]  # the provider's own server would share it without a word

    second.launch()

    assert second.process is not None
    assert second.process.wait(STOP_S) == 1
    assert "cannot listen" in second.errors
    assert "Traceback" not in second.errors
    with DIRECTLY.open(demo.description["issuer"] + "/readyz", timeout=5) as answer:
        assert answer.status == 200


def test_the_data_of_an_earlier_demo_are_said_and_left_as_they_are(second: Demo) -> None:
    second.folder.mkdir()
    found = second.folder / "demo.json"
    found.write_text(json.dumps({"ports": {"provider": 8000, "smtp": 8026}}))

    second.launch()

    assert second.process is not None
    assert second.process.wait(STOP_S) == 1
    assert "make demo-reset" in second.errors
    assert "Traceback" not in second.errors
    assert found.exists()


def test_reset_leaves_a_folder_that_is_no_demo(second: Demo) -> None:
    second.folder.mkdir()
    (second.folder / "thesis.txt").write_text("three years of work")

    refused = second.reset()

    assert refused.returncode == 1
    assert "something else than a demo" in refused.stderr
    assert (second.folder / "thesis.txt").exists()
