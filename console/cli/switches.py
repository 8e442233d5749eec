"""`rolltop switch` and `rolltop switches`: a tool or a model is switched off in all processes, and on again.

A command does not know the tools and models of the desks: it takes any name. It knows the models of its own settings,
and says so if a model has none of their names.
"""

import argparse
import sys
from typing import get_args

from console.cli.existing import settings_of
from console.cli.grants import add_administrator, add_decision
from console.cli.output import GOOD, Given, harmless, table, tell
from console.cli.viewers import desk_as
from console.doctor.store import equipment
from core.log.records import OffSwitch
from core.store import Store
from core.values import Switched


async def switch(options: Given) -> int:
    """Switch a tool or a model off in all processes of the store, or on again."""
    async with desk_as(options, "tools.switch") as desk:
        administration, viewer = desk.administration, desk.viewer
        of_tool = options.what == "tool"
        name, note = (options.name, "") if of_tool else await _model(options, desk.store)
        if options.to == "on":
            switch_on = administration.switch_on_tool if of_tool else administration.switch_on_model
            await switch_on(viewer, name, options.why)
            done = {"on": options.what, "name": name}
        else:
            switch_off = administration.switch_off_tool if of_tool else administration.switch_off_model
            done = (await switch_off(viewer, name, options.why)).model_dump(mode="json")
    what = f"{options.what} {harmless(name)}"
    tell(options, [done], f"the {what} is {options.to}, in all processes within a second")
    if note:
        print(harmless(note), file=sys.stderr)
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
    parser.add_argument(
        "name",
        metavar="NAME",
        help="its name, as it stands on the page Tools & models, or in ROLLTOP_MODEL",
    )
    add_decision(parser)


def add_switches(parser: argparse.ArgumentParser) -> None:
    """The options of `rolltop switches`."""
    add_administrator(parser)


async def _model(options: Given, store: Store) -> tuple[str, str]:
    """The model's own name, also if the options have that of its table or its whole URL; and a note, "" without one.

    A switch holds for exactly one name. So the note says if no model of this command's settings has it.
    """
    settings = settings_of(options)
    equipped = await equipment(settings, store)
    if equipped.fault:
        return options.name, f"check the name on the page Tools & models: {equipped.fault}"
    name = dict(zip(settings.models, equipped.models, strict=True)).get(options.name, options.name)
    if name in equipped.models:
        return name, ""
    return name, f"no model of ROLLTOP_MODEL has this name; the names are: {', '.join(equipped.models)}"


def _row(off: OffSwitch) -> list[str]:
    return [off.what, harmless(off.name), off.off_at, harmless(off.by), harmless(off.why or "erased")]
