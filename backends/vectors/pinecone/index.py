"""Handbooks' vectors in Pinecone, with vectors of ours or with those of a model that Pinecone runs.

A search names the versions that the catalogue has in force for the asker. So Pinecone need not change when a version
comes into force, and surplus records are not found. It is eventually consistent: a new passage may be found a moment
late, and a removed one for a moment longer. The search drops ids that the catalogue lacks, and finds by words what
Pinecone does not find yet.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

import anyio
from pinecone.errors import NotFoundError

from backends.vectors.contracts import Item, Vectors
from backends.vectors.pinecone.client import Client, Patience
from backends.vectors.pinecone.opening import Address, Opened, fits, opened, opened_or_made
from core.canonical import Json
from core.errors import InvalidInput, RolltopError

MAX_VECTORS = 1000
MAX_TEXTS = 96
MAX_IDS = 1000
MAX_BYTES = 2_000_000
MAX_METADATA = 40_000
MAX_FOUND = 10_000
MAX_VERSIONS = 10_000
"""In the list of one `$in`. A filter may have several lists."""

_FETCHED = 100
_FLOAT = 25
"""Bytes of a float32 as JSON, comma included, at most."""

_T = TypeVar("_T")


class PineconeVectors:
    """A VectorIndex in one namespace of a Pinecone index, which the first `put` makes if it is absent.

    It keeps the passages' texts only if Pinecone embeds them. Raises InvalidInput if a key is missing or malformed.
    """

    def __init__(self, address: Address, *, patience: Patience | None = None) -> None:
        self.address = address
        self._client = Client(address.host, key_env=address.key_env, patience=patience)
        self._opened: Opened | None = None
        self._opening = anyio.Lock()

    async def put(self, items: Sequence[Item]) -> None:
        """As `VectorIndex.put`. Raises InvalidInput for a vector that is missing, or of another dimension."""
        if not items:
            return
        found, own = await self._open_to_write(items[0]), self.address.model is None
        records = (_vector(item, found) if own else _text(item, found) for item in items)
        for batch in _batches(records, MAX_VECTORS if own else MAX_TEXTS):
            await self._write(partial(self._upsert, found, batch))

    async def remove(self, ids: Sequence[str]) -> None:
        """As `VectorIndex.remove`."""
        if ids and (found := await self._open()) is not None:
            for start in range(0, len(ids), MAX_IDS):
                await self._write(partial(self._delete, found, list(ids[start : start + MAX_IDS])))

    async def nearest(
        self, query: str, vector: Vectors | None, versions: Sequence[int], limit: int
    ) -> list[tuple[str, float]]:
        """As `VectorIndex.nearest`. Raises InvalidInput if the index is missing, or has another dimension."""
        nothing = not query.strip() if vector is None else not vector.any()
        if not versions or limit < 1 or nothing:
            return []
        if (found := await self._open()) is None:
            raise InvalidInput(f"there is no Pinecone index {self.address.index}: rolltop doctor --repair makes it")
        fits(found, self.address, None if vector is None else len(vector))
        search = partial(self._search, found, query, vector, _filter(versions), min(limit, MAX_FOUND))
        return sorted(await self._read(search), key=lambda hit: (-hit[1], hit[0]))

    async def dimension(self) -> int | None:
        """The dimension of the vectors it takes; None if the index is missing, or if Pinecone embeds."""
        found = await self._open()
        return None if found is None else found.dimension

    async def ids(self) -> list[str]:
        """Of everything in the namespace, in order. What was written just now may be missing."""
        held: list[str] = []
        if (found := await self._open()) is None:
            return held
        token: str | None = None
        while True:
            page = await self._read(
                partial(found.index.list_paginated, namespace=self.address.namespace, pagination_token=token)
            )
            held += [one.id for one in page.vectors if one.id is not None]
            token = page.pagination.next if page.pagination is not None else None
            if token is None:
                return held

    async def versions(self, ids: Sequence[str]) -> dict[str, int]:
        """The version of each of these that is there."""
        held: dict[str, int] = {}
        if (found := await self._open()) is None:
            return held
        for start in range(0, len(ids), _FETCHED):
            batch = list(ids[start : start + _FETCHED])
            page = await self._read(partial(found.index.fetch, ids=batch, namespace=self.address.namespace))
            held |= {key: _version(vector.metadata or {}) for key, vector in page.vectors.items()}
        return held

    async def close(self) -> None:
        self._opened = None
        await self._client.close()

    async def _open(self) -> Opened | None:
        async with self._opening:
            self._opened = self._opened or await opened(self._client, self.address)
            return self._opened

    async def _open_to_write(self, item: Item) -> Opened:
        if self.address.model is None and item.vector is None:
            raise InvalidInput(f"passage {item.id} has no vector, and {self.address.index} does not make any")
        dimension = None if self.address.model is not None or item.vector is None else len(item.vector)
        async with self._opening:
            if self._opened is None:
                self._opened = await opened_or_made(self._client, self.address, dimension)
            return fits(self._opened, self.address, dimension)

    async def _upsert(self, found: Opened, batch: Sequence[Json]) -> None:
        if found.dimension is None:
            await found.index.upsert_records(records=list(batch), namespace=self.address.namespace)
        else:
            await found.index.upsert(vectors=batch, namespace=self.address.namespace)

    async def _delete(self, found: Opened, batch: Sequence[str]) -> None:
        with suppress(NotFoundError):  # of the namespace, which the first record makes
            await found.index.delete(ids=batch, namespace=self.address.namespace)

    async def _search(
        self, found: Opened, query: str, vector: Vectors | None, given: Json, most: int
    ) -> list[tuple[str, float]]:
        namespace = self.address.namespace
        if vector is None:
            texts = await found.index.search(
                namespace=namespace, top_k=most, inputs={"text": query}, filter=given, fields=["version"]
            )
            return [(hit.id, hit.score) for hit in texts.result.hits]
        values = await found.index.query(namespace=namespace, top_k=most, vector=vector.tolist(), filter=given)
        return [(match.id, match.score) for match in values.matches]

    async def _read(self, act: Callable[[], Awaitable[_T]]) -> _T:
        return await self._asked(act, self._client.patience.read)

    async def _write(self, act: Callable[[], Awaitable[_T]]) -> _T:
        return await self._asked(act, self._client.patience.write)

    async def _asked(self, act: Callable[[], Awaitable[_T]], seconds: float) -> _T:
        try:
            return await self._client.ask(act, seconds)
        except RolltopError:
            self._opened = None  # because it may have been deleted, and made anew at another address
            raise


def _filter(versions: Sequence[int]) -> Json:
    """These versions only. Pinecone takes so many values a list, and any number of lists."""
    known = sorted(set(versions))
    lists = [known[start : start + MAX_VERSIONS] for start in range(0, len(known), MAX_VERSIONS)]
    clauses = [{"version": {"$in": some}} for some in lists]
    return clauses[0] if len(clauses) == 1 else {"$or": clauses}


def _version(metadata: Mapping[str, Json]) -> int:
    """The version in a record's metadata; -1 if another program wrote the record."""
    return int(metadata.get("version", metadata.get("blank", -1)))


