"""`rolltop grant`, `rolltop block` and `rolltop grants`: the roles on record, and the blocked people.

The person of `--as` must be an administrator on record. Beside their id, what they decide names the operating system's
account in which the command ran, and its host.
"""

import argparse
import platform

import psutil

from console.cli.existing import existing_store
from console.cli.filters import moment
from console.cli.output import GOOD, Given, harmless, table, tell
from core.desk.administration import Administration
from core.errors import InvalidInput
from core.gate import ROLES, Viewer
from core.log.records import Block, RoleGrant
from core.store import Store
from core.values import Account


async def grant(options: Given) -> int:
    """Give a person a role, or take it away again."""
    if options.until and (options.end or options.first):
        raise InvalidInput("--until is for a role that an administrator grants: leave it out with --end and --first")
    if options.first and options.role != "administrator":
        raise InvalidInput("the first grant makes an administrator, who grants the other roles: name that role")
    async with existing_store(options.store) as store:
        people = administration_of(store)
        if options.first:
            given = await people.grant_first(options.person, by=options.viewer, why=options.why)
        elif options.end:
            viewer = await people.viewer(options.viewer)
            await people.end_grant(viewer, options.person, options.role, options.why)
            ended = {"ended": options.role, "person": options.person}
            tell(options, [ended], f"{harmless(options.person)} no longer has the granted role {options.role}")
            return GOOD
        else:
            viewer = await people.viewer(options.viewer)
            given = await people.grant(viewer, options.person, options.role, options.why, until=options.until)
    until = f" until {given.ends_at}" if given.ends_at else ""
    tell(options, [given.model_dump(mode="json")], f"{harmless(given.person)} has the role {given.role}{until}")
    return GOOD


async def block(options: Given) -> int:
    """Keep a person from using the desk, whatever their roles are, or let them use it again."""
    async with existing_store(options.store) as store:
        people = administration_of(store)
        viewer: Viewer = await people.viewer(options.viewer)
        if options.end:
            await people.unblock(viewer, options.person, options.why)
            tell(options, [{"unblocked": options.person}], f"{harmless(options.person)} is no longer blocked")
        else:
            blocked = await people.block(viewer, options.person, options.why)
            tell(options, [blocked.model_dump(mode="json")], f"{harmless(blocked.person)} is blocked")
    return GOOD


async def grants(options: Given) -> int:
    """List the roles on record and the blocked people, as an administrator."""
    async with existing_store(options.store) as store:
        people = administration_of(store)
        on_record = await people.people(await people.viewer(options.viewer))
    listed: list[tuple[str, RoleGrant | Block]] = [("holds", one) for one in on_record.grants]
    listed += [("ended", one) for one in on_record.ended]
    listed += [("blocked", one) for one in on_record.blocks]
    head = ["STATE", "PERSON", "ROLE", "SINCE", "UNTIL", "BY", "WHY"]
    items = [{"state": state, **one.model_dump(mode="json")} for state, one in listed]
    text = table([head, *(_row(state, one) for state, one in listed)]) if listed else "no role is on record"
    tell(options, items, text)
    return GOOD


def add_grant(parser: argparse.ArgumentParser) -> None:
    """The options of `rolltop grant`."""
    parser.add_argument("person", metavar="PERSON", help="the id of the person, as they sign in")
    parser.add_argument("role", metavar="ROLE", choices=sorted(ROLES), help=f"one of {', '.join(sorted(ROLES))}")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--end", action="store_true", help="take the role away; one that a sign-in claims stays")
    way.add_argument(
        "--first", action="store_true", help="make the first administrator, while no role is on record in the store"
    )
    parser.add_argument("--until", type=moment, metavar="TIME", help="the role ends by itself at this day or time")
    add_decision(parser)


def add_block(parser: argparse.ArgumentParser) -> None:
    """The options of `rolltop block`."""
    parser.add_argument("person", metavar="PERSON", help="the id of the person, as they sign in")
    parser.add_argument("--end", action="store_true", help="unblock the person")
    add_decision(parser)


def add_grants(parser: argparse.ArgumentParser) -> None:
    """The options of `rolltop grants`."""
    add_administrator(parser)


def add_decision(parser: argparse.ArgumentParser) -> None:
    """The options for an administrator's id and the reason of what they decide."""
    add_administrator(parser)
    parser.add_argument("--why", metavar="REASON", required=True, help="the reason, which is recorded")


def add_administrator(parser: argparse.ArgumentParser) -> None:
    """The option for an administrator's id."""
    parser.add_argument(
        "--as", dest="viewer", metavar="ID", required=True, help="your own id, an administrator's, which is recorded"
    )


def administration_of(store: Store) -> Administration:
    """The administration of a store, for a command."""
    # By the process's own user id: LOGNAME and USER, which `getpass.getuser` believes, may say anything.
    return Administration(store, account=Account(user=psutil.Process().username(), host=platform.node()))


def _row(state: str, one: RoleGrant | Block) -> list[str]:
    if isinstance(one, RoleGrant):
        place = [one.role, one.granted_at, one.ends_at or "-", "settings" if one.basis == "settings" else one.by]
    else:
        place = ["-", one.blocked_at, "-", one.by]
    return [state, harmless(one.person), *map(harmless, place), harmless(one.why or "erased")]
