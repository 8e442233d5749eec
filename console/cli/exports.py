"""`rolltop export`: threads or tool calls into a file, and a check of such a file."""

import argparse
import os
from typing import get_args

from anyio.to_thread import run_sync as blocking

from backends.private_files import create_private
from console.cli.existing import existing_store
from console.cli.filters import (
    add_call_filters,
    add_thread_filters,
    add_viewer,
    call_filter,
    thread_filter,
)
from console.cli.output import GOOD, LOOK_AT_IT, Given, harmless, tell
from console.cli.urls import STORE
from console.cli.viewers import desk_as
from console.format import counted
from core.desk.exports.contents import ExportFormat
from core.desk.exports.exports import Export, Exports
from core.desk.exports.package import Manifest, check_export
from core.errors import InvalidInput
from core.gate import Viewer


async def export(options: Given) -> int:
    """Export threads or tool calls into a ZIP file with a manifest, or check such a file."""
    if options.check is not None:
        if options.kind:
            raise InvalidInput("--check takes a file and no more: leave out threads or calls")
        return await _check(options)
    if options.kind is None:
        raise InvalidInput("export threads, export calls, or export --check FILE: see rolltop export --help")
    # Before the export is on record: a file that cannot be made must not leave an export that nobody has.
    with create_private(options.out) as file:
        try:
            async with desk_as(options, "export") as desk:
                exported = await _exported(Exports(desk.store, audit=desk.audit), desk.viewer, options)
            await blocking(file.write, exported.content)
            await blocking(file.flush)
        except BaseException:
            os.unlink(options.out)
            raise
    summary = f"{_summary(exported.manifest)} are in {options.out}; sealed threads are left out"
    tell(options, [exported.manifest.model_dump(mode="json")], summary)
    return GOOD


def add_export(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "--check",
        metavar="FILE",
        help="compare the file with its manifest, and the manifest with the store if --store is given",
    )
    kinds = parser.add_subparsers(title="what to export", dest="kind", metavar="threads | calls")
    for kind, add_filters in (("threads", add_thread_filters), ("calls", add_call_filters)):
        added = kinds.add_parser(kind, help=f"export {kind} that match all filters", description=_LIMITS)
        add_viewer(added)
        add_filters(added)
        added.add_argument("--format", required=True, choices=get_args(ExportFormat), help=_FORMATS)
        added.add_argument("--out", metavar="FILE", required=True, help="the ZIP file to write, which must be new")
        # Suppressed, because a default here would replace what was given before the word `threads`.
        added.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print the manifest as JSON")
        added.add_argument("--store", type=STORE, metavar="URL", default=argparse.SUPPRESS, help="the store")


_LIMITS = "At most 50 threads. Sealed threads are left out. The export is on record before the file is written."
_FORMATS = "csv for spreadsheets, jsonl with all records, html to read and print"


async def _exported(exports: Exports, viewer: Viewer, options: Given) -> Export:
    if options.kind == "threads":
        return await exports.export_threads(viewer, thread_filter(options), options.format)
    return await exports.export_calls(viewer, call_filter(options), options.format)


async def _check(options: Given) -> int:
    # A device or a pipe may have no end, and is read to its end.
    if await blocking(os.path.exists, options.check) and not await blocking(os.path.isfile, options.check):
        raise InvalidInput(f"{options.check} is not a file: --check takes the ZIP file of an export")
    with await blocking(open, options.check, "rb") as file:
        if options.store:
            async with existing_store(options.store) as store:
                checked = await check_export(file, store)
        else:
            checked = await check_export(file)
    compared = "its manifest and the store" if options.store else "its manifest"
    good = f"{_summary(checked.manifest)}, exported {checked.manifest.exported_at}: the file fits {compared}"
    tell(
        options,
        [{"faults": list(checked.faults), "manifest": checked.manifest.model_dump(mode="json")}],
        "\n".join(map(harmless, checked.faults)) or good,
    )
    return LOOK_AT_IT if checked.faults else GOOD


def _summary(manifest: Manifest) -> str:
    rows = counted(manifest.turns, "turn") if manifest.kind == "threads" else counted(manifest.calls, "tool call")
    return f"{rows} in {counted(manifest.threads, 'thread')} of {counted(manifest.people, 'person')}"
