"""`rolltop grant`, `rolltop block` and `rolltop grants`: the roles on record, and the blocked people.

The person of `--as` must be an administrator on record. Beside their id, what they decide names the operating system's
account in which the command ran, and its host.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict

from console.cli.existing import existing_store
from console.cli.filters import moment
from console.cli.output import GOOD, Given, harmless, table, tell
from console.cli.viewers import audit_log, desk_as
from console.sign_in.mapping import mapping_lines
from core.canonical import Json
from core.desk.administration import Administration
from core.desk.lists import MAX_PAGE
from core.errors import InvalidInput
from core.gate import ROLES, Viewer
from core.log.past_roles import PastRole
from core.log.records import Block, RoleGrant, SignInMapping


async def grant(options: Given) -> int:
    """Give a person a role, or take it away again."""
    if options.until and (options.end or options.first):
        raise InvalidInput("--until is for a role that an administrator grants: leave it out with --end and --first")
    if options.first and options.role != "administrator":
        raise InvalidInput("the first grant makes an administrator, who grants the other roles: name that role")
    if options.first:
        async with existing_store(options.store) as store:
            people = Administration(store, audit=audit_log(store))
            given = await people.grant_first(options.person, by=options.viewer, why=options.why)
    else:
        async with desk_as(options, "roles.grant") as desk:
            people = desk.administration
            if options.end:
                await people.end_grant(desk.viewer, options.person, options.role, options.why)
                ended = {"ended": options.role, "person": options.person}
                tell(options, [ended], f"{harmless(options.person)} no longer has the granted role {options.role}")
                return GOOD
            given = await people.grant(desk.viewer, options.person, options.role, options.why, until=options.until)
    until = f" until {given.ends_at}" if given.ends_at else ""
    tell(options, [given.model_dump(mode="json")], f"{harmless(given.person)} has the role {given.role}{until}")
    return GOOD


async def block(options: Given) -> int:
    """Keep a person from using the desk, whatever their roles are, or let them use it again."""
    async with desk_as(options, "people.block") as desk:
        if options.end:
            await desk.administration.unblock(desk.viewer, options.person, options.why)
            tell(options, [{"unblocked": options.person}], f"{harmless(options.person)} is no longer blocked")
        else:
            blocked = await desk.administration.block(desk.viewer, options.person, options.why)
            tell(options, [blocked.model_dump(mode="json")], f"{harmless(blocked.person)} is blocked")
    return GOOD


async def grants(options: Given) -> int:
    """List the roles on record, the blocked people, and how a sign-in gives roles, or the history of one person."""
    async with desk_as(options, "roles.list") as desk:
        if options.person:
            past = await desk.administration.history(desk.viewer, options.person)
            told = [line for one in past for line in _past(one)] or ["nothing is on record of this person"]
            tell(options, [_past_item(one) for one in past], "\n".join(told))
            return GOOD
        listed, sign_ins = await everybody(desk.administration, desk.viewer)
    head = ["STATE", "PERSON", "ROLE", "SINCE", "UNTIL", "BY", "WHY"]
    items = [{"state": state, **one.model_dump(mode="json")} for state, one in listed]
    items += [{"state": "sign-in", **one.model_dump(mode="json")} for one in sign_ins]
    lines = [table([head, *(_row(state, one) for state, one in listed)]) if listed else "no role is on record"]
    for place, one in enumerate(sign_ins):
        by = harmless(f"{one.account.user} on {one.account.host}")
        lines += ["", f"{'before that, since' if place else 'sign-in, since'} {one.since}, console of {by}:"]
        lines += [f"  {harmless(line)}" for line in mapping_lines(one.mapping)]
    tell(options, items, "\n".join(lines))
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
    parser.add_argument(
        "person", metavar="PERSON", nargs="?", help="show all grants and blocks of this person, also those that ended"
    )
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


async def everybody(
    people: Administration, viewer: Viewer
) -> tuple[list[tuple[str, RoleGrant | Block]], Sequence[SignInMapping]]:
    """All that is on record, each with its state: the roles that hold, those that ended by themselves, the blocks.

    And by which settings the sign-in gives roles.
    """
    by_state: dict[str, list[RoleGrant | Block]] = {"holds": [], "ended": [], "blocked": []}
    cursor: str | None = None
    while True:
        page = await people.people(viewer, limit=MAX_PAGE, cursor=cursor)
        by_state["holds"] += page.grants
        by_state["ended"] += page.ended
        by_state["blocked"] += page.blocks
        if (cursor := page.cursor) is None:
            return [(state, one) for state, those in by_state.items() for one in those], page.sign_ins


def _past(one: PastRole) -> list[str]:
    """Since when, by whom and why; and how it ended, when, by whom and why."""
    what, since, _, by, why = _row("", one.began)[2:]
    lines = [f"{'blocked' if what == '-' else what} since {since}, by {by}: {why}"]
    if end := one.end:
        how = {"taken": "ended", "replaced": "granted anew", "passed": "ended as was set"}[end.how]
        by = "" if end.by is None else f", by {harmless(end.by)}: {harmless(end.why or 'erased')}"
        lines.append(f"  {how} {end.at}{by}")
    elif isinstance(one.began, RoleGrant) and one.began.ends_at:
        lines.append(f"  until {one.began.ends_at}")
    return lines


def _past_item(one: PastRole) -> dict[str, Json]:
    end = (
        asdict(one.end) | {"account": one.end.account and one.end.account.model_dump(mode="json")} if one.end else None
    )
    return {"state": "ended" if end else "holds", **one.began.model_dump(mode="json"), "end": end}


def _row(state: str, one: RoleGrant | Block) -> list[str]:
    if isinstance(one, RoleGrant):
        place = [one.role, one.granted_at, one.ends_at or "-", "settings" if one.basis == "settings" else one.by]
    else:
        place = ["-", one.blocked_at, "-", one.by]
    return [state, harmless(one.person), *map(harmless, place), harmless(one.why or "erased")]
