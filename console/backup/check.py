"""Checking a backup: its files against the manifest, and its store against its own logs. The backup is not changed."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from anyio.to_thread import run_sync as blocking

from backends.stores.opening import open_store
from backends.stores.sqlite.backup import check_integrity, copy_at_rest
from backends.stores.sqlite.tables import MIGRATIONS
from console.backup.make import BackupProgress
from console.backup.manifest import STORE, Manifest, file_of
from core.clock import SystemClock
from core.errors import InvalidInput, StoreRefused
from core.log.records import FOLD
from core.maintenance.contents import count_contents, find_faults
from core.maintenance.upgrade import upgrade
from core.store import Store


def check_readable(backup: Path, manifest: Manifest) -> None:
    """Raises InvalidInput if a newer Rolltop made the backup."""
    if manifest.schema_version > len(MIGRATIONS) or manifest.fold > FOLD:
        raise InvalidInput(
            f"{backup} was made by Rolltop {manifest.rolltop}, and this one is older: use that one or a newer one"
        )


async def file_faults(backup: Path, manifest: Manifest, tell: BackupProgress) -> list[str]:
    """What is wrong with the files, in words; [] if each has its size, its digest, and pages that SQLite can read."""
    faults: list[str] = []
    if manifest.file(STORE) is None:
        faults.append(f"the manifest names no {STORE}")
    for done, expected in enumerate(manifest.files):
        tell("reading", done, len(manifest.files), "file")
        path = backup / expected.name
        try:
            found = await blocking(file_of, path)
            if found != expected:
                faults.append(f"{expected.name} is not as it was when the backup was made")
            else:
                await blocking(check_integrity, str(path))
        except (OSError, StoreRefused) as error:
            faults.append(f"{expected.name}: {error}")
    return faults


async def store_faults(store: Store, manifest: Manifest, tell: BackupProgress, *, grown: bool = False) -> list[str]:
    """What is wrong in the store of a backup, in words; [] if it is sound and holds what the manifest says.

    Records that an older version folded are folded anew. `grown`: it was restored, and may hold more than the manifest.
    """
    # The version that made the backup may not have folded anew what its own elder had left.
    outdated = await upgrade(store, SystemClock(), lambda done, total: tell("upgrading", done, total, "log"))
    older = outdated > 0 or manifest.fold < FOLD
    faults = await find_faults(
        store, SystemClock(), lambda phase, done, total: tell(phase, done, total, "stream"), refold=older
    )
    counted = await count_contents(store)
    same = (counted.streams, counted.entries) == (manifest.streams, manifest.entries)
    if not grown and not (same and (older or counted.records == manifest.records)):
        faults.append("the store does not hold as many streams, entries and records as the manifest says")
    return faults


@asynccontextmanager
async def unpacked(backup: Path) -> AsyncIterator[Store]:
    """The store of the backup, opened in a copy that ends with the block: opening a file changes it."""
    with tempfile.TemporaryDirectory(prefix="rolltop-") as folder:
        copied = f"{folder}/{STORE}"
        await blocking(copy_at_rest, str(backup / STORE), copied)
        async with open_store(f"sqlite:///{copied}") as store:
            yield store
