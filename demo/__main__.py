"""`make demo`: the provider, its worker, two services and a mailbox, on this machine, until Ctrl-C."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Literal

from demo import mailbox, relying_party
from demo.home import Home, OtherPorts
from demo.mailbox import Inbox, Mailbox
from demo.ports import Ports
from demo.servers import Servers
from demo.service import ServiceConfig

START_S = 60
STOP_S = 15


def main() -> int:
    """Run the demo; returns the exit status."""
    home = Home(Path(os.environ.get("DEMO_FOLDER", ".demo")))
    if sys.argv[1:] == ["--reset"]:
        home.reset()
        print("The demo's data are gone; `make demo` makes new ones.")
        return 0
    try:
        ports = Ports.from_environment()
        description = home.prepare(ports)
    except OtherPorts:
        print("The demo's data were made for other ports. Use those again, or: make demo-reset", file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        return _run(home, ports, description, stop)
    except OSError as error:
        print(f"The demo cannot listen: {error}. Ports are set by DEMO_PORT and its like (README).", file=sys.stderr)
        return 1


def _run(home: Home, ports: Ports, description: dict[str, Any], stop: threading.Event) -> int:
    inbox, servers = Inbox(), Servers()
    servers.add(mailbox.create_app(inbox), ports.mail_page)
    for config in _services(ports, description):
        servers.add(relying_party.create_app(config), int(config.base_url.rpartition(":")[2]))
    environment = {**os.environ, "SESAME_SETTINGS": str(home.settings_file.resolve())}
    with Mailbox(inbox, ports.smtp), servers, (home.folder / "provider.log").open("a") as log:
        children = [
            subprocess.Popen([sys.executable, "-m", *module], env=environment, stderr=log, start_new_session=True)
            for module in (["demo.provider"], ["idp", "worker"])
        ]
        try:
            if not _ready(ports, children, stop):
                print(f"The provider did not start: see {home.folder / 'provider.log'}", file=sys.stderr)
                return 1
            _welcome(home, ports, description)
            while not stop.wait(0.5):
                if any(child.poll() is not None for child in children):
                    print(f"A part of the demo stopped: see {home.folder / 'provider.log'}", file=sys.stderr)
                    return 1
        finally:
            _end(children)
    return 0


def _services(ports: Ports, description: dict[str, Any]) -> list[ServiceConfig]:
    looks: tuple[tuple[str, Literal["ror", "espace_pro"], str, str, str, str], ...] = (
        ("ror", "ror", ports.ror, "Se connecter", "#1b3a6b",
         "Le répertoire opérationnel des ressources décrit l'offre de soins de la région et ses disponibilités."),
        ("espace-pro", "espace_pro", ports.espace_pro, "Connexion via l'Espace régional", "#8a2d5b",
         "Tableaux de bord, activité des urgences en direct et déclarations de difficultés."),
    )  # fmt: skip
    registered = {client["client_id"]: client for client in description["clients"]}
    return [
        ServiceConfig(
            key=key,
            name=registered[client_id]["name"],
            issuer=description["issuer"],
            client_id=client_id,
            client_secret=registered[client_id]["client_secret"],
            base_url=base,
            login_label=label,
            accent=accent,
            intro=intro,
        )
        for client_id, key, base, label, accent, intro in looks
    ]


def _ready(ports: Ports, children: list["subprocess.Popen[bytes]"], stop: threading.Event) -> bool:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and not stop.is_set():
        if any(child.poll() is not None for child in children):
            return False
        try:
            with urllib.request.urlopen(f"{ports.issuer}/readyz", timeout=2):  # noqa: S310 - our own loopback address
                return True
        except (urllib.error.URLError, OSError):
            stop.wait(0.1)
    return stop.is_set()


def _end(children: list["subprocess.Popen[bytes]"]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _welcome(home: Home, ports: Ports, description: dict[str, Any]) -> None:
    print(f"""
Sésame's demo is running. Ctrl-C ends it; `make demo-reset` forgets its data.

  Mon compte ESEA          {ports.issuer}/compte
  ROR Nouvelle-Aquitaine   {ports.ror}
  Espace Pro ORU NA        {ports.espace_pro}
  E-mails that were sent   {ports.mail}

  Accounts (also in {home.description_file}):""")
    for account in description["accounts"]:
        password = account["password"] or "(none yet: « Mot de passe oublié ? »)"
        print(f"    {account['login']:<16} {password}")
    print(f"\n  Operate it:  .venv/bin/sesame --settings {home.settings_file} policy list ror\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
