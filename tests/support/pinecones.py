"""Where the tests of Pinecone run: on the stand-in, and on the service too when PINECONE_API_KEY was set."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
import numpy as np

from backends.vectors.contracts import Item, Vectors
from backends.vectors.pinecone.client import Patience
from backends.vectors.pinecone.index import PineconeVectors
from backends.vectors.pinecone.opening import Address
from tests.servers.pinecone.server import PineconeServer

KEY = os.environ.get("PINECONE_API_KEY", "")
"""As it was before any test set another one."""

KEY_ENV = "STAND_IN_KEY"
"""The variable of the stand-in's key, which a test sets."""

MODEL = "multilingual-e5-large"
SOON = Patience(first=0.001)
"""Repeats at once: the stand-in needs no rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to ask. `server` None: the service itself. `namespace` is one test's alone."""

    namespace: str
    server: PineconeServer | None = None

    @property
    def host(self) -> str:
        return "" if self.server is None else f"host={self.server.url}&key_env={KEY_ENV}"

    @property
    def patience(self) -> Patience:
        return Patience() if self.server is None else SOON

    def vectors(self, index: str = "rolltop-tests", model: str | None = None) -> PineconeVectors:
        query = f"namespace={self.namespace}&{self.host}" + (f"&model={model}" if model else "")
        return PineconeVectors(Address.from_url(f"pinecone:{index}?{query}"), patience=self.patience)


def unit_vector(*values: float) -> Vectors:
    """A vector of length 1 with 8 values, the rest of them 0."""
    row = np.zeros(8, dtype=np.float32)
    row[: len(values)] = values
    return row / np.linalg.norm(row).astype(np.float32)


def item(id: str, *values: float, version: int = 1, text: str = "Text.") -> Item:
    return Item(id=id, version=version, text=text, vector=unit_vector(*values))


async def in_the_end(ask: Callable[[], Awaitable[object]], wanted: object) -> None:
    """What is asked becomes what is wanted: the service is eventually consistent. A minute is its time-out."""
    found = await ask()
    with anyio.move_on_after(60):
        while found != wanted:
            await anyio.sleep(0.5)
            found = await ask()
    assert found == wanted
