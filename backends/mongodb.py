"""A store in MongoDB. One commit is one document, so that it is all or nothing on a server without transactions.

A unique key on (stream, n) decides who was first; nothing else is asked of the server, which may stand alone or be
sharded by `stream`. Records cannot be written together with entries: those go first, marked `dirty`, and the mark goes
last. Clients of Motor's kind, where some calls are to be awaited that are plain in PyMongo's, work as well.
"""

import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Self, TypeVar

from bson.codec_options import CodecOptions
from bson.errors import BSONError
from pymongo import AsyncMongoClient, ReadPreference
from pymongo.errors import ConfigurationError, DocumentTooLarge, DuplicateKeyError, InvalidURI, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.uri_parser import parse_uri
from pymongo.write_concern import WriteConcern

from backends import matching
from backends.admission import check_commit, check_erase, check_kind, check_number, check_record_id
from backends.mongodb_documents import (
    Document,
    commit_document,
    read_entries,
    read_record,
    record_document,
)
from backends.mongodb_query import after as past
from backends.mongodb_query import sort, wanting, where
from core.clock import milliseconds
from core.errors import Conflict, Corrupt, Full, InvalidInput, RolltopError, Unavailable
from core.log import Entry, check_stream
from core.store import Capabilities, Page, Query, Record, Tally

log = logging.getLogger(__name__)
T = TypeVar("T")

TIMEOUT = 5.0
"""Seconds that an operation waits for a server to be found, and for its answer."""

INDEXES: dict[str, dict[str, list[tuple[str, int]]]] = {
    "commits": {
        "stream_n": [("stream", 1), ("n", 1)],
        "stream_last": [("stream", 1), ("last", 1)],
        "dirty_stream": [("dirty", 1), ("stream", 1)],
    },
    "records": {
        "kind_thread": [("kind", 1), ("fields.thread", 1), ("id", 1)],
        "kind_turn": [("kind", 1), ("fields.turn", 1), ("id", 1)],
        "kind_status": [("kind", 1), ("fields.status", 1), ("id", 1)],
        "kind_owner": [("kind", 1), ("fields.owner", 1), ("fields.updated_at", -1), ("id", -1)],
        "kind_updated": [("kind", 1), ("fields.updated_at", -1), ("id", -1)],
        "kind_planned": [("kind", 1), ("fields.planned_at", -1), ("id", -1)],
        "kind_first_n": [("kind", 1), ("fields.thread", 1), ("fields.first_n", -1), ("id", -1)],
        "kind_at_n": [("kind", 1), ("fields.thread", 1), ("fields.at_n", -1), ("id", -1)],
        "kind_at": [("kind", 1), ("fields.at", -1), ("id", -1)],
        "kind_id": [("kind", 1), ("id", 1)],
        "kind_words": [("kind", 1), ("words", 1)],
    },
}
"""Every index, by collection and name; those in UNIQUE are unique."""

UNIQUE = frozenset(("stream_n", "stream_last"))


