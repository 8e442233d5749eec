"""Stores that stand between a desk and a real one: to hold what passes, to count it, and to let it fail."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import anyio

from core.canonical import canonical
from core.errors import Full, StoreRefused, Unavailable
from core.store import Capabilities, Page, Query, Record, Store, Tally, commit_size
from core.values import Entry


class WrappedStore:
    """A store that passes everything on. It closes nothing: what is wrapped belongs to whoever opened it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.capabilities: Capabilities = store.capabilities

    async def _call(self, operation: str, *given: Any, **named: Any) -> Any:
        return await getattr(self._store, operation)(*given, **named)

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        await self._call("commit", stream, after, entries, records, id=id)

    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        return await self._call("read", stream, after, limit)

    async def get(self, kind: str, id: str) -> Record | None:
        return await self._call("get", kind, id)

    async def find(self, query: Query) -> Page:
        return await self._call("find", query)

    async def tally(self, query: Query, by: Sequence[str], sums: Sequence[str] = ()) -> list[Tally]:
        return await self._call("tally", query, by, sums)

    async def erase(
        self,
        stream: str,
        after: int = 0,
        upto: int | None = None,
        kinds: Sequence[str] | None = None,
        whole: bool = False,
    ) -> int:
        return await self._call("erase", stream, after, upto, kinds, whole)

    async def now(self) -> datetime:
        return await self._call("now")

    async def close(self) -> None:
        return


class HeldStore(WrappedStore):
    """Commits to streams of this beginning wait until they are `let` through; `committed` are those that were."""

    def __init__(self, store: Store, beginning: str) -> None:
        super().__init__(store)
        self.beginning = beginning
        self.committed: list[Entry] = []
        self.holds = 0
        self._permits = anyio.Semaphore(0)
        self._arrived = anyio.Event()

    def let(self, commits: int = 1_000_000) -> None:
        for _ in range(min(commits, 10_000)):
            self._permits.release()

    async def arrived(self) -> None:
        """Wait until the next commit is held."""
        await self._arrived.wait()
        self._arrived = anyio.Event()

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        if stream.startswith(self.beginning):
            self._arrived.set()
            self.holds += 1
            await self._permits.acquire()
            self.holds -= 1
        await super().commit(stream, after, entries, records, id=id)
        self.committed += entries


class RefusingStore(WrappedStore):
    """A store whose commits are refused while it is `locked`; `refused` are their ids."""

    locked = False

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.refused: list[str] = []

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        if self.locked:
            self.refused.append(id)
            raise StoreRefused("the right to write is missing: grant it")
        await super().commit(stream, after, entries, records, id=id)


class LaterStore(WrappedStore):
    """A store whose clock is some seconds ahead."""

    ahead = 0.0

    async def now(self) -> datetime:
        return await super().now() + timedelta(seconds=self.ahead)


class CountingStore(WrappedStore):
    """How many operations there were, and how many bytes went either way."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.reset()

    def reset(self) -> None:
        self.calls: dict[str, int] = {}
        self.bytes = 0

    async def _call(self, operation: str, *given: Any, **named: Any) -> Any:
        self.calls[operation] = self.calls.get(operation, 0) + 1
        if operation == "commit":
            self.bytes += commit_size(given[2], given[3])
        answer = await super()._call(operation, *given, **named)
        match answer:
            case list() if operation == "read":
                self.bytes += sum(len(canonical(entry.payload)) + len(canonical(entry.shell)) for entry in answer)
            case Page():
                self.bytes += sum(len(canonical(dict(record.fields))) for record in answer.records)
            case Record():
                self.bytes += len(canonical(dict(answer.fields)))
        return answer


Fault = Literal["before", "after", "hang", "full", "refused"]


class FaultyStore(WrappedStore):
    """One operation, the `at`th (1 is the first), goes wrong; the others go through.

    `before`: nothing happens, and the caller is told that it may have. `after`: it happens, and its acknowledgement
    is lost. `hang`: it does not begin before `release`. `full`: a commit has no room; a read, which takes none, goes
    through. `refused`: nothing happens, and the caller is told so. `operations` counts them; `struck` says whether the
    fault was met.
    """

    def __init__(self, store: Store, fault: Fault, at: int) -> None:
        super().__init__(store)
        self.fault = fault
        self.at = at
        self.operations = 0
        self.struck = False
        self.hanging = anyio.Event()
        self._released = anyio.Event()

    def release(self) -> None:
        self._released.set()

    async def _call(self, operation: str, *given: Any, **named: Any) -> Any:
        self.operations += 1
        if self.operations != self.at:
            return await super()._call(operation, *given, **named)
        self.struck = True
        match self.fault:
            case "before":
                raise Unavailable(f"operation {self.at} was not begun")
            case "after":
                await super()._call(operation, *given, **named)
                raise Unavailable(f"operation {self.at} was not acknowledged")
            case "hang":
                self.hanging.set()
                await self._released.wait()
            case "full" if operation == "commit":
                raise Full(f"operation {self.at} found no room")
            case "refused":
                raise StoreRefused(f"operation {self.at} is not allowed: allow it")
        return await super()._call(operation, *given, **named)
