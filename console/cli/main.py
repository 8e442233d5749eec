"""Rolltop's command line, for the operator of a store.

Commands print plain text for people, or JSON lines for programs. An error is one line that says what to do, and exit
status 2. Status 1 means that a person must act, or that the command must run again.
"""

import argparse
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import asdict, replace
from functools import partial
from typing import NoReturn, TypeAlias

import anyio

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.stores.opening import open_store
from console.cli.backup import add_backup, add_restore, backup, restore
from console.cli.config import add_config, config
from console.cli.doctor import doctor
from console.cli.existing import existing_store, settings_of
from console.cli.exports import add_export, export
from console.cli.filters import (
    add_call_filters,
    add_look_filters,
    add_thread_filters,
    add_viewer,
    call_filter,
    look_filter,
    thread_filter,
)
from console.cli.grants import add_block, add_grant, add_grants, block, grant, grants
from console.cli.ingest import add_options, ingest_handbooks
from console.cli.output import FAILED, GOOD, INTERRUPTED, LOOK_AT_IT, Given, Pace, harmless, one_line, tell
from console.cli.serve import add_serve, serve
from console.cli.show import as_json, call_list, call_text, look_list, thread_list, transcript_items, transcript_text
from console.cli.switches import add_switch, add_switches, switch, switches
from console.cli.urls import REFUSED, STORE, has_password, shown_url, url_argument, url_in, with_password
from console.cli.usage import add_usage, usage
from console.cli.viewers import GRANTS, desk_as, roles_for
from console.demo.kill import prove
from console.demo.mark import make_demo
from console.demo.past.past import FEWEST_DAYS, fill
from console.format import counted, progress
from core.clock import SystemClock
from core.desk.archive import Archive
from core.desk.oversight import Oversight
from core.errors import Blocked, Conflict, Corrupt, Denied, InvalidInput, NotFound, RolltopError, Unavailable
from core.maintenance.copy import copy
from core.maintenance.rebuild import Rebuild
from core.server_log import EVENTS_LOGGER