def _vector(item: Item, found: Opened) -> tuple[Json, int]:
    """The item as Pinecone takes it, and its size in bytes at most."""
    if item.vector is None or len(item.vector) != found.dimension:
        raise InvalidInput(f"passage {item.id} has no vector of {found.dimension} for its Pinecone index")
    # Pinecone refuses a vector of zeros. It is kept as another vector, under a key that a search does not filter by.
    blank = not item.vector.any()
    values = [1.0] + [0.0] * (len(item.vector) - 1) if blank else item.vector.tolist()
    metadata = {**item.metadata, ("blank" if blank else "version"): item.version}
    size = _size(item, metadata)
    return {"id": item.id, "values": values, "metadata": metadata}, size + _FLOAT * len(values)


def _text(item: Item, found: Opened) -> tuple[Json, int]:
    record = {**item.metadata, "version": item.version, found.text: item.text}
    return {"_id": item.id, **record}, _size(item, record)


def _size(item: Item, metadata: Json) -> int:
    size = len(json.dumps(metadata, ensure_ascii=False).encode())
    if size > MAX_METADATA:
        raise InvalidInput(f"passage {item.id} has {size} bytes beside its vector: Pinecone takes {MAX_METADATA}")
    return size + len(item.id) + 50


def _batches(records: Iterable[tuple[Json, int]], most: int) -> Iterator[list[Json]]:
    """As many as one request takes, by count and by bytes."""
    batch: list[Json] = []
    room = MAX_BYTES - 1000
    for record, size in records:
        if batch and (len(batch) == most or size > room):
            yield batch
            batch, room = [], MAX_BYTES - 1000
        batch.append(record)
        room -= size
    if batch:
        yield batch
