"""What the doctor found."""

from collections.abc import Iterator

from idp.cli.doctor.finding import Finding, Level


def only(found: Iterator[Finding]) -> tuple[Level, str]:
    """The one finding that is not well, or the first."""
    listed = list(found)
    bad = [each for each in listed if each.level is not Level.OK] or listed[:1]
    assert len(bad) == 1, listed
    return bad[0].level, bad[0].text
