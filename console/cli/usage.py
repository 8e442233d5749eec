"""`rolltop usage`: how much the desk was used, by entity, model or day, without groups of fewer than 10 people."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import get_args

from console.cli.filters import add_times, add_viewer
from console.cli.output import GOOD, Given, harmless, table, tell
from console.cli.viewers import desk_as
from console.format import bill, total_tokens, why_withheld
from core.desk.figures import Figures
from core.desk.small_groups import Withheld
from core.desk.usage import UsageBy, Used


async def usage(options: Given) -> int:
    """Count turns, model calls, tokens and costs by entity, model or day, as an administrator or an auditor."""
    async with desk_as(options, "usage.read") as desk:
        figures = Figures(desk.store, audit=desk.audit)
        report = (await figures.usage(desk.viewer, options.by, options.since, options.until)).value
    all_withheld: Withheld | None = None if report.total else "few"
    items = [{"by": options.by, **asdict(group)} for group in report.groups]
    items.append({"by": "all", "name": None, "used": report.total and asdict(report.total), "withheld": all_withheld})
    rows = [_row(group.name or "unknown", group.used, group.withheld) for group in report.groups]
    head = [options.by.upper(), "PEOPLE", "TURNS", "MODEL CALLS", "COST", "TOKENS"]
    everything = _row("all", report.total, all_withheld)
    tell(options, items, table([head, *rows, everything]) if rows else "nothing was used in this time")
    return GOOD


def add_usage(parser: argparse.ArgumentParser) -> None:
    """The options of `rolltop usage`."""
    choices: Sequence[UsageBy] = get_args(UsageBy)
    parser.add_argument("--by", choices=choices, required=True, help="what is counted for each")
    add_viewer(parser)
    add_times(parser)


def _row(name: str, used: Used | None, withheld: Withheld | None) -> list[str]:
    if used is None:
        return [harmless(name), "-", "-", "-", "-", why_withheld(withheld)]
    counts = [f"{count:,}" for count in (used.people, used.turns, used.spent.calls)]
    return [harmless(name), *counts, bill(used.spent), total_tokens(used.spent)]
