"""`sesame-reader`: runs the helper, and says which origins may use the card."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from card_reader import __version__, modules, origins, trusted
from card_reader.card import Card, CardError
from card_reader.config import NAME, Config, ConfigError, Folders, read_ports
from card_reader.desk import Desk
from card_reader.origins import AllowedOrigins, OriginRefused
from card_reader.prompt import Prompt, PromptFailed, printable
from card_reader.prompt_terminal import TerminalPrompt, controlling
from card_reader.prompt_window import WindowPrompt
from card_reader.running import AlreadyRunning, Note, Running
from card_reader.server import HOST, NoPort, open_first
from card_reader.watch import Watch

WAKE_S = 0.5  # Windows delivers Ctrl+C between two waits
FAILURES = (ConfigError, OriginRefused, CardError, PromptFailed)


class Failed(Exception):
    """The text is for the person at the terminal."""


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    try:
        folders = Folders.here()
        config = _config(folders, asked)
        command: Callable[[argparse.Namespace, Config, Folders], None] = asked.command
        command(asked, config, folders)
    except (Failed, *FAILURES, OSError) as failed:
        if sys.stderr is not None:  # None: pythonw, which has no console
            sys.stderr.write(f"{NAME}: {failed}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=NAME, description="Signs in to web sites with a CPS card.")
    parser.add_argument("--version", action="version", version=f"{NAME} {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="wait for pages, until Ctrl+C")
    run.add_argument("--ports", metavar="A-B", help="the ports to try, on 127.0.0.1 (35810-35849)")
    run.add_argument("--terminal", action="store_true", help="ask the PIN in this terminal instead of a window")
    for name, command, text in (
        ("allow", _allow, "let pages of an origin use your card"),
        ("forbid", _forbid, "take that back"),
    ):
        with_origin = commands.add_parser(name, help=text)
        with_origin.add_argument("origin", metavar="ORIGIN", help="as https://idp.example.org")
        with_origin.set_defaults(command=command)
    commands.add_parser("origins", help="which origins may use your card").set_defaults(command=_origins)
    status = commands.add_parser("status", help="whether the helper runs, and what is in the readers")
    sought = commands.add_parser("modules", help="where the PKCS#11 module is looked for")
    run.set_defaults(command=_run)
    status.set_defaults(command=_status)
    sought.set_defaults(command=_modules)
    for with_module in (run, status, sought):
        with_module.add_argument("--module", type=Path, help="of PKCS#11; else that of the ANS, else OpenSC")
    return parser


def _config(folders: Folders, asked: argparse.Namespace) -> Config:
    """The files, then the command line. Raises ConfigError."""
    config = Config.load(folders)
    module, ports = getattr(asked, "module", None), getattr(asked, "ports", None)
    if module is not None:
        config = replace(config, module=module.absolute())
    if ports is not None:
        try:
            config = replace(config, ports=read_ports(ports))
        except ValueError as wrong:
            raise ConfigError(f"--ports: {wrong}") from None
    return config


def _run(asked: argparse.Namespace, config: Config, folders: Folders) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    prompt = _prompt(in_terminal=asked.terminal or config.terminal)
    running, service = Running.here(folders), Running.of_no_session(folders)
    try:
        if service.read() is not None:
            raise AlreadyRunning
        with running.held():
            serve(_card(config), prompt, config.allowed_origins(), config.ports, running)
    except AlreadyRunning:
        raise Failed(f"a helper of yours runs already; `{NAME} status` tells its port") from None
    except NoPort:
        first, last = config.ports[0], config.ports[-1]
        raise Failed(
            f"no port is free on {HOST} from {first} to {last}: choose others with --ports, and tell the pages"
        ) from None


def serve(card: Card, prompt: Prompt, allowed: AllowedOrigins, ports: range, running: Running) -> None:
    """Until SIGINT or SIGTERM. Raises NoPort."""
    ended = threading.Event()
    with open_first(Desk(card, prompt, allowed), ports) as server:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        running.write(Note(os.getpid(), server.port))
        _say(f"{NAME} {__version__} listens on {HOST}:{server.port}; Ctrl+C ends it.")
        while not ended.wait(WAKE_S):
            pass


def _prompt(*, in_terminal: bool) -> Prompt:
    if in_terminal:
        return TerminalPrompt(controlling())
    if find_spec("tkinter") is None:
        raise Failed("there is no tkinter to open a window with: install it (Debian: python3-tk), or add --terminal")
    return WindowPrompt()


def _card(config: Config) -> Card:
    """Raises CardError, which says where the module was looked for; OSError; Failed."""
    try:
        from card_reader.pkcs11_card import Pkcs11Card  # noqa: PLC0415  the other commands work without python-pkcs11
    except ModuleNotFoundError as missing:
        raise Failed(f"{missing.name} is not installed: pip install 'sesame-idp[reader]'") from None
    module = modules.find(config.module)
    try:
        trusted.check(module)
    except trusted.Untrusted as untrusted:
        raise Failed(str(untrusted)) from None
    return Pkcs11Card(module)


def _allow(asked: argparse.Namespace, config: Config, _: Folders) -> None:
    config.allowed_origins().add(asked.origin)
    _say(f"{asked.origin} may use your card from now on.")


def _forbid(asked: argparse.Namespace, config: Config, _: Folders) -> None:
    origin = origins.parse(asked.origin)
    if origin in config.origins:
        raise Failed(f"{origin} is on the administrator's list")
    if not config.allowed_origins().remove(origin):
        raise Failed(f"{origin} is not on your list")
    _say(f"{origin} may use your card no more.")


def _origins(_: argparse.Namespace, config: Config, __: Folders) -> None:
    allowed = config.allowed_origins()
    for origin in sorted(allowed.administrator | allowed.own):
        _say(f"{origin}  ({'administrator' if origin in allowed.administrator else 'you'})")
    if not allowed.person_may_allow:
        _say("The administrator lets nobody add any.")


def _status(_: argparse.Namespace, config: Config, folders: Folders) -> None:
    note = Running.here(folders).read() or Running.of_no_session(folders).read()
    _say(f"helper: process {note.process} on {HOST}:{note.port}" if note else "helper: none runs")
    with Watch(_card(config)) as watch:
        seen = watch.look()
    shown = (("card", str(seen.state)), ("reason", seen.code), ("holder", seen.holder), ("reader", seen.reader))
    for name, value in (*shown, ("tries", seen.tries)):
        if value:
            _say(f"{name}: {printable(value)}")


def _modules(_: argparse.Namespace, config: Config, __: Folders) -> None:
    used: Path | None = None
    with suppress(CardError):
        used = modules.find(config.module)
    for place in [config.module] if config.module else map(Path, modules.PLACES.get(sys.platform, ())):
        _say(f"{'*' if place == used else ' '} {place}")
    if used is None:
        raise Failed("none of them is there")


def _say(line: str) -> None:
    if sys.stdout is not None:  # as above
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
