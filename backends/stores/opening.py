"""A URL picks the store. Its driver is imported only then, so that the other drivers need not be installed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from core.arguments import checked
from core.errors import InvalidInput
from core.store import Store


@checked()
@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    """The store that the URL names, closed at the end of the block.

    `memory:`, `sqlite:///desk.db` (three slashes begin a relative path, four an absolute one), `mongodb://host/database`
    or `mongodb+srv://host/database`. Raises InvalidInput if the URL is another one, if another program or a newer
    Rolltop wrote the file, or if a package is not installed; Unavailable if the store does not answer; StoreRefused if
    its operator must act before it can be opened; Full if its file has to be rewritten and there is no room.
    """
    store: Store
    match url.partition(":"):
        case ("memory", ":", ""):
            from backends.stores.memory import MemoryStore

            store = MemoryStore()
        case ("sqlite", ":", rest):
            from backends.stores.sqlite.store import SqliteStore, path_of

            store = await anyio.to_thread.run_sync(SqliteStore, path_of(rest))
        case ("mongodb" | "mongodb+srv", ":", _):
            from backends.stores.mongodb.store import MongoStore

            store = await MongoStore.opened(url)
        case ("offline" | "scripted" | "openai" | "anthropic" as scheme, ":", _):
            raise InvalidInput(f"{scheme}: is a model: open it with `open_model(URL)`")
        case (scheme, _, _):
            raise InvalidInput(
                f"unknown store {scheme!r}; the stores are memory:, sqlite:///desk.db and mongodb://HOST/DATABASE"
            )
    try:
        yield store
    finally:
        with anyio.CancelScope(shield=True):
            await store.close()
