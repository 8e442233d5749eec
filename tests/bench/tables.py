"""Figures as people read them: lines of a table while they are measured, and a comparison of two runs."""

from collections.abc import Mapping

from tests.bench.measuring import Row, Skipped

HEAD = f"{'':66} {'ours':>10} {'bare':>10} {'':5} {'ratio':>8}  goal"


def line(row: Row | Skipped) -> str:
    """The row in the columns of HEAD."""
    if isinstance(row, Skipped):
        return f"{row.name:66} skipped: {row.why}"
    bare = "" if row.bare is None else number(row.bare)
    ratio = "" if row.ratio is None else number(row.ratio)
    goal = ""
    if row.goal:
        measured = "x" if row.goal.of == "ratio" else f" {row.unit}"
        goal = f"<= {number(row.goal.most)}{measured}: {'met' if row.met else 'not met'}"
    return f"{row.name:66} {number(row.ours):>10} {bare:>10} {row.unit:5} {ratio:>8}  {goal}".rstrip()


def compared(before: Mapping, now: Mapping) -> str:
    """A Markdown table of both runs' figures; a row that one run lacks has an empty place."""
    names = list(dict.fromkeys((row["part"], row["name"]) for run in (before, now) for row in run["rows"]))
    old, new = ({(row["part"], row["name"]): row for row in run["rows"]} for run in (before, now))
    lines = [
        "| what | before | now | unit | x bare before | x bare now | goal | met |",
        "|---|---:|---:|---|---:|---:|---|---|",
    ]
    for name in names:
        first, last = old.get(name), new.get(name)
        row = last or first
        assert row
        cells = [row["name"], _cell(first, "ours"), _cell(last, "ours"), row["unit"]]
        cells += [_cell(first, "ratio"), _cell(last, "ratio")]
        goal = row["goal"]
        measured = "" if goal is None else "x" if goal["of"] == "ratio" else f" {row['unit']}"
        cells += ["", ""] if goal is None else [f"<= {number(goal['most'])}{measured}", _met(last)]
        lines.append(f"| {' | '.join(cells)} |".replace("  ", " "))
    for title, run in (("before", before), ("now", now)):
        machine = run["hardware"]
        lines += ["", f"{title}: " + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in machine.items())]
    return "\n".join(lines)


def number(value: float) -> str:
    """With three digits, or all those before the point."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _cell(row: Mapping | None, key: str) -> str:
    return "" if row is None or row[key] is None else number(row[key])


def _met(row: Mapping | None) -> str:
    return "" if row is None else "yes" if row["met"] else "no"
