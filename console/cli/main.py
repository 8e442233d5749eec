"""The command line: `rolltop COMMAND`, for whoever keeps a store.

Plain text for people, JSON lines for programs. What went wrong is one line that says what to do, and status 2; status 1
says that something needs a person, or another run.
"""

import argparse
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import NoReturn, TypeAlias, get_args

import anyio
from pydantic import SecretStr

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.stores.opening import open_store
from console.cli.doctor import equipment, examine
from console.cli.index_doctor import examine_index
from console.cli.ingest import add_options, ingest_handbooks
from console.cli.output import FAILED, GOOD, INTERRUPTED, LOOK_AT_IT, Given, Pace, harmless, tell
from console.cli.show import call_list, call_text, shown, thread_list, transcript_items, transcript_text
from console.demo.mark import make_demo
from console.format import counted
from console.settings import read_settings
from core.clock import SystemClock
from core.desk.archive import Archive
from core.errors import Conflict, Corrupt, InvalidInput, NotFound, RolltopError, Unavailable
from core.gate import Viewer
from core.maintenance.copy import copy
from core.maintenance.rebuild import Rebuild
from core.store import Store
from core.values import CallStatus, TurnStatus

Command: TypeAlias = Callable[[Given], Awaitable[int]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what the process is to exit with. None takes the process's own arguments."""
    given = _parser().parse_args(arguments)
    try:
        status: int = anyio.run(given.command, given)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads has read enough, as `head` has; the interpreter must not flush into the closed pipe once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GOOD
    except (RolltopError, OSError) as error:
        print(f"rolltop: {error}{_what_to_do(error)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("rolltop: interrupted; what is written stays, run it again to go on", file=sys.stderr)
        return INTERRUPTED
    return status


def _what_to_do(error: Exception) -> str:
    """The way out, where the error alone does not name it."""
    match error:
        case Unavailable():
            return "; run it again once the store answers"
        case Corrupt():
            return "; `rolltop rebuild --check` names all that is broken, a copy of the store has it whole"
        case Conflict():
            return "; somebody else writes to the target: run it again once they have finished"
        case NotFound():
            return "; without an id the command lists what there is"
        case _:
            return ""


async def threads(given: Given) -> int:
    """List threads, or show one."""
    async with _archive(given) as archive:
        if given.id:
            transcript = await archive.transcript(_viewer(given), given.id, given.last, given.before)
            items = list(transcript_items(transcript))
            tell(given, [shown(item, text=given.text) for item in items], transcript_text(transcript, text=given.text))
            return GOOD
        found = await archive.search_threads(
            _viewer(given),
            words=given.words,
            owner=given.owner,
            status=given.status,
            since=given.since,
            until=given.until,
            limit=given.limit,
            cursor=given.cursor,
        )
    tell(given, [shown(item, text=given.text) for item in found.items], thread_list(found.items, text=given.text))
    _more(found.cursor)
    return GOOD


async def tools(given: Given) -> int:
    """List tool calls, or show one."""
    async with _archive(given) as archive:
        if given.id:
            call = await archive.call(_viewer(given), given.id)
            tell(given, [shown(call, text=given.text)], call_text(call, text=given.text))
            return GOOD
        found = await archive.search_calls(
            _viewer(given),
            tool=given.tool,
            owner=given.owner,
            status=given.status,
            since=given.since,
            until=given.until,
            limit=given.limit,
            cursor=given.cursor,
        )
    tell(given, [shown(item, text=given.text) for item in found.items], call_list(found.items))
    _more(found.cursor)
    return GOOD


async def copy_store(given: Given) -> int:
    """Copy one store to another."""
    if given.source == given.target:
        raise InvalidInput("--from and --to name the same store: give another --to")
    async with _existing(given.source) as source, open_store(given.target) as target:
        done = await copy(source, target, SystemClock(), _Progress())
    said = [
        f"{counted(done.streams, 'stream')} with {counted(done.entries, 'entry')} are in both stores and verified",
        f"written now: {counted(done.appended, 'entry')}, {counted(done.records, 'record')}"
        + (f"; erased, as in the source: {counted(done.erased, 'entry')}" if done.erased else ""),
    ]
    if done.open_turns:
        said.append(
            f"{counted(len(done.open_turns), 'turn')} not ended, with live text so far; close the source's desk "
            f"before you open the target's, which goes on with: {', '.join(done.open_turns)}"
        )
    if done.alone:
        said.append(f"{counted(done.alone, 'stream')} only in the target, left as they are")
    if done.changed:
        said.append(f"warning: the source changed meanwhile; run it again to catch up: {', '.join(done.changed)}")
    tell(given, [asdict(done)], "\n".join(said))
    return LOOK_AT_IT if done.changed else GOOD


async def rebuild(given: Given) -> int:
    """Compare every record with its log, and mend it."""
    left = mended = 0
    progress = partial(_Progress(), "looking")
    async with _existing(given.store) as store:
        looking = Rebuild(store, SystemClock(), progress, mend=not given.check)
        async for found in looking.findings():
            mended, left = mended + found.mended, left + (not found.mended)
            said = f"{found.fault}: {found.kind} {found.id}{f' ({harmless(found.said)})' if found.said else ''}"
            tell(given, [asdict(found)], f"{said}{', mended' if found.mended else ''}")
    summary = f"{counted(looking.checked, 'record')} looked at, {mended} mended, {left} left as they are"
    tell(given, [{"checked": looking.checked, "mended": mended, "left": left}], summary)
    return LOOK_AT_IT if left else GOOD


async def doctor(given: Given) -> int:
    """Say how a store and the index of handbooks are, and what in them needs a person."""
    trouble, settings = False, read_settings()
    if given.store:
        settings = settings.model_copy(update={"store": SecretStr(given.store)})
    async with _existing(given.store) as store:
        equipped = await equipment(settings, store)
        for remarks in (examine_index(settings, repair=given.repair), examine(store, equipped)):
            async for remark in remarks:
                trouble = trouble or remark.trouble
                tell(given, [asdict(remark)], str(remark))
    return LOOK_AT_IT if trouble else GOOD


async def demo(given: Given) -> int:
    """Make a new store a demo: sample people, fictional handbooks, and HR tools over invented records."""
    settings = read_settings()
    if given.store:
        settings = settings.model_copy(update={"store": SecretStr(given.store)})
    async with open_store(settings.store.get_secret_value()) as store:
        if not store.capabilities.durable_on_ack:
            raise InvalidInput(
                "this store ends with the command: give one that stays, such as --store sqlite:///demo.db"
            )
        with closing(Catalogue(settings.index_file)) as catalogue:
            await make_demo(store, catalogue)
    said = "The store is a demo. Set ROLLTOP_STORE to its URL, then start the console with `streamlit run console`."
    tell(given, [{"demo": True}], said)
    return GOOD


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, where argparse would print the usage before it."""
        self.exit(FAILED, f"rolltop: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="rolltop", description=__doc__.partition("\n")[0] if __doc__ else None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Command, *, store: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        added.set_defaults(command=run)
        added.add_argument("--json", action="store_true", help="JSON lines, for programs")
        if store:
            added.add_argument("--store", metavar="URL", help="the store; by default the setting ROLLTOP_STORE")
        return added

    listing = command("threads", threads)
    _add_lookup(listing, "thread", get_args(TurnStatus))
    listing.add_argument("--words", default="", help="with a message that has all of these")
    listing.add_argument("--last", type=int, default=20, help="of one thread: so many turns, at most 100")
    listing.add_argument("--before", type=int, help="of one thread: turns before this entry")
    listing = command("tools", tools)
    _add_lookup(listing, "tool call", get_args(CallStatus))
    listing.add_argument("--tool", help="calls of this tool")
    copying = command("copy", copy_store, store=False)
    copying.add_argument("--from", dest="source", metavar="URL", required=True)
    copying.add_argument("--to", dest="target", metavar="URL", required=True)
    command("rebuild", rebuild).add_argument("--check", action="store_true", help="write nothing")
    add_options(command("ingest", ingest_handbooks, store=False))
    command("demo", demo)
    command("doctor", doctor).add_argument("--repair", action="store_true", help="mend the index of handbooks")
    return parser


def _add_lookup(parser: argparse.ArgumentParser, noun: str, statuses: Sequence[str]) -> None:
    parser.add_argument("id", nargs="?", help=f"show this {noun}; without it, list them")
    parser.add_argument("--as", dest="viewer", metavar="VIEWER_ID", required=True, help="who looks: it goes on record")
    parser.add_argument("--purpose", required=True, help="why: it goes on record with each look")
    parser.add_argument("--text", action="store_true", help="show what people, models and tools wrote, too")
    parser.add_argument("--owner", help="of this employee")
    parser.add_argument("--status", choices=statuses, metavar="STATUS", help=", ".join(statuses))
    parser.add_argument("--since", type=_moment, metavar="TIME", help="a day, or a moment with its offset; else in UTC")
    parser.add_argument("--until", type=_moment, metavar="TIME", help="before this")
    parser.add_argument("--limit", type=int, default=50, help="so many at most, up to 500")
    parser.add_argument("--cursor", help="go on where an earlier list ended")


def _moment(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-11-24 or 2026-11-24T09:30Z") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _viewer(given: Given) -> Viewer:
    return Viewer(given.viewer, roles={"auditor"}, purpose=given.purpose)


@asynccontextmanager
async def _archive(given: Given) -> AsyncIterator[Archive]:
    async with _existing(given.store) as store:
        yield Archive(store)


@asynccontextmanager
async def _existing(url: str | None) -> AsyncIterator[Store]:
    """The store, which must be there: a mistyped path would else look like an empty one."""
    url = url or read_settings().store.get_secret_value()
    path = url.removeprefix("sqlite:///")
    if path != url and not await anyio.Path(path).exists():
        raise InvalidInput(f"there is no file {path}: give the store as --store sqlite:///FILE, or in ROLLTOP_STORE")
    async with open_store(url) as store:
        yield store


def _more(cursor: str | None) -> None:
    if cursor:
        print(f"there are more: --cursor {cursor}", file=sys.stderr)


class _Progress:
    """How far work on streams is."""

    def __init__(self) -> None:
        self._pace = Pace()

    def __call__(self, phase: str, done: int, total: int) -> None:
        self._pace.say(f"{phase}: {done:,} of {counted(total, 'stream')}")


if __name__ == "__main__":
    sys.exit(main())
