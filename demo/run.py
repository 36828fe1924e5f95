"""The provider, its worker, two services, an upstream, a mailbox and a card desk, on this machine, until Ctrl-C."""

import logging
import os
import signal
import socket
import subprocess  # nosec B404
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Literal, TextIO

from demo import access_forms, card_desk, mailbox, relying_party, upstream
from demo.card_desk import Helper, InBrowser, PagePrompt
from demo.card_readers import open_reader
from demo.cards import PIN
from demo.home import EarlierDemo, Home, OtherPorts
from demo.mailbox import Inbox, Mailbox
from demo.ports import Ports
from demo.servers import LOOPBACK, Servers
from demo.service import ServiceConfig

START_S = 60
STOP_S = 15
MODULES = (["demo.provider"], ["idp", "worker"])
Child = subprocess.Popen[bytes]
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # this machine is never behind a proxy


def run(arguments: list[str]) -> int:
    """Run the demo, or forget its data with `--reset`; returns the exit status."""
    home = Home(Path(os.environ.get("DEMO_FOLDER", ".demo")))
    for name in [name for name in os.environ if name.startswith("SESAME_")]:
        del os.environ[name]  # another provider's settings would win over the demo's: its database, for one
    try:
        if arguments == ["--reset"]:
            home.reset()
            print("The demo's data are gone; `make demo` makes new ones.")
            return 0
        ports = Ports.from_environment()
        description = home.prepare(ports)
    except OtherPorts:
        print("The demo's data were made for other ports. Use those again, or: make demo-reset", file=sys.stderr)
        return 1
    except EarlierDemo:
        print("The demo's data are of an earlier version. To begin anew: make demo-reset", file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    try:
        return _serve(home, ports, description, stop)
    except OSError as error:
        print(f"The demo cannot listen: {error}. Ports are set by DEMO_PORT and its like (README).", file=sys.stderr)
        return 1


def _serve(home: Home, ports: Ports, description: dict[str, Any], stop: threading.Event) -> int:
    inbox, servers = Inbox(), Servers()
    servers.add(mailbox.create_app(inbox), ports.mail_page)
    helper = _add_card_desk(home, ports, servers)
    upstream.add_simulator(home.folder, ports, servers)
    for config in _services(ports, description):
        servers.add(relying_party.create_app(config), int(config.base_url.rpartition(":")[2]))
    # The provider's server would share the port with another demo without a word, and each would get half the requests.
    socket.create_server((LOOPBACK, ports.provider)).close()
    socket.create_server((LOOPBACK, ports.card_host_port)).close()  # it listens in the provider's process
    environment = {**os.environ, "SESAME_SETTINGS": str(home.settings_file.resolve())}
    children: list[Child] = []
    with Mailbox(inbox, ports.smtp), servers, home.open_log() as log, helper:
        _write_log_of_helper(log)
        try:
            for module in MODULES:
                command = [sys.executable, "-m", *module]
                child = subprocess.Popen(  # noqa: S603 - our own modules, no shell
                    command, env=environment, stdout=log, stderr=log, start_new_session=True
                )  # nosec B603
                children.append(child)
            ready = _wait_until_ready(ports, children, stop)
            if ready:
                _welcome(home, ports, description)
            while ready and not stop.wait(0.5):
                ready = all(child.poll() is None for child in children)
        finally:
            _end(children)
    if stop.is_set():
        return 0
    print(f"A part of the demo ended, or did not start: see {home.log_file}", file=sys.stderr)
    return 1


def _add_card_desk(home: Home, ports: Ports, servers: Servers) -> Helper:
    reader, prompt = open_reader(home.drawer.cards(), home.folder / "softhsm"), PagePrompt()
    helper = Helper(reader, prompt, ports.issuer, ports.reader, home.folder)
    browser = InBrowser(home.certificates, home.card_host.authority, ports.card_host)
    servers.add(card_desk.create_app(reader, prompt, helper, browser), ports.card_page)
    return helper


def _write_log_of_helper(log: TextIO) -> None:
    handler = logging.StreamHandler(log)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logger = logging.getLogger("card_reader")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False  # the terminal is for the addresses


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
            roles={role.code: role.label for role in access_forms.BY_SERVICE[client_id].roles},
        )
        for client_id, key, base, label, accent, intro in looks
    ]


def _wait_until_ready(ports: Ports, children: list[Child], stop: threading.Event) -> bool:
    """False if a part ended, START_S passed, or the demo was stopped meanwhile."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and not stop.is_set():
        if any(child.poll() is not None for child in children):
            return False
        try:
            with DIRECTLY.open(f"{ports.issuer}/readyz", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            stop.wait(0.1)
    return False


def _end(children: list[Child]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)  # its own workers too
            child.wait()


def _welcome(home: Home, ports: Ports, description: dict[str, Any]) -> None:
    print(f"""
Sésame's demo is running. Ctrl-C ends it; `make demo-reset` forgets its data.

  Mon compte ESEA          {ports.issuer}/compte
  Console of operators     {ports.issuer}/console  (the accounts that have a role below)
  ROR Nouvelle-Aquitaine   {ports.ror}
  Espace Pro ORU NA        {ports.espace_pro}
  E-mails that were sent   {ports.mail}
  A CPS card and a reader  {ports.card}  (PIN {PIN})
  …without the reader      {home.certificates.folder}/*.p12 for the browser (password {PIN}): the same page says how
  Pro Santé Connect        {ports.pro_sante_connect}  (a simulator, and its switches)
  A phone that approves    {ports.issuer}/qr  (in a second, private window: type the code beside the QR code)

  Accounts (also in {home.description_file}):""")
    for account in description["accounts"]:
        password = account["password"] or "(none yet: « Mot de passe oublié ? »)"
        role = f"  {account['role']} ({account['scope']})" if "role" in account else ""
        print(f"    {account['login']:<16} {password}{role}")
    print(f"\n  Operate it:  .venv/bin/sesame --settings {home.settings_file} policy list ror\n", flush=True)
