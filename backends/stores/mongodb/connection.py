"""A database and the client that reaches it: which side closes the client, and how long a call may take.

Reads and writes are a majority's, journalled, of the primary. The client is PyMongo's asynchronous one, made here, or
an application's own, Motor's too: Motor is not imported, and what a call returns is awaited if it can be.
"""

import inspect
import logging
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from typing import Self, TypeAlias, TypeVar, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import anyio
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import ConfigurationError, DuplicateKeyError, InvalidName, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.topology_description import TopologyDescription

from backends.stores.mongodb.documents import Document
from backends.stores.mongodb.errors import translated
from core.canonical import Json
from core.errors import InvalidInput, StoreClosed

log = logging.getLogger(__name__)

T = TypeVar("T")
Collection: TypeAlias = AsyncCollection[Document]

TIMEOUT = 10.0
"""Seconds that one call of the driver may take; half of it to find a server that takes it."""


def database_of(url: str) -> str:
    """The database that the URL names. Raises InvalidInput if the name is missing."""
    name = unquote(urlsplit(url).path.removeprefix("/"))
    if not name:
        raise InvalidInput("the URL lacks the name of a database: mongodb://host/desk, or mongodb+srv://host/desk")
    return name


class Connection:
    """One database of a client, which is closed with it if it is `owned`."""

    def __init__(self, client: AsyncMongoClient[Document], database: str, *, timeout: float, owned: bool) -> None:
        self._client, self._timeout, self._owned = client, timeout, owned
        self._closed = False
        self._busy, self._idle = 0, anyio.Event()
        try:
            self._database = client.get_database(
                database,
                codec_options=CodecOptions(tz_aware=True),
                read_preference=ReadPreference.PRIMARY,
                write_concern=WriteConcern("majority", j=True),
                read_concern=ReadConcern("majority"),
            )
        except InvalidName as error:
            raise InvalidInput(
                "MongoDB does not take the name of the database: choose another in the store's URL"
            ) from error

    @classmethod
    def of_url(cls, url: str) -> Self:
        """With a client of its own, not yet connected. Raises InvalidInput if the driver does not take the URL."""
        try:
            database = database_of(url)
            options = {name.lower(): value for name, value in parse_qsl(urlsplit(url).query)}
            timeout = float(options.get("timeoutms", TIMEOUT * 1000)) / 1000
            if not timeout > 0:
                raise InvalidInput("timeoutMS is more than 0: a call that never ends would hold up every other")
            own: dict[str, Json] = {"serverSelectionTimeoutMS": timeout * 500}
            if "serverselectiontimeoutms" in options:
                own = {}
            client: AsyncMongoClient[Document] = AsyncMongoClient(url, **own)
        except InvalidInput:
            raise
        except (ConfigurationError, ValueError, OSError) as error:
            # Without the error's text, because it may quote a password. `from None`: a log would print the cause.
            raise InvalidInput(
                f"MongoDB's driver does not take the URL ({type(error).__name__}): write @ in a password as %40"
            ) from None
        return cls(client, database, timeout=timeout, owned=True)

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator[None]:
        """What is begun within the block is finished before the client is closed. Raises StoreClosed once closed."""
        if self._closed:
            raise StoreClosed(f"the store in {self._database.name}")
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            if self._closed and not self._busy:
                self._idle.set()

    def collection(self, name: str) -> Collection:
        return self._database.get_collection(name)

    async def ask(self, answer: Awaitable[T]) -> T:
        """The answer to one call, within the deadline."""
        with _translated(self._database.name), anyio.fail_after(self._timeout):
            return await maybe(answer)

    async def all(self, cursor: AsyncIterable[MutableMapping[str, Json]]) -> list[Document]:
        """All that the cursor gives, within one deadline."""

        async def documents() -> list[Document]:
            return [cast(Document, document) async for document in cursor]

        return await self.ask(documents())

    async def insert(self, collection: Collection, document: Document) -> bool:
        """Whether it was inserted: False if another document has one of its unique keys."""

        async def inserted() -> bool:
            try:
                await maybe(collection.insert_one(document))
            except DuplicateKeyError:
                return False
            return True

        return await self.ask(inserted())

    async def about(self) -> dict[str, str]:
        """The server, how many of them there are, and what they must acknowledge."""
        server = await self.ask(self._client.server_info())
        topology = getattr(self._client, "topology_description", None)
        return {
            "server": f"MongoDB {server['version']}",
            "topology": topology.topology_type_name if isinstance(topology, TopologyDescription) else "unknown",
            "write concern": str(self._database.write_concern.document),
        }

    async def close(self) -> None:
        with anyio.CancelScope(shield=True):
            first, self._closed = not self._closed, True
            if self._busy:
                await self._idle.wait()
            if self._owned and first:
                # PyMongo waits for its monitors, and one whose connection was cut may never report: a desk must close.
                with anyio.move_on_after(self._timeout) as waiting:
                    await maybe(self._client.close())
                if waiting.cancelled_caught:
                    log.warning("%s: the driver did not close within %g seconds", self._database.name, self._timeout)


async def maybe(answer: Awaitable[T]) -> T:
    """What a call gives: PyMongo has it awaited always, Motor gives some things at once."""
    return await answer if inspect.isawaitable(answer) else cast(T, answer)


@contextmanager
def _translated(database: str) -> Iterator[None]:
    try:
        yield
    except (PyMongoError, BSONError, OverflowError, UnicodeEncodeError, TimeoutError) as error:
        raise translated(error, database) from error
