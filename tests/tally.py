"""Counts of a JUnit file for tests/run: `passed failed skipped`, then a line for each skipped test."""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def main(path: Path) -> None:
    counts = dict.fromkeys(("passed", "failed", "skipped"), 0)
    reasons = []
    for case in ET.parse(path).iter("testcase"):
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            counts["failed"] += 1
        elif skipped is not None:
            counts["skipped"] += 1
            reasons.append(f"{case.get('classname')}.{case.get('name')}: {skipped.get('message')}")
        else:
            counts["passed"] += 1
    print(*counts.values())
    print("\n".join(reasons))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
