"""How much work a picture would make of few bytes, found without decoding anything.

The number of pixels bounds the work of drawing them once. A progressive JPEG draws them once a scan, and each scan may
be ten bytes; a PNG may unpack a colour profile a thousand times. What cameras and programs write stays far below.
"""

import re

MAX_SCANS = 50  # encoders write about ten
MAX_SEGMENTS = 400  # scans, tables, and what applications add in pieces of 64 kB
# ITU-T T.81 table B.1. Arithmetic frames, which unfold a few bytes into any number of coefficients, are not among them.
FRAMES, TABLES, COMMENT, APPLICATIONS = (0xC0, 0xC1, 0xC2), (0xC4, 0xDB, 0xDD), 0xFE, range(0xE0, 0xF0)
SCAN, END = 0xDA, 0xD9
SEGMENTS = frozenset({*FRAMES, *TABLES, COMMENT, *APPLICATIONS, SCAN})
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)  # §B.1.1.2, without those that stand inside a scan


def is_laborious(file: bytes) -> bool:
    """Whether decoding it might take longer than its pixels and its bytes account for."""
    if file.startswith(b"\xff\xd8"):
        return not _has_few_scans(file)
    return file.count(b"iCCP") > 1  # a PNG has one at most (§11.3.2.3), and each unpacks to a megabyte


def _has_few_scans(file: bytes) -> bool:
    """Walks a JPEG from marker to marker as decoders do: what lies between two segments is skipped."""
    at, scans = 2, 0
    for _ in range(MAX_SEGMENTS):
        found = MARKER.search(file, at)
        if found is None or file[found.end() - 1] == END:
            return scans <= MAX_SCANS
        marker, at = file[found.end() - 1], found.end()
        if marker not in SEGMENTS:
            return False
        scans += marker == SCAN
        at += int.from_bytes(file[at : at + 2], "big")
    return False
