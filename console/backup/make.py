"""Making a backup: the store, the catalogue of handbooks and a demo's HR records, in a new folder with a manifest.

It is written in a folder of another name beside it. The manifest comes last, and the folder gets its name when all of
it is on disk, so that what a killed command leaves is never taken for a backup.
"""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Literal, TypeAlias

import anyio
from anyio.from_thread import check_cancelled
from anyio.to_thread import run_sync as blocking

from backends.private_files import create_private
from backends.stores.opening import open_store
from backends.stores.sqlite.backup import copy_in_use, schema_version, settle, sync
from backends.stores.sqlite.store import path_of
from console.backup.manifest import HANDBOOKS, NAME, RECORDS, STORE, Manifest, file_of, read_manifest
from console.demo.mark import is_demo
from console.settings import Settings
from core.clock import SystemClock, iso
from core.errors import InvalidInput
from core.log.records import FOLD
from core.maintenance.contents import count_contents
from core.maintenance.copy import copy
from core.store import Store, streams_of

BackupProgress: TypeAlias = Callable[[str, int, int, str], None]
"""Called with what is done, how much of it is done, of how much, and of what."""

UNFINISHED = ".unfinished-"
"""Stands in the name of a folder or file that a command has not finished."""


def store_file(url: str) -> Path | None:
    """The file of an SQLite store, None for MongoDB. Raises InvalidInput for a store that ends with its process."""
    scheme, _, rest = url.partition(":")
    match scheme:
        case "sqlite":
            return Path(os.path.abspath(path_of(rest)))
        case "mongodb" | "mongodb+srv":
            return None
        case _:
            raise InvalidInput("this store ends with its process: name one that lasts with --store or ROLLTOP_STORE")


def left_over(path: Path) -> list[str]:
    """The unfinished folders or files that killed commands have left beside the path."""
    names = os.listdir(path.parent) if path.parent.is_dir() else []
    return sorted(str(path.parent / name) for name in names if name.startswith(f"{path.name}{UNFINISHED}"))


def check_new(target: Path) -> None:
    """Raises InvalidInput if a backup cannot get this name."""
    if os.path.lexists(target):
        raise InvalidInput(f"{target} exists already: a backup is never written over, so name a new folder")
    if not target.parent.is_dir():
        raise InvalidInput(f"the folder {target.parent} does not exist: make it first")


async def make_backup(store: Store, settings: Settings, target: Path, tell: BackupProgress) -> tuple[Manifest, str]:
    """Back up the open store and the files beside it, while desks work on them. Returns the manifest and its digest.

    Raises InvalidInput if the target exists, Full if the disk is too small, and what the store raises.
    """
    file = store_file(settings.store.get_secret_value())
    check_new(target)
    taken_at = iso(await store.now())
    async with _unfinished(target) as folder:
        if file:
            await blocking(copy_in_use, str(file), str(folder / STORE), _pages(tell, "store"))
        else:
            await _copy_streams(store, folder / STORE, tell)
        async with open_store(f"sqlite:///{folder / STORE}") as copied:
            contents = await count_contents(copied)
        await blocking(settle, str(folder / STORE))
        # After the store: what a tool has done is then in its records, even if the store does not know it yet.
        beside = {RECORDS: settings.hr_file if await is_demo(store) else ":memory:", HANDBOOKS: settings.index_file}
        for name, path in beside.items():
            if path != ":memory:" and await anyio.Path(path).exists():
                await blocking(copy_in_use, path, str(folder / name), _pages(tell, name))
        names = [name for name in (STORE, RECORDS, HANDBOOKS) if (folder / name).exists()]
        source: Literal["sqlite", "mongodb"] = "sqlite" if file else "mongodb"
        manifest = Manifest(
            rolltop=version("rolltop"),
            taken_at=taken_at,
            source=source,
            schema_version=schema_version(str(folder / STORE)),
            fold=FOLD,
            streams=dict(contents.streams),
            entries=dict(contents.entries),
            records=contents.records,
            files=[await blocking(file_of, folder / name) for name in names],
        )
        await blocking(_write, folder / NAME, manifest.model_dump_json(indent=1).encode())
        await blocking(sync, str(folder))
        _name(folder, target)
    await blocking(sync, str(target.parent))
    return read_manifest(target)


async def _copy_streams(store: Store, target: Path, tell: BackupProgress) -> None:
    """Copy a store of MongoDB through its own interface, stream by stream."""

    def told(phase: str, done: int, total: int) -> None:
        tell(phase, done, total, "stream")

    async with open_store(f"sqlite:///{target}") as copied:
        await copy(store, copied, SystemClock(), told)
        # A thread that was copied late may name a blob that was stored after the blobs had been copied.
        await copy(store, copied, SystemClock(), told, streams=streams_of("blob"))


@asynccontextmanager
async def _unfinished(target: Path) -> AsyncIterator[Path]:
    """A new private folder beside the target, which goes if the block raises."""
    folder = Path(tempfile.mkdtemp(prefix=f"{target.name}{UNFINISHED}", dir=target.parent))
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _name(folder: Path, target: Path) -> None:
    check_new(target)
    folder.rename(target)


def _write(path: Path, text: bytes) -> None:
    with create_private(str(path)) as file:
        file.write(text + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _pages(tell: BackupProgress, what: str) -> Callable[[int, int], None]:
    def told(done: int, total: int) -> None:
        check_cancelled()  # a thread does not notice by itself that its command was interrupted
        tell(f"copying {what}", done, total, "page")

    return told
