"""The README's first client, as it is written there: its commands, its program, a person, the claims."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser.demo_process import DIRECTLY, ROOT, START_S, STOP_S, Demo, wait_for
from tests.browser.visitor import Visitor
from tests.fakes.servers import free_port

README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Connect a first client")[2].partition("\n## ")[0]
KARIM = "karim.benali"


def commands() -> list[list[str]]:
    """The blocks of commands, in their order."""
    outside = re.sub(r"^```.*?^```$", "", SECTION, flags=re.MULTILINE | re.DOTALL)
    return [
        re.findall(r"^ {4}(.+)$", block, re.MULTILINE) for block in re.findall(r"(?:^ {4}.+\n)+", outside, re.MULTILINE)
    ]


def here(text: str, demo: Demo, port: int) -> str:
    """The README's text with this demo's folder and ports."""
    ours = {
        ".venv/bin/sesame": f"{sys.executable} -m idp",
        ".venv/bin/python": sys.executable,
        ".demo/sesame.toml": str(demo.folder / "sesame.toml"),
        "localhost:9000": f"localhost:{port}",
        "--port 9000": f"--port {port}",
        "localhost:8000": f"localhost:{demo.ports['DEMO_PORT']}",
    }
    text = re.sub("|".join(map(re.escape, ours)), lambda found: ours[found.group()], text)
    assert "9000" not in text.replace(str(port), "")
    return text


def environment(demo: Demo) -> dict[str, str]:
    return {**demo.environment, "NO_PROXY": "localhost", "no_proxy": "localhost"}


@contextmanager
def running(command: str, folder: Path, demo: Demo, url: str) -> Iterator[None]:
    """A program of the README, once it answers."""
    with (folder / "client.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", command], cwd=folder, env=environment(demo), stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for(lambda: process.poll() is not None or answers(url), START_S, "the README's client")
        assert process.poll() is None, (folder / "client.log").read_text()
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(STOP_S)


def answers(url: str) -> bool:
    try:
        DIRECTLY.open(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def test_the_first_client_works_as_it_is_written(visitor: Visitor, tmp_path: Path) -> None:
    demo, port = visitor.demo, free_port()
    register, run = commands()
    program = re.findall(r"^```python\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
    assert len(program) == 1

    script = here("\n".join(register), demo, port)
    registered = subprocess.run(
        ["bash", "-O", "expand_aliases", "-e", "-c", script],
        cwd=ROOT, env=environment(demo), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert registered.returncode == 0, registered.stderr
    secret = registered.stdout.splitlines()[0]
    assert re.fullmatch(r"[\w-]{43}", secret)

    (tmp_path / "first_client.py").write_text(here(program[0], demo, port), encoding="utf-8")
    command = here("\n".join(run), demo, port)
    assert "the-secret-that-was-printed" in command
    client = f"http://localhost:{port}/"
    command = command.replace("the-secret-that-was-printed", secret)
    with (
        running(command, tmp_path, demo, f"{client}nothing-here"),
        visitor.watch.expecting(404),
    ):  # the client's favicon
        visitor.page.goto(client)
        visitor.sees("Accès sécurisé au service : Mon service")
        visitor.types_password(KARIM)
        claims = shown(visitor, client)
        assert claims["iss"] == demo.description["issuer"]
        assert claims["aud"] in ("mon-service", ["mon-service"])
        assert claims["amr"] == ["pwd"]

        visitor.page.goto(client)  # and silently, a second time
        assert shown(visitor, client)["sub"] == claims["sub"]


def shown(visitor: Visitor, client: str) -> dict[str, Any]:
    """The claims that the client's page shows, once the favicon that Chromium asks for has been refused."""
    visitor.page.wait_for_url(f"{client}callback?**", wait_until="networkidle")
    found: dict[str, Any] = json.loads(visitor.page.locator("pre").inner_text())
    return found
