"""What the stand-in for Pinecone keeps: indexes, their namespaces, and their records, which are found after a while.

Pinecone is eventually consistent. Here that is counted in reads, not in seconds: what was written is there after so
many of them, so that a test of it waits for nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np

from backends.vectors.contracts import Vectors
from core.canonical import Json
from tests.servers.pinecone.requests import Deployment, Metric, Protection

DEFAULT = "__default__"
"""The namespace of a request that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A record. Its `metadata` holds its text too where the index embeds it."""

    values: Vectors
    metadata: dict[str, Json]


Records: TypeAlias = dict[str, Stored]
Change: TypeAlias = Callable[[Records], None]


class Space:
    """A namespace's records by id. `lag` is how many reads do not see a write yet."""

    def __init__(self, lag: int) -> None:
        self._lag = lag
        self._records: Records = {}
        self._waiting: list[tuple[int, Change]] = []
        self._reads = 0

    def write(self, change: Change) -> None:
        """Have this done to the records, after what was written before it."""
        self._waiting.append((self._reads + self._lag, change))
        self._settle()

    def read(self) -> Records:
        """What a reader finds now."""
        self._settle()
        self._reads += 1
        return self._records

    def _settle(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._reads:
            self._waiting.pop(0)[1](self._records)


@dataclass(slots=True, kw_only=True)
class Index:
    """An index and where it is served. `model` embeds the field `text_field`; None: vectors come from outside.

    `unready` is how often it will still be described as not ready.
    """

    name: str
    dimension: int
    metric: Metric
    deployment: Deployment
    protection: Protection
    tags: dict[str, str]
    model: str | None = None
    text_field: str = ""
    host: str = ""
    unready: int = 0
    deleted: bool = False
    lag: int = 0
    spaces: dict[str, Space] = field(default_factory=dict)

    def space(self, namespace: str) -> Space | None:
        """None where nothing was ever written to it."""
        return self.spaces.get(namespace or DEFAULT)

    def space_to_write(self, namespace: str) -> Space:
        """The namespace, which a first write makes."""
        return self.spaces.setdefault(namespace or DEFAULT, Space(self.lag))

    def described(self) -> Json:
        """As the control plane describes it."""
        state: Literal["Initializing", "Ready"] = "Initializing" if self.unready else "Ready"
        dense = {"type": "dense_vector", "dimension": self.dimension, "metric": self.metric}
        semantic = {"type": "semantic_text", "model": self.model, "metric": self.metric}
        return {
            "name": self.name,
            "host": self.host,
            "schema": {"fields": {self.text_field: semantic} if self.model else {"_values": dense}},
            "deployment": self.deployment.model_dump(),
            "read_capacity": {"mode": "OnDemand", "status": {"state": "Ready"}},
            "deletion_protection": self.protection,
            "tags": self.tags,
            "status": {"ready": not self.unready, "state": state},
        }


def scores(metric: Metric, query: Vectors, rows: Vectors) -> Vectors:
    """Higher is nearer, but for euclidean, whose score is the distance squared."""
    found: Vectors
    match metric:
        case "dotproduct":
            found = rows @ query
        case "cosine":
            found = rows @ query / (np.linalg.norm(rows, axis=1) * np.linalg.norm(query))
        case "euclidean":
            found = np.square(rows - query).sum(axis=1)
    return found


def with_changes(stored: Stored, values: Vectors | None, metadata: dict[str, Json]) -> Stored:
    """The record after an update: fields that are not named stay."""
    changed = replace(stored, metadata={**stored.metadata, **metadata})
    return changed if values is None else replace(changed, values=values)
