"""The vector operations of Pinecone's data plane, over an index that is kept in memory and searched as a whole."""

import base64
import binascii
import json
from collections.abc import Mapping
from urllib.parse import parse_qs

import numpy as np
from pydantic import TypeAdapter

from backends.vectors.contracts import Vectors
from core.canonical import Json
from tests.servers.pinecone.filter import check_filter, matches
from tests.servers.pinecone.refusals import Refused
from tests.servers.pinecone.requests import MAX_RESULT, Delete, Id, Query, Stats, Update, Upsert
from tests.servers.pinecone.space import DEFAULT, Index, Records, Space, Stored, scores, with_changes

MAX_PAGE = 100
MAX_FETCH = 1000

_USAGE: Mapping[str, Json] = {"readUnits": 1}


def upsert(index: Index, body: Json) -> Json:
    """POST /vectors/upsert."""
    asked = Upsert.model_validate(body)
    new = {one.id: Stored(values=_row(index, one.values), metadata=one.metadata) for one in asked.vectors}
    index.space_to_write(asked.namespace).write(lambda records: records.update(new))
    return {"upsertedCount": len(asked.vectors)}


def query(index: Index, body: Json) -> Json:
    """POST /query. Nearest first; of two alike, the one with the smaller id."""
    asked = Query.model_validate(body)
    check_filter(asked.filter)
    records = _read(index, asked.namespace)
    if asked.vector is not None:
        row = _row(index, asked.vector)
    elif (same := records.get(asked.id or "")) is not None:
        row = same.values
    else:
        return {"matches": [], "namespace": asked.namespace, "usage": _USAGE}
    found = [
        {
            "id": id,
            "score": score,
            **({"values": records[id].values.tolist()} if asked.includeValues else {}),
            **({"metadata": records[id].metadata} if asked.includeMetadata else {}),
        }
        for id, score in nearest(index, records, row, asked.filter, asked.topK)
    ]
    if len(json.dumps(found)) > MAX_RESULT:
        raise Refused(400, f"the result is larger than {MAX_RESULT} bytes: ask for fewer, or without their values")
    return {"matches": found, "namespace": asked.namespace, "usage": _USAGE}


def nearest(index: Index, records: Records, row: Vectors, given: Json, top_k: int) -> list[tuple[str, float]]:
    """Ids and scores of those that the filter holds."""
    held = sorted(id for id, stored in records.items() if matches(given, stored.metadata))
    if not held:
        return []
    found = scores(index.metric, row, np.stack([records[id].values for id in held]))
    order = np.argsort(found if index.metric == "euclidean" else -found, kind="stable")[:top_k]
    return [(held[n], float(found[n])) for n in order]


def delete(index: Index, body: Json) -> Json:
    """POST /vectors/delete."""
    asked = Delete.model_validate(body)
    check_filter(given := asked.filter or {})
    gone = None if asked.ids is None else set(asked.ids)

    def change(records: Records) -> None:
        for id in [id for id in records if (matches(given, records[id].metadata) if gone is None else id in gone)]:
            del records[id]

    _existing(index, asked.namespace).write(change)
    return {}


def update(index: Index, body: Json) -> Json:
    """POST /vectors/update. A record that is not there is not made."""
    asked = Update.model_validate(body)
    row = None if asked.values is None else _row(index, asked.values)

    def change(records: Records) -> None:
        if (stored := records.get(asked.id)) is not None:
            records[asked.id] = with_changes(stored, row, asked.setMetadata)

    _existing(index, asked.namespace).write(change)
    return {}


def fetch(index: Index, given: str) -> Json:
    """GET /vectors/fetch."""
    asked = _parameters(given, {"ids", "namespace"})
    ids: list[str] = TypeAdapter(list[Id]).validate_python(asked.get("ids", []))
    if not 1 <= len(ids) <= MAX_FETCH:
        raise Refused(400, f"ids: from 1 to {MAX_FETCH}, got {len(ids)}")
    namespace = asked.get("namespace", [""])[0]
    records = _read(index, namespace)
    found = {id: _shown(id, records[id]) for id in ids if id in records}
    return {"vectors": found, "namespace": namespace, "usage": _USAGE}


def listed(index: Index, given: str) -> Json:
    """GET /vectors/list: ids in order, a page at a time."""
    asked = {
        name: values[0]
        for name, values in _parameters(given, {"namespace", "prefix", "limit", "paginationToken"}).items()
    }
    limit = asked.get("limit", str(MAX_PAGE))
    if not limit.isdecimal() or not 1 <= int(limit) <= MAX_PAGE:
        raise Refused(400, f"limit: from 1 to {MAX_PAGE}, got {limit}")
    after, namespace = _after(asked.get("paginationToken")), asked.get("namespace", "")
    ids = sorted(id for id in _read(index, namespace) if id.startswith(asked.get("prefix", "")) and id > after)
    page, more = ids[: int(limit)], len(ids) > int(limit)
    following = {"pagination": {"next": base64.b64encode(page[-1].encode()).decode()}} if more else {}
    return {"vectors": [{"id": id} for id in page], "namespace": namespace, "usage": _USAGE, **following}


def stats(index: Index, body: Json) -> Json:
    """POST /describe_index_stats, which takes no filter on a serverless index."""
    Stats.model_validate(body)
    counts = {name: len(space.read()) for name, space in index.spaces.items()}
    return {
        "namespaces": {name: {"vectorCount": count} for name, count in counts.items()},
        "dimension": index.dimension,
        "metric": index.metric,
        "vectorType": "dense",
        "indexFullness": 0,
        "totalVectorCount": sum(counts.values()),
    }


def _row(index: Index, values: list[float]) -> Vectors:
    if len(values) != index.dimension:
        raise Refused(
            400, f"Vector dimension {len(values)} does not match the dimension of the index {index.dimension}"
        )
    return np.array(values, dtype=np.float32)


def _read(index: Index, namespace: str) -> Records:
    space = index.space(namespace)
    return {} if space is None else space.read()


def _existing(index: Index, namespace: str) -> Space:
    if (space := index.space(namespace)) is None:
        raise Refused(404, f"Namespace not found: {namespace or DEFAULT}")
    return space


def _shown(id: str, stored: Stored) -> Json:
    return {"id": id, "values": stored.values.tolist(), "metadata": stored.metadata}


def _parameters(given: str, known: set[str]) -> dict[str, list[str]]:
    found = parse_qs(given, keep_blank_values=True)
    if unknown := found.keys() - known:
        raise Refused(400, f"unknown parameters: {', '.join(sorted(unknown))}")
    return found


def _after(token: str | None) -> str:
    try:
        return base64.b64decode(token or "", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refused(400, "paginationToken: is none of this index") from None
