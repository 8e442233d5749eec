"""One ingest at a time on a catalogue, in all processes.

The lock is SQLite's, on an empty file beside the catalogue: it is released however its process ends.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import anyio
import apsw

from backends.handbooks.catalogue.tables import MEMORY, Connections
from backends.private_files import make_private
from backends.stores.sqlite.errors import translated
from core.errors import Unavailable

LOOK_EVERY = 0.1
"""Seconds between two attempts to get the lock."""


@asynccontextmanager
async def alone(connections: Connections, patience: float) -> AsyncIterator[None]:
    """Hold the lock during the block. Raises Unavailable if another ingest holds it for `patience` seconds."""
    with ExitStack() as held:
        with anyio.move_on_after(patience) as waiting:
            while not _taken(connections, held):  # noqa: ASYNC110 - its holder may be another process
                await anyio.sleep(LOOK_EVERY)
        if waiting.cancelled_caught:
            raise Unavailable(f"another ingest is writing to {connections.path}, and did not end in {patience:g} s")
        yield


def _taken(connections: Connections, held: ExitStack) -> bool:
    if connections.path == MEMORY:
        taken = connections.ingest.acquire(blocking=False)
        if taken:
            held.callback(connections.ingest.release)
        return taken
    make_private(f"{connections.path}-ingest")
    try:
        lock = apsw.Connection(f"{connections.path}-ingest")
        held.callback(lock.close)
        lock.execute("BEGIN EXCLUSIVE")
    except apsw.BusyError:
        held.close()
        return False
    except apsw.Error as error:
        raise translated(error, f"{connections.path}-ingest") from error
    return True
