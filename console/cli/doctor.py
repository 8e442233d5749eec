"""`rolltop doctor`: the state of an installation, and the problems that need an operator."""

from dataclasses import asdict

from console.cli.existing import existing_store, settings_of
from console.cli.output import GOOD, LOOK_AT_IT, Given, harmless, tell
from console.doctor.examination import examine
from console.doctor.finding import Finding, Level
from console.doctor.store import equipment

_MARKS: dict[Level, str] = {"fact": " ", "open": "?", "trouble": "!"}


async def doctor(options: Given) -> int:
    """Show the state of an installation, the problems that need an operator (!), and what is not set yet (?)."""
    trouble, settings = False, settings_of(options)
    async with existing_store(options.store) as store:
        equipped = await equipment(settings, store)
        async for finding in examine(settings, store, equipped, repair=options.repair):
            trouble = trouble or finding.level == "trouble"
            tell(options, [asdict(finding)], line(finding))
    return LOOK_AT_IT if trouble else GOOD


def line(finding: Finding) -> str:
    """The finding as a line, with a mark in front of it unless it is a fact."""
    return f"{_MARKS[finding.level]} {finding.about}: {harmless(finding.text)}"
