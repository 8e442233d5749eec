"""`rolltop usage`: how much the desk was used, by entity, model or day, without groups of fewer than 10 people."""

import argparse
import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from typing import get_args

from anyio.to_thread import run_sync as blocking

from backends.private_files import create_private
from console.cli.filters import add_times, add_viewer
from console.cli.output import GOOD, Given, harmless, table, tell
from console.cli.viewers import desk_as
from console.format import bill, total_tokens, why_withheld
from core.desk.exports.tables import usage_table
from core.desk.figures import Figures
from core.desk.small_groups import Withheld
from core.desk.usage import UsageBy, UsageReport, Used


async def usage(options: Given) -> int:
    """Count turns, model calls, tokens and costs by entity, model or day, as an administrator or an auditor."""
    # Before the look is on record: a file that cannot be made must not leave a look that nobody had.
    with create_private(options.csv) if options.csv else nullcontext() as file:
        try:
            report = await _counted(options)
            if file:
                await blocking(file.write, usage_table(report, options.by))
        except BaseException:
            if file:
                os.unlink(options.csv)
            raise
    all_withheld: Withheld | None = None if report.total else "few"
    items = [{"by": options.by, **asdict(group)} for group in report.groups]
    items.append({"by": "all", "name": None, "used": report.total and asdict(report.total), "withheld": all_withheld})
    rows = [_row(group.name or "unknown", group.used, group.withheld) for group in report.groups]
    head = [options.by.upper(), "PEOPLE", "TURNS", "MODEL CALLS", "COST", "TOKENS"]
    everything = _row("all", report.total, all_withheld)
    tell(options, items, table([head, *rows, everything]) if rows else "nothing was used in this time")
    return GOOD


async def _counted(options: Given) -> UsageReport:
    async with desk_as(options, "usage.read") as desk:
        figures = Figures(desk.store, audit=desk.audit)
        return (await figures.usage(desk.viewer, options.by, options.since, options.until)).value


def add_usage(parser: argparse.ArgumentParser) -> None:
    """The options of `rolltop usage`."""
    choices: Sequence[UsageBy] = get_args(UsageBy)
    parser.add_argument("--by", choices=choices, required=True, help="what is counted for each")
    add_viewer(parser)
    add_times(parser)
    parser.add_argument(
        "--csv", metavar="FILE", help="also write it for spreadsheets into this file, which must be new"
    )


def _row(name: str, used: Used | None, withheld: Withheld | None) -> list[str]:
    if used is None:
        return [harmless(name), "-", "-", "-", "-", why_withheld(withheld)]
    counts = [f"{count:,}" for count in (used.people, used.turns, used.spent.calls)]
    return [harmless(name), *counts, bill(used.spent), total_tokens(used.spent)]
