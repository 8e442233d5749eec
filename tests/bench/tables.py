"""Figures as people read them: lines of a table while they are measured, and a comparison of two runs."""

from collections.abc import Mapping, Sequence

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


def markdown(before: Mapping, now: Mapping | None = None) -> str:
    """A Markdown table of the rows that have a goal, of one run or of two.

    A row that one of the runs lacks has empty places there.
    """
    runs = [before, now] if now else [before]
    titles = ["before", "now"] if now else ["figure"]
    by_name = [{(row["part"], row["name"]): row for row in run["rows"] if row["goal"]} for run in runs]
    lines = [
        _line(["what", *titles, "unit", *(f"x bare, {title}" if now else "x bare" for title in titles), "goal", "met"]),
        _line(["---", *(["---:"] * len(runs)), "---", *(["---:"] * len(runs)), "---", "---"]),
    ]
    for name in dict.fromkeys(name for run in by_name for name in run):
        rows = [run.get(name) for run in by_name]
        newest = next(row for row in reversed(rows) if row)
        figures, ratios = [_cell(row, "ours") for row in rows], [_cell(row, "ratio") for row in rows]
        lines.append(_line([newest["name"], *figures, newest["unit"], *ratios, *_goal(newest)]))
    for title, run in zip(titles, runs, strict=True):
        machine = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in run["hardware"].items())
        lines += ["", f"{title.capitalize()}: {machine}."]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("  ", " ")


def _goal(row: Mapping) -> tuple[str, str]:
    measured = "x" if row["goal"]["of"] == "ratio" else f" {row['unit']}"
    return f"<= {number(row['goal']['most'])}{measured}", "yes" if row["met"] else "no"


def number(value: float) -> str:
    """With three digits, or all those before the point."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _cell(row: Mapping | None, key: str) -> str:
    return "" if row is None or row[key] is None else number(row[key])
