"""The body of an answer to a request for vectors, as OpenAI and servers like it write it, checked against the request.

Vectors come in base64 (float32, little-endian) where the server knows that, else as lists of numbers, and in any order:
`index` says which text each one belongs to. A malformed answer counts as a passing fault of the server, so the request
is repeated.
"""

import base64
import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from backends.vectors.contracts import Vectors
from backends.vectors.unit_rows import unit
from core.canonical import Json
from core.errors import ModelError


def vectors(body: bytes, count: int) -> Vectors:
    """The `count` rows, of length 1, in the order of the texts. Raises ModelError for anything else."""
    rows: dict[int, NDArray[np.float32]] = {}
    for item in _items(body):
        if type(index := item.get("index")) is not int or index in rows:
            raise _unusable("a vector without an index of its own")
        rows[index] = _row(item.get("embedding"))
    if rows.keys() != set(range(count)):
        raise _unusable(f"{len(rows)} vectors that are not those of {count} texts")
    if len({len(row) for row in rows.values()}) > 1:
        raise _unusable("vectors of several lengths")
    found = np.stack([rows[n] for n in range(count)])
    if not np.isfinite(found).all() or not found.any(axis=1).all():
        raise _unusable("a vector without a direction")
    return unit(found)


def _items(body: bytes) -> list[Mapping[str, Json]]:
    try:
        answer: Json = json.loads(body)
    except ValueError as error:
        raise _unusable("text that is not JSON") from error
    items = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _unusable("an object without a list of vectors")
    return items


def _row(value: Json) -> NDArray[np.float32]:
    try:
        if isinstance(value, str):
            row = np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4").astype(np.float32)
        else:
            with np.errstate(over="ignore"):
                row = np.array(value, dtype=np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise _unusable("a vector that cannot be read") from error
    if row.ndim != 1 or not row.size:
        raise _unusable("a value in place of a vector")
    return row


def _unusable(what: str) -> ModelError:
    return ModelError("protocol", f"the provider answered with {what}", retryable=True)
