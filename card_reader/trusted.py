"""Who may have written a file that decides for the person, or that is loaded into the process: root or the person."""

import os
import stat
import sys
from pathlib import Path


class Untrusted(Exception):
    """The text names the file, and what is wrong."""


def check(file: Path) -> None:
    """The file and its folder. POSIX only: on Windows its folder says it. Raises Untrusted, OSError."""
    if sys.platform == "win32":
        return
    actual = file.resolve()
    for place in (actual, actual.parent):
        status = place.stat()
        others = stat.S_IWOTH
        if status.st_gid not in {0, os.getuid()}:  # the person's own group has the person's number
            others |= stat.S_IWGRP
        if status.st_uid not in {0, os.getuid()}:
            raise Untrusted(f"{place} belongs to user {status.st_uid}, neither root nor you")
        if status.st_mode & others:
            raise Untrusted(f"{place} can be written by others: chmod go-w")
