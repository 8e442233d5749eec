"""`rolltop switch` and `rolltop switches`: a tool or a model is switched off in all processes, and on again.

A command does not know the tools and models of the desks: it takes any name.
"""

import argparse
from typing import get_args

from console.cli.grants import add_administrator, add_decision
from console.cli.output import GOOD, Given, harmless, table, tell
from console.cli.viewers import desk_as
from core.log.records import OffSwitch
from core.values import Switched


async def switch(options: Given) -> int:
    """Switch a tool or a model off in all processes of the store, or on again."""
    async with desk_as(options, "tools.switch") as desk:
        administration, viewer = desk.administration, desk.viewer
        of_tool = options.what == "tool"
        if options.to == "on":
            switch_on = administration.switch_on_tool if of_tool else administration.switch_on_model
            await switch_on(viewer, options.name, options.why)
            done = {"on": options.what, "name": options.name}
        else:
            switch_off = administration.switch_off_tool if of_tool else administration.switch_off_model
            done = (await switch_off(viewer, options.name, options.why)).model_dump(mode="json")
    what = f"{options.what} {harmless(options.name)}"
    tell(options, [done], f"the {what} is {options.to}, in all processes within a second")
    return GOOD


async def switches(options: Given) -> int:
    """List the tools and models that are switched off, as an administrator."""
    async with desk_as(options, "tools.list") as desk:
        listed = await desk.administration.tools_and_models(desk.viewer)
    off = [one.off for one in listed.tools if one.off] + [one.off for one in listed.models if one.off]
    head = ["WHAT", "NAME", "OFF SINCE", "BY", "WHY"]
    text = table([head, *map(_row, off)]) if off else "all tools and models are on"
    tell(options, [one.model_dump(mode="json") for one in off], text)
    return GOOD


def add_switch(parser: argparse.ArgumentParser) -> None:
    """The options of `rolltop switch`."""
    parser.add_argument("to", choices=("off", "on"), metavar="off|on", help="off, or on again")
    parser.add_argument("what", choices=get_args(Switched), metavar="tool|model", help="what is switched")
    parser.add_argument("name", metavar="NAME", help="its name, as it stands on the page Tools & models")
    add_decision(parser)


def add_switches(parser: argparse.ArgumentParser) -> None:
    """The options of `rolltop switches`."""
    add_administrator(parser)


def _row(off: OffSwitch) -> list[str]:
    return [off.what, harmless(off.name), off.off_at, harmless(off.by), harmless(off.why or "erased")]
