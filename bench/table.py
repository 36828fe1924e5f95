"""The table of a run: CPU of each operation at each peer, and the ratios that count."""

from collections.abc import Iterable, Mapping

from bench.operations import TARGETS

MISSING = "–"
HEAD = ("Operation", "Floor, ms", "Sésame, ms", "Sésame / floor", "Target", "node, ms", "Sésame / node")

Costs = Mapping[str, float | None]  # operation → CPU ms, None where it failed


def table(ours: Costs, floor: Costs, node: Costs) -> str:
    """A Markdown table, one line for each operation that somebody was measured at."""
    lines = [_line(HEAD), _line(["---", *["---:"] * (len(HEAD) - 1)])]
    for operation, target in TARGETS.items():
        if operation in ours or operation in floor or operation in node:
            mine, least, other = (costs.get(operation) for costs in (ours, floor, node))
            verdict = judge(mine, least, target)
            lines.append(
                _line([operation, _ms(least), _ms(mine), verdict, f"≤ {target:g}", _ms(other), _times(mine, other)])
            )
    return "\n".join(lines)


def judge(mine: float | None, least: float | None, target: float) -> str:
    """The ratio, marked if the target is missed."""
    shown = _times(mine, least)
    missed = mine is not None and least and mine / least > target
    return f"**{shown}**, missed" if missed else shown


def _times(mine: float | None, other: float | None) -> str:
    return f"{mine / other:.2f}" if mine is not None and other else MISSING


def _ms(value: float | None) -> str:
    return MISSING if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