Command: TypeAlias = Callable[[Given], Awaitable[int]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status. None takes the process's own arguments."""
    options = _parser().parse_args(arguments)
    # A command says itself what came of it: without a handler, Python would print the warnings among the events.
    logging.getLogger(EVENTS_LOGGER).addHandler(logging.NullHandler())
    try:
        status: int = anyio.run(options.command, options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has read enough, as `head` does; the interpreter must not flush into the closed pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GOOD
    except (RolltopError, OSError) as error:
        print(f"rolltop: {one_line(str(error))}{_what_to_do(error)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"rolltop: interrupted; everything written so far stays, {options.again}", file=sys.stderr)
        return INTERRUPTED
    return status


def _what_to_do(error: Exception) -> str:
    """What to do, if the error's own message does not say it."""
    match error:
        case Unavailable():
            return "; run it again once the store answers"
        case Corrupt():
            return "; `rolltop rebuild --check` lists everything that is broken, restore it from a copy of the store"
        case Conflict():
            return "; another process writes to the target: run it again once that has finished"
        case Denied() if not isinstance(error, Blocked):
            return f"; it takes the role {roles_for(error.action)}, which the person of --as does not have: {GRANTS}"
        case NotFound():
            return "; run the command without an id to list what exists"
        case _:
            return ""


async def threads(options: Given) -> int:
    """List threads, or show one."""
    async with desk_as(options, "audit.search") as desk:
        if options.id:
            archive = Archive(desk.store, audit=desk.audit)
            transcript = await archive.transcript(desk.viewer, options.id, options.last, options.before)
            items = list(transcript_items(transcript))
            tell(
                options,
                [as_json(item, text=options.text) for item in items],
                transcript_text(transcript, text=options.text),
            )
            for one in transcript.unreadable:
                print(f"left out, because it cannot be read: {one.what} entry {one.n}: {one.why}", file=sys.stderr)
            return GOOD
        listing = await Oversight(desk.store, audit=desk.audit).search_threads(
            desk.viewer, thread_filter(options), limit=options.limit, cursor=options.cursor
        )
    tell(
        options,
        [as_json(item, text=options.text) for item in listing.items],
        thread_list(listing.items, text=options.text),
    )
    _more(listing.cursor)
    return GOOD


async def tools(options: Given) -> int:
    """List tool calls, or show one."""
    async with desk_as(options, "audit.search") as desk:
        if options.id:
            call = await Archive(desk.store, audit=desk.audit).call(desk.viewer, options.id)
            tell(options, [as_json(call, text=options.text)], call_text(call, text=options.text))
            return GOOD
        listing = await Oversight(desk.store, audit=desk.audit).search_calls(
            desk.viewer, call_filter(options), limit=options.limit, cursor=options.cursor
        )
    tell(options, [as_json(item, text=options.text) for item in listing.items], call_list(listing.items))
    _more(listing.cursor)
    return GOOD


async def looks(options: Given) -> int:
    """List the audit log: looks, searches, exports and denials."""
    async with desk_as(options, "audit.list") as desk:
        viewer, wanted = desk.viewer, look_filter(options)
        if options.all:
            viewer = replace(viewer, roles=viewer.roles & {"data_protection_officer"})
        elif wanted.by is None:
            wanted = replace(wanted, by=viewer.id)
        oversight = Oversight(desk.store, audit=desk.audit)
        listing = await oversight.looks(viewer, wanted, limit=options.limit, cursor=options.cursor)
    tell(
        options,
        [as_json(item, text=options.text) for item in listing.items],
        look_list(listing.items, text=options.text),
    )
    _more(listing.cursor)
    return GOOD


async def copy_store(options: Given) -> int:
    """Copy one store to another."""
    url = settings_of(options).store.get_secret_value()
    if url == options.target:
        raise InvalidInput("--from and --to name the same store: give another --to")
    async with desk_as(options, "store.copy") as desk, open_store(await with_password(options.target)) as target:
        await desk.record("store.copy", {"to": shown_url(options.target)})
        done = await copy(desk.store, target, SystemClock(), _Progress())
    lines = [
        f"{counted(done.streams, 'stream')} with {counted(done.entries, 'entry')} are in both stores and verified",
        f"written now: {counted(done.appended, 'entry')}, {counted(done.records, 'record')}"
        + (f"; erased, as in the source: {counted(done.erased, 'entry')}" if done.erased else ""),
    ]
    if done.open_turns:
        lines.append(
            f"{counted(len(done.open_turns), 'turn')} not ended, copied with their text so far; close the source's "
            f"desk before you open the target's, which continues: {', '.join(done.open_turns)}"
        )
    if done.alone:
        lines.append(f"{counted(done.alone, 'stream')} only in the target, left unchanged")
    if done.changed:
        lines.append(
            f"warning: the source changed during the copy; run it again to copy the rest: {', '.join(done.changed)}"
        )
    tell(options, [asdict(done)], "\n".join(lines))
    return LOOK_AT_IT if done.changed else GOOD


async def rebuild(options: Given) -> int:
    """Compare every record with its log, and repair the differences."""
    left = mended = 0
    report = partial(_Progress(), "checking")
    if not options.check and not (options.viewer and options.purpose):
        raise InvalidInput(f"a repair is on record: give --as and --purpose, or --check; {GRANTS}")
    async with AsyncExitStack() as opened:
        # A check needs no role: it shows ids only, and must work if the roles on record are what is broken.
        if options.check:
            store = await opened.enter_async_context(existing_store(options.store))
        else:
            desk = await opened.enter_async_context(desk_as(options, "store.rebuild"))
            await desk.record("store.rebuild")
            store = desk.store
        run = Rebuild(store, SystemClock(), report, mend=not options.check)
        async for finding in run.findings():
            mended, left = mended + finding.mended, left + (not finding.mended)
            line = f"{finding.fault}: {finding.kind} {finding.id}"
            line += f" ({harmless(finding.said)})" if finding.said else ""
            tell(options, [asdict(finding)], f"{line}{', repaired' if finding.mended else ''}")
    summary = f"{counted(run.checked, 'record')} checked, {mended} repaired, {left} left unchanged"
    tell(options, [{"checked": run.checked, "mended": mended, "left": left}], summary)
    return LOOK_AT_IT if left else GOOD


async def demo(options: Given) -> int:
    """Make a new store a demo, with fictional handbooks and HR tools over invented records, or with a past as well."""
    if options.kill:
        return await _kill(options)
    if options.threads and not options.people:
        raise InvalidInput("--threads are those of --people: give both")
    settings = settings_of(options)
    filled = None
    async with open_store(settings.store.get_secret_value()) as store:
        if not store.capabilities.durable_on_ack:
            raise InvalidInput(
                "this store ends with the command: name one that lasts, such as --store sqlite:///demo.db"
            )
        with closing(Catalogue(settings.index_file)) as catalogue:
            await make_demo(store, catalogue)
        if options.people:
            filled = await fill(
                store,
                people=options.people,
                threads=options.threads or 10 * options.people,
                days=options.days,
                seed=options.seed,
                instructions=settings.instructions,
                tell=partial(_tell_made, Pace()),
            )
    next_step = "Set ROLLTOP_STORE to its URL, then start the console with `rolltop serve`."
    past = (
        f" It holds {counted(filled.threads, 'thread')} with {counted(filled.turns, 'question')}, "
        f"{counted(filled.looks, 'look')} and {counted(filled.verdicts, 'verdict')}."
        if filled
        else ""
    )
    tell(options, [{"demo": True, **(asdict(filled) if filled else {})}], f"The store is a demo.{past} {next_step}")
    return GOOD


async def _kill(options: Given) -> int:
    """Kill a server in the middle of an answer, and say what is left of it."""
    if options.store or options.people or options.threads:
        raise InvalidInput("--kill makes a store of its own, which goes with the command: leave the other options out")
    promises = await prove(_ignore if options.json else partial(print, end="", flush=True))
    for one in promises:
        tell(options, [asdict(one)], f"{'kept  ' if one.held else 'BROKEN'}  {one.promise}: {one.seen}")
    return GOOD if all(one.held for one in promises) else LOOK_AT_IT


def _ignore(_: str) -> None:
    """Show nothing: programs read the promises alone."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line of error; argparse prints the usage before it."""
        if has_password(message) and REFUSED not in message:
            message = f"{REFUSED}: set ROLLTOP_STORE to it"  # argparse repeats an argument that it does not expect
        if message.startswith("the following arguments are required") and "--as" in message:
            message += f"; --as is your own id, which has a role on record: {GRANTS}"
        self.exit(FAILED, f"rolltop: {one_line(message)}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="rolltop", description=__doc__.partition("\n")[0] if __doc__ else None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Command, *, store: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        added.set_defaults(command=run, again="run it again to continue")
        added.add_argument("--json", action="store_true", help="print JSON lines, for programs")
        if store:
            added.add_argument(
                "--store", type=STORE, metavar="URL", help="the store (default: the setting ROLLTOP_STORE)"
            )
        return added

    add_serve(command("serve", serve, store=False))
    listing = command("threads", threads)
    _add_id(listing, "thread")
    _add_listing(listing)
    add_thread_filters(listing)
    listing.add_argument("--last", type=int, default=20, help="with an id: how many turns, at most 100")
    listing.add_argument("--before", type=int, help="with an id: only turns before this entry")
    listing = command("tools", tools)
    _add_id(listing, "tool call")
    _add_listing(listing)
    add_call_filters(listing)
    add_export(command("export", export))
    listing = command("looks", looks)
    listing.add_argument(
        "--all", action="store_true", help="those of everybody, as a data protection officer, instead of your own"
    )
    _add_listing(listing)
    add_look_filters(listing)
    add_usage(command("usage", usage))
    add_grant(command("grant", grant))
    add_grants(command("grants", grants))
    add_block(command("block", block))
    add_switch(command("switch", switch))
    add_switches(command("switches", switches))
    copying = command("copy", copy_store, store=False)
    add_viewer(copying)
    copying.add_argument(
        "--from", dest="store", type=STORE, metavar="URL", help="the store to read (default: the setting ROLLTOP_STORE)"
    )
    to = copying.add_mutually_exclusive_group(required=True)
    target = url_argument("name a variable that holds it with --to-env NAME")
    to.add_argument("--to", dest="target", type=target, metavar="URL", help="the store to write; may be new")
    to.add_argument(
        "--to-env",
        dest="target",
        type=url_in,
        metavar="NAME",
        help="the environment variable that holds its URL",
    )
    add_backup(command("backup", backup))
    restoring = command("restore", restore)
    restoring.set_defaults(again="and nothing is restored: run it again")
    add_restore(restoring)
    mending = command("rebuild", rebuild)
    add_viewer(mending, required=False)
    mending.add_argument("--check", action="store_true", help="only report, repair nothing; needs no --as")
    add_options(command("ingest", ingest_handbooks))
    filling = command("demo", demo)
    filling.set_defaults(again="and a past is not continued: run it again with a new store")
    filling.add_argument("--kill", action="store_true", help="instead, kill a server mid-answer and show what is left")
    filling.add_argument("--people", type=int, help="fill the store with a past of this many people")
    filling.add_argument("--threads", type=int, help="how many threads they have (default: ten a person)")
    filling.add_argument("--days", type=int, default=60, help=f"how many days it goes back, at least {FEWEST_DAYS}")
    filling.add_argument("--seed", type=int, default=1, help="another number gives another past")
    add_config(command("config", config))
    command("doctor", doctor).add_argument("--repair", action="store_true", help="repair the index of handbooks, too")
    return parser


def _add_id(parser: argparse.ArgumentParser, noun: str) -> None:
    parser.add_argument("id", nargs="?", help=f"the {noun} to show; without an id, list all that match the filters")


def _add_listing(parser: argparse.ArgumentParser) -> None:
    add_viewer(parser)
    parser.add_argument("--text", action="store_true", help="also show what people, models and tools wrote")
    parser.add_argument("--limit", type=int, default=50, help="how many to list, at most 500")
    parser.add_argument("--cursor", help="continue where an earlier list ended")


def _more(cursor: str | None) -> None:
    if cursor:
        print(f"more: repeat the command with --cursor {cursor}", file=sys.stderr)


def _tell_made(pace: Pace, noun: str, done: int, total: int) -> None:
    pace.say(f"made: {progress(done, total, noun)}")


class _Progress:
    """Reports progress through streams on stderr."""

    def __init__(self) -> None:
        self._pace = Pace()

    def __call__(self, phase: str, done: int, total: int) -> None:
        self._pace.say(f"{phase}: {progress(done, total, 'stream')}")


if __name__ == "__main__":
    sys.exit(main())
