"""An operator at a terminal: `sesame` in this process, on settings of the test's."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from click.testing import CliRunner, Result

from idp.cli import main
from idp.store import Database

OPERATOR = "claire"


@dataclass
class CommandLine:
    """Runs commands in a folder with a file `sesame.toml`; nothing of the real environment's settings counts."""

    folder: Path

    @classmethod
    def in_folder(cls, folder: Path, text: str = "") -> "CommandLine":
        (folder / "sesame.toml").write_text(
            f'issuer = "http://localhost:8000"\ndatabase_url = "sqlite:///sesame.db"\n'
            f'keys_dir = "keys.d"\nsecret_file = "secret"\n{text}',
            encoding="utf-8",
        )
        return cls(folder)

    @property
    def database(self) -> Database:
        return Database(f"sqlite:///{self.folder / 'sesame.db'}")

    def invoke(self, *args: str) -> Result:
        clean: dict[str, str | None] = {name: None for name in os.environ if name.startswith("SESAME_")}
        named = ["--settings", str(self.folder / "sesame.toml"), "--operator", OPERATOR]
        result = CliRunner().invoke(main, [*named, *args], env=clean)
        structlog.reset_defaults()  # `serve` sends logs to a standard error that is closed by now
        return result

    def run(self, *args: str) -> str:
        """What a command that succeeds prints."""
        result = self.invoke(*args)
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        return result.stdout.rstrip("\n")

    def refused(self, *args: str) -> str:
        """The one line that a command that fails prints."""
        result = self.invoke(*args)
        assert result.exit_code == 1, result.output
        assert isinstance(result.exception, SystemExit), result.exception
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        assert line.startswith("sesame: "), line
        return line.removeprefix("sesame: ")

    def events(self, *args: str) -> list[dict[str, Any]]:
        """`sesame audit list`, newest first."""
        return [json.loads(line) for line in self.run("audit", "list", *args).splitlines()]

    def last_event(self) -> dict[str, Any]:
        """The newest event, which must be this operator's."""
        event = self.events("--limit", "1")[0]
        assert event["actor"] == f"operator:{OPERATOR}"
        return event

    def read(self, look: Any) -> Any:
        """What `look` finds in the database."""
        database = self.database
        try:
            with database.read() as tx:
                return look(tx)
        finally:
            database.close()

    def write(self, change: Any) -> None:
        database = self.database
        with database.write() as tx:
            change(tx)
        database.close()
