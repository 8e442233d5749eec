"""`rolltop backup` and `rolltop restore`: a store with its handbooks is backed up, checked, and made anew from that."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from console.backup.check import check_readable, file_faults, store_faults, unpacked
from console.backup.make import check_new, left_over, make_backup, store_file
from console.backup.manifest import HANDBOOKS, Manifest, read_manifest
from console.backup.restore import check_places, place_others, store_aside
from console.cli.existing import existing_store, settings_of
from console.cli.filters import add_viewer
from console.cli.output import GOOD, LOOK_AT_IT, Given, Pace, harmless, tell
from console.cli.urls import STORE, with_password
from console.cli.viewers import GRANTS, desk_as, desk_on
from console.doctor.store import address
from console.format import counted, progress
from core.clock import SystemClock, moment
from core.desk.backups import Backups
from core.desk.erased_since import erase_since
from core.errors import InvalidInput, RolltopError
from core.maintenance.copy import copy
from core.maintenance.restored import ClosedByRestore, close_what_is_open
from core.store import Store


async def backup(options: Given) -> int:
    """Back up a store with its handbooks into a new folder, while desks work on it, or check such a folder."""
    target: Path = options.path
    if options.check:
        return await _check(options, target)
    if not (options.viewer and options.purpose):
        raise InvalidInput(f"a backup is on record: give --as and --purpose, or --check; {GRANTS}")
    settings = settings_of(options)
    check_new(target)
    store_file(settings.store.get_secret_value())
    _say_left(target)
    async with desk_as(options, "store.backup") as desk:
        await desk.record("store.backup", {"to": str(target)})
        manifest, digest = await make_backup(desk.store, settings, target, _Progress())
        backups, taken_at = Backups(desk.store, audit=desk.audit), moment(manifest.taken_at)
        try:
            await backups.made(desk.viewer, digest, taken_at=taken_at, entries=manifest.all_entries)
        except RolltopError as error:
            print(f"the backup is whole, but the store did not take the entry of it: {error}", file=sys.stderr)
            return LOOK_AT_IT
    if manifest.file(HANDBOOKS) is None and settings.index_file != ":memory:":
        where = _absolute(settings.index_file)
        print(f"no handbooks are in it, because there is no {where}: ROLLTOP_INDEX names their file", file=sys.stderr)
    tell(
        options,
        [_item(manifest, digest)],
        "\n".join([f"{harmless(str(target))} is a backup", *_lines(manifest, digest)]),
    )
    return GOOD


async def restore(options: Given) -> int:
    """Make a new store from a backup, and close what was open in it."""
    source, settings = options.path, settings_of(options)
    url = settings.store.get_secret_value()
    file, report = store_file(url), _Progress()
    manifest, digest = read_manifest(source)
    check_readable(source, manifest)
    check_places(manifest, settings, file)
    if file:
        _say_left(file)
    _refuse(source, await file_faults(source, manifest, report))
    if file:
        async with store_aside(source, file) as store:
            _refuse(source, await store_faults(store, manifest, report))
            closed, erased = await _take_up(store, options, manifest, digest)
            await _check_restored(store, manifest, report)
            # Before the store gets its name: a desk that finds the store finds the rest, too.
            others = await place_others(source, manifest, settings)
    else:
        from backends.stores.mongodb.store import MongoStore

        url = await with_password(url)
        async with unpacked(source) as copied:
            _refuse(source, await store_faults(copied, manifest, report))
            await desk_on(copied, options, "store.restore")
            async with MongoStore.restored(url) as store:
                closed, erased = await _take_up(copied, options, manifest, digest)
                await copy(copied, store, SystemClock(), report.streams)
                await _check_restored(store, manifest, report)
                others = await place_others(source, manifest, settings)
    lines = [
        f"{address(url)} is restored, with all that was on record up to {manifest.taken_at}",
        *_lines(manifest, digest),
        *(f"{harmless(path)} is there, too" for path in others),
        f"closed, because nobody knows what came after the backup: {counted(closed.turns, 'open turn')}, "
        f"{counted(closed.calls, 'request')} to approvers",
        "roles, blocks and switches are those of that time: look at them before people sign in",
        _erased_line(erased),
    ]
    if closed.unreadable:
        lines.append(f"these threads cannot be read, and stay as they were: {', '.join(closed.unreadable)}")
    tell(options, [{**_item(manifest, digest), **asdict(closed), "erased": erased}], "\n".join(lines))
    return LOOK_AT_IT if closed.unreadable else GOOD


def add_backup(parser: argparse.ArgumentParser) -> None:
    """The options of `rolltop backup`."""
    parser.add_argument(
        "path", type=_absolute, metavar="PATH", help="the folder to make, which must be new; with --check one to check"
    )
    add_viewer(parser, required=False)
    parser.add_argument(
        "--check",
        action="store_true",
        help="check the folder: digests, SQLite's own check, chains of hashes, and records against logs; needs no --as",
    )


def add_restore(parser: argparse.ArgumentParser) -> None:
    """The options of `rolltop restore`."""
    parser.add_argument("path", type=_absolute, metavar="PATH", help="the folder of the backup")
    parser.add_argument(
        "--replaces",
        type=STORE,
        metavar="URL",
        help="the store that this one replaces, if it can still be read: what people had erased there since the "
        "backup is erased in the new one, too",
    )
    add_viewer(parser)


def _absolute(path: str) -> Path:
    return Path(path).absolute()


async def _check(options: Given, path: Path) -> int:
    manifest, digest = read_manifest(path)
    check_readable(path, manifest)
    report = _Progress()
    faults = await file_faults(path, manifest, report)
    if not faults:
        async with unpacked(path) as store:
            faults = await store_faults(store, manifest, report)
    for fault in faults:
        tell(options, [{"fault": fault}], f"! {harmless(fault)}")
    verdict = "is not sound: do not restore it" if faults else "is whole and sound"
    tell(options, [{**_item(manifest, digest), "sound": not faults}], f"{harmless(str(path))} {verdict}")
    if not faults and not options.json:
        print("\n".join(_lines(manifest, digest)))
    return LOOK_AT_IT if faults else GOOD


async def _take_up(store: Store, options: Given, manifest: Manifest, digest: str) -> tuple[ClosedByRestore, int | None]:
    """Put the restore on record in the restored store, and close what is open in it.

    The number is how many threads were erased as in the store that it replaces, None if that one is not named.
    """
    desk = await desk_on(store, options, "store.restore")
    await desk.record("store.restore", {"from": str(options.path)})
    closed, erased = await close_what_is_open(store, SystemClock()), None
    if options.replaces:
        async with existing_store(options.replaces) as replaced:
            erased = await erase_since(replaced, store, SystemClock())
    await Backups(store, audit=desk.audit).restored(
        desk.viewer,
        digest,
        taken_at=moment(manifest.taken_at),
        entries=manifest.all_entries,
        turns=closed.turns,
        calls=closed.calls,
        erased=erased,
    )
    return closed, erased


def _erased_line(erased: int | None) -> str:
    if erased is None:
        return (
            "what people had erased since is back: ask again for each erasure; if the store that this one replaces can "
            "be read, `--replaces` does it"
        )
    return f"erased again, as in the store that it replaces: {counted(erased, 'thread')}"


async def _check_restored(store: Store, manifest: Manifest, report: "_Progress") -> None:
    if faults := await store_faults(store, manifest, report, grown=True):
        raise InvalidInput(f"the restored store is not sound: {'; '.join(faults[:3])}")


def _refuse(backup: Path, faults: list[str]) -> None:
    if faults:
        raise InvalidInput(
            f"{backup} is not sound, so nothing was restored: {'; '.join(faults[:3])}; restore another backup"
        )


def _say_left(path: Path) -> None:
    for left in left_over(path):
        print(f"{harmless(str(left))} is left of a command that did not end: delete it if none runs", file=sys.stderr)


def _lines(manifest: Manifest, digest: str) -> list[str]:
    names = ", ".join(f"{one.name} ({one.size:,} bytes)" for one in manifest.files)
    at = "as it was at one moment" if manifest.source == "sqlite" else "each stream as it was at some moment after that"
    return [
        f"  begun {manifest.taken_at}, {at}: {counted(sum(manifest.streams.values()), 'stream')}, "
        f"{counted(manifest.all_entries, 'entry')}, {counted(manifest.records, 'record')}",
        f"  {names}",
        f"  SHA-256 of its manifest: {digest}",
    ]


def _item(manifest: Manifest, digest: str) -> dict[str, object]:
    return {**manifest.model_dump(mode="json"), "manifest": digest}


class _Progress:
    """Reports the progress of long work on stderr."""

    def __init__(self) -> None:
        self._pace = Pace()

    def __call__(self, what: str, done: int, total: int, noun: str) -> None:
        self._pace.say(f"{what}: {progress(done, total, noun)}")

    def streams(self, phase: str, done: int, total: int) -> None:
        """The same for a copy."""
        self(phase, done, total, "stream")
