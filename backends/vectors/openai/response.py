"""The body of an answer to a request for vectors, as OpenAI and servers like it write it, checked against the request.

Vectors come in base64 (float32, little-endian) where the server knows that, else as lists of numbers, and in any order:
`index` says which text each one belongs to. A server that gives no index, or one index to all, keeps the order of the
texts. A malformed answer counts as a passing fault of the server, so the request is repeated.
"""

import base64
import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from backends.models.failures import reported
from backends.vectors.contracts import Vectors
from backends.vectors.unit_rows import unit
from core.canonical import Json
from core.errors import ModelError


def vectors(body: bytes, count: int) -> Vectors:
    """The `count` rows, of length 1, in the order of the texts. Raises ModelError for anything else.

    A vector without a direction, as of nulls or NaN, is a row of zeros; if all are null, the rows have no numbers.
    """
    rows: dict[int, NDArray[np.float32]] = {}
    items = _items(body)
    indexes = [item.get("index") for item in items]
    in_order = len(items) == count > 0 and all(index == indexes[0] for index in indexes) and indexes[0] in (None, 0)
    for n, item in enumerate(items):
        index = n if in_order else item.get("index")
        if type(index) is not int or index in rows:
            raise unusable("a vector without an index of its own")
        rows[index] = _row(item)
    if rows.keys() != set(range(count)):
        raise unusable(f"{len(rows)} vectors that are not those of {count} texts")
    widths = {row.size for row in rows.values() if row.size}
    if len(widths) > 1:
        raise unusable("vectors of several lengths")
    found = np.zeros((count, max(widths, default=0)), dtype=np.float32)
    for n, row in rows.items():
        if row.size and np.isfinite(row).all():
            found[n] = row
    return unit(found)


def _items(body: bytes) -> list[Mapping[str, Json]]:
    try:
        answer: Json = json.loads(body)
    except ValueError as error:
        raise unusable("text that is not JSON") from error
    items = answer.get("data") if isinstance(answer, dict) else None
    if isinstance(answer, dict) and items is None and answer.get("error"):
        raise reported(answer["error"])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise unusable("an object without a list of vectors")
    return items


def _row(item: Mapping[str, Json]) -> NDArray[np.float32]:
    """The vector; without numbers if it is null."""
    if "embedding" not in item:
        raise unusable("an item without a vector")
    value = item["embedding"]
    try:
        if isinstance(value, str):
            row = np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4").astype(np.float32)
        else:
            with np.errstate(over="ignore"):
                row = np.array([] if value is None else value, dtype=np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise unusable("a vector that cannot be read") from error
    if row.ndim != 1:
        raise unusable("a value in place of a vector")
    return row


def unusable(what: str) -> ModelError:
    """The error for an answer that holds something else than the vectors: the same request may succeed later."""
    return ModelError("protocol", f"the provider answered with {what}", retryable=True)
