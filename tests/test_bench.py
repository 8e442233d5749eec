"""The benchmark runs: each of its parts, at a tiny size, gives figures. What they are is no test's matter."""

import json
from math import isfinite
from pathlib import Path

import pytest

from tests.bench import tables
from tests.bench.__main__ import PARTS, figures, main, measure
from tests.bench.measuring import TINY, Goal, Row, Skipped

IN_PROCESS = [name for name in PARTS if name != "console"]
OVER = ("over the bare", "over one asker's")
"""Rows that are a difference of two figures, which at a tiny size may be anything."""


async def _checked(part: str) -> None:
    found: dict[str, list[Row | Skipped]] = {}
    await measure([part], TINY, found)
    rows = [row for row in found[part] if isinstance(row, Row)]
    assert rows
    for row in rows:
        assert isfinite(row.ours), row
        assert row.ours > 0 or any(words in row.name for words in OVER), row
        assert row.bare is None or row.bare > 0, row
    names = [row.name for row in found[part]]
    assert len(names) == len({*names})


@pytest.mark.parametrize("part", IN_PROCESS)
async def test_each_part_of_the_benchmark_gives_figures(part: str) -> None:
    await _checked(part)


@pytest.mark.browser
async def test_the_consoles_part_gives_figures() -> None:
    await _checked("console")


def test_a_goal_is_about_the_ratio_or_about_the_figure_itself() -> None:
    assert Row(name="a", unit="ms", ours=6, bare=2, goal=Goal(most=3)).met is True
    assert Row(name="a", unit="ms", ours=7, bare=2, goal=Goal(most=3)).met is False
    assert Row(name="a", unit="ms", ours=7, bare=2, goal=Goal(most=7, of="ours")).met is True
    assert Row(name="a", unit="ms", ours=7).met is None


def test_two_runs_are_compared_row_by_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slow = Row(name="a turn", unit="ms", ours=60, bare=2, goal=Goal(most=18))
    quick = Row(name="a turn", unit="ms", ours=10, bare=2, goal=Goal(most=18))
    new = Row(name="a page", unit="ms", ours=4, goal=Goal(most=3, of="ours"))
    aimless = Row(name="a delay", unit="ms", ours=4)
    for name, rows in (("before.json", [slow]), ("now.json", [quick, new, aimless])):
        (tmp_path / name).write_text(json.dumps(figures({"turn": rows})))
    assert main("--table", str(tmp_path / "before.json"), str(tmp_path / "now.json")) == 0
    printed = capsys.readouterr().out
    assert "| a turn | 60.0 | 10.0 | ms | 30.0 | 5.00 | <= 18.0x | yes |" in printed
    assert "| a page | | 4.00 | ms | | | <= 3.00 ms | no |" in printed
    assert "a delay" not in printed


def test_a_line_says_whether_the_goal_is_met() -> None:
    row = Row(name="a turn", unit="ms", ours=60, bare=2, goal=Goal(most=18))
    assert tables.line(row).endswith("30.0  <= 18.0x: not met")
    assert tables.line(Skipped(name="a turn", why="java is missing")).endswith("skipped: java is missing")


def test_the_parts_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("--list") == 0
    assert capsys.readouterr().out.split() == list(PARTS)