class MongoStore:
    """A `core.store.Store`. For one event loop; made by `opened` or `over`, which create the indexes."""

    capabilities = Capabilities(durable_on_ack=True, multi_process=True, atomic_records=False)

    def __init__(self, client: Any, database: str, *, owned: bool) -> None:  # Any: of PyMongo or of Motor
        self._client = client
        self._owned = owned
        self._closed = False
        self._name = database
        options: CodecOptions[Document] = CodecOptions(tz_aware=True)
        given = {
            "codec_options": options,
            "read_preference": ReadPreference.PRIMARY,
            "write_concern": WriteConcern("majority", j=True),
            "read_concern": ReadConcern("majority"),
        }
        if type(client).__module__.startswith("mongomock"):
            del given["read_concern"]  # it knows none, and has nobody to agree with
        self._commits, self._records, self._clock = (
            client[database].get_collection(name, **given) for name in ("commits", "records", "clock")
        )

    @classmethod
    async def opened(cls, url: str) -> Self:
        """The store at a `mongodb://` or `mongodb+srv://` URL that names a database; closing it closes its client.

        Timeouts are TIMEOUT, unless the URL has the driver's own, in milliseconds. Raises InvalidInput for a URL that
        is none, Unavailable while the server is away.
        """
        waits = {"serverSelectionTimeoutMS": int(TIMEOUT * 1000), "socketTimeoutMS": int(TIMEOUT * 2000)}
        try:
            parsed = parse_uri(url)
            given = {name.lower() for name in parsed["options"]}
            own: Any = {name: value for name, value in waits.items() if name.lower() not in given}
            client: AsyncMongoClient[Document] = AsyncMongoClient(url, **own)
        except (InvalidURI, ConfigurationError, ValueError) as error:
            raise InvalidInput(f"not a URL of MongoDB: {type(error).__name__}") from None
        if not parsed["database"]:
            await client.close()
            raise InvalidInput("name a database in the URL: mongodb://HOST/DATABASE")
        store = cls(client, parsed["database"], owned=True)
        try:
            await store._index()
        except BaseException:
            await client.close()
            raise
        return store

    @classmethod
    async def over(cls, client: Any, database: str) -> Self:  # Any: as above
        """The store in a database of a client that the application has, and that is never closed here."""
        store = cls(client, database, owned=False)
        await store._index()
        return store

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        check_commit(stream, after, entries, records, id)
        self._check_open()
        with self._translated():
            end = await self._end(stream)
            if after > end:
                raise InvalidInput(f"{stream} ends at {end}: nothing follows {after}")
            if entries:
                await self._append(stream, after, end, list(entries), id, dirty=bool(records))
        if entries:
            try:
                await self._project(stream, after + len(entries), records, repair=False)
            except RolltopError:
                # The entries are the fact, and the mark of their commit says that records lag.
                log.exception("%s: the records after %d are not written", stream, after)
        else:
            await self._project(stream, after, records, repair=True)

    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        check_stream(stream)
        check_number(after, "after")
        check_number(limit, "limit", at_least=1)
        self._check_open()
        entries: list[Entry] = []
        with self._translated():
            found = self._commits.find({"stream": stream, "last": {"$gt": after}}).sort("last", 1).limit(limit)
            async for document in found:
                if document["n"] > after + limit:
                    break
                due = entries[-1].n + 1 if entries else after + 1
                if document["n"] > due or (entries and document["n"] < due):
                    raise Corrupt(stream, due, "is missing, or there twice")
                entries += read_entries(document)
        return [entry for entry in entries if entry.n > after]

    async def get(self, kind: str, id: str) -> Record | None:
        check_record_id(check_kind(kind), id)
        self._check_open()
        if kind == "stream":
            with self._translated():
                async for head in self._heads({"stream": id}):
                    return head
                return None
        with self._translated():
            document = await self._records.find_one({"_id": f"{kind}:{id}"})
        return read_record(document) if document else None

    async def find(self, query: Query) -> Page:
        matching.check_query(query)
        position = matching.open_cursor(query)
        self._check_open()
        if query.kind == "stream":
            return matching.page([head async for head in self._streams(query)], query)
        wanted = where(query)
        if position is not None:
            wanted = {"$and": [wanted, past(query, position)]}
        found: list[Record] = []
        with self._translated():
            async for document in self._records.find(wanted).sort(sort(query)):
                record = read_record(document)
                if matching.matches(record, query):
                    found.append(record)
                    if len(found) > query.limit:
                        break
        return matching.cut_page(query, found)

    async def tally(self, query: Query, by: Sequence[str], sums: Sequence[str] = ()) -> list[Tally]:
        matching.check_tally(query, by, sums)
        self._check_open()
        if query.kind == "stream":
            return matching.tally([head async for head in self._streams(query)], query, by, sums)
        with self._translated():
            found = [read_record(document) async for document in self._records.find(where(query))]
        return matching.tally(found, query, by, sums)

    async def erase(
        self,
        stream: str,
        after: int = 0,
        upto: int | None = None,
        kinds: Sequence[str] | None = None,
        whole: bool = False,
    ) -> int:
        check_erase(stream, after, upto, kinds, whole)
        self._check_open()
        erased = 0
        with self._translated():
            async for document in self._commits.find({"stream": stream, "last": {"$gt": after}}).sort("last", 1):
                gone: Document = {}
                for index, entry in enumerate(read_entries(document)):
                    within = after < entry.n and (upto is None or entry.n <= upto)
                    if within and not entry.erased and (kinds is None or entry.kind in kinds):
                        gone |= {f"entries.{index}.payload": None, f"entries.{index}.salt": None}
                if gone and not whole:
                    await self._commits.update_one({"_id": document["_id"]}, {"$set": gone})
                erased += len(gone) // 2
            if whole:
                await self._commits.delete_many({"stream": stream})
        return erased

    async def now(self) -> datetime:
        self._check_open()
        with self._translated():
            await self._clock.update_one({"_id": "now"}, {"$currentDate": {"at": True}}, upsert=True)
            found = await self._clock.find_one({"_id": "now"})
        return milliseconds(found["at"])

    async def close(self) -> None:
        self._closed = True
        if self._owned:
            await _maybe(self._client.close())

    async def report(self) -> dict[str, str]:
        """What an operator asks: the server, its shape, what it must acknowledge, the indexes, what lags."""
        self._check_open()
        with self._translated():
            server = await self._client.server_info()
            hello = await self._client.admin.command("isMaster")
            indexes = [
                index["name"]
                for name in INDEXES
                async for index in await _maybe(self._client[self._name][name].list_indexes())
            ]
            lagging = [head async for head in self._heads({"dirty": 1})]
        missing = sorted({name for indexed in INDEXES.values() for name in indexed} - set(indexes))
        return {
            "server version": server["version"],
            "topology": f"replica set {hello['setName']}"
            if "setName" in hello
            else str(hello.get("msg", "standalone")),
            "write concern": "majority, journaled",
            "indexes": f"missing: {', '.join(missing)}" if missing else "all there",
            "lagging streams": str(len(lagging)),
        }

    async def _index(self) -> None:
        with self._translated():
            for collection, indexes in ((self._commits, INDEXES["commits"]), (self._records, INDEXES["records"])):
                for name, keys in indexes.items():
                    await collection.create_index(keys, name=name, unique=name in UNIQUE)

    async def _append(self, stream: str, after: int, end: int, entries: list[Entry], id: str, *, dirty: bool) -> None:
        """Insert the commit, or find that it is there already. Raises Conflict where another one is."""
        if after == end:
            try:
                try:
                    await self._commits.insert_one(commit_document(stream, entries, id, dirty=dirty))
                except DocumentTooLarge:
                    await self._commits.insert_one(commit_document(stream, entries, id, dirty=dirty, most=0))
                return
            except DuplicateKeyError:
                pass  # which key collided is not told everywhere: what stands there says whose it is
        there = await self._commits.find_one({"stream": stream, "n": after + 1}, {"id": 1})
        if there is None or there["id"] != id:
            raise Conflict(stream, after)

    async def _project(self, stream: str, upto: int, records: Sequence[Record], *, repair: bool) -> None:
        """Write the records in their order, each over a lower n, then say that none lags."""
        if not records and not repair:
            return
        with self._translated():
            for record in records:
                await self._write(record, repair=repair)
            clean = {"stream": stream, "dirty": 1, "last": {"$lte": upto}}
            await self._commits.update_many(clean, {"$set": {"dirty": 0}})

    async def _write(self, record: Record, *, repair: bool) -> None:
        try:
            await self._put(f"{record.kind}:{record.id}", record_document(record), repair=repair)
        except DocumentTooLarge:
            await self._put(f"{record.kind}:{record.id}", record_document(record, most=0), repair=repair)

    async def _put(self, id: str, document: Document, *, repair: bool) -> None:
        older = {"_id": id, "n": {"$lte" if repair else "$lt": document["n"]}}
        done = await self._records.update_one(older, {"$set": document})
        if not done.matched_count:
            try:
                await self._records.insert_one({"_id": id, **document})
            except DuplicateKeyError:
                return  # a newer one is there

    async def _end(self, stream: str) -> int:
        async for document in self._commits.find({"stream": stream}, {"last": 1}).sort("last", -1).limit(1):
            return int(document["last"])
        return 0

    async def _streams(self, query: Query) -> AsyncIterator[Record]:
        """The streams that a query of their kind may mean."""
        wanted: Document = {"stream": wanting(query.where["id"])} if "id" in query.where else {}
        if query.where.get("dirty") is True:
            wanted["dirty"] = 1
        with self._translated():
            async for head in self._heads(wanted):
                yield head

    async def _heads(self, wanted: Document) -> AsyncIterator[Record]:
        """The record of each stream that has such a commit: where it ends, and whether its records lag."""
        group = {"_id": "$stream", "last": {"$max": "$last"}, "dirty": {"$max": "$dirty"}}
        async for found in await _maybe(self._commits.aggregate([{"$match": wanted}, {"$group": group}])):
            end = await self._end(found["_id"]) if "dirty" in wanted else found["last"]
            fields = {"dirty": bool(found["dirty"])}
            yield Record(kind="stream", id=found["_id"], n=int(end), fields=fields)

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the store is closed")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DocumentTooLarge as error:
            raise Full(f"MongoDB: {error}") from error
        except PyMongoError as error:
            raise Unavailable(f"MongoDB: {type(error).__name__}") from error
        except (BSONError, OverflowError, UnicodeEncodeError) as error:
            raise InvalidInput(f"MongoDB does not take it: {type(error).__name__}") from error


async def _maybe(given: Awaitable[T] | T) -> T:
    """What PyMongo's client gives to be awaited, and Motor's as it is."""
    return await given if inspect.isawaitable(given) else given
