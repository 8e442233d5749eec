"""Records of an index that embeds their text itself: upserted as lines of JSON, searched by text."""

import json
from collections.abc import Mapping

from pydantic import TypeAdapter

from core.canonical import Json
from tests.servers.pinecone.filter import check_filter
from tests.servers.pinecone.inference import embedded, reranked
from tests.servers.pinecone.refusals import Refused
from tests.servers.pinecone.requests import MAX_TEXTS, Id, Metadata, Rerank, Search
from tests.servers.pinecone.space import Index, Records, Stored
from tests.servers.pinecone.vectors import nearest

_ID: TypeAdapter[str] = TypeAdapter(Id)
_METADATA: TypeAdapter[dict[str, Json]] = TypeAdapter(Metadata)


async def upsert(index: Index, namespace: str, content_type: str, raw: bytes) -> None:
    """POST /records/namespaces/{namespace}/upsert."""
    model = _model_of(index)
    if content_type != "application/x-ndjson":
        raise Refused(400, f"content-type: application/x-ndjson, not {content_type}")
    lines = [_line(line) for line in raw.splitlines() if line.strip()]
    if not 1 <= len(lines) <= MAX_TEXTS:
        raise Refused(400, f"records: from 1 to {MAX_TEXTS} a request, got {len(lines)}")
    ids = [_ID.validate_python(line.pop("_id", None)) for line in lines]
    rows = [_METADATA.validate_python(line) for line in lines]
    if not all(isinstance(row.get(index.text_field), str) for row in rows):
        raise Refused(400, f"records: each needs the text {index.text_field}, which is embedded")
    texts = [row[index.text_field] for row in rows]
    vectors = await embedded(model, texts, {"input_type": "passage", "dimension": index.dimension})
    new: Records = {id: Stored(values=vector, metadata=row) for id, vector, row in zip(ids, vectors, rows, strict=True)}
    index.space_to_write(namespace).write(lambda records: records.update(new))


async def search(index: Index, namespace: str, body: Json) -> Json:
    """POST /records/namespaces/{namespace}/search."""
    model, asked = _model_of(index), Search.model_validate(body)
    check_filter(asked.query.filter)
    text = asked.query.inputs.text
    (row,) = await embedded(model, [text], {"input_type": "query", "dimension": index.dimension})
    space = index.space(namespace)
    records = space.read() if space is not None else {}
    found = nearest(index, records, row, asked.query.filter, asked.query.top_k)
    if asked.rerank is not None and found:
        again = Rerank(
            model=asked.rerank.model,
            query=asked.rerank.query or text,
            documents=[records[id].metadata for id, _ in found],
            rank_fields=asked.rerank.rank_fields,
            top_n=asked.rerank.top_n,
            parameters=asked.rerank.parameters,
        )
        found = [(found[n][0], score) for n, score in reranked(again)]
    hits = [{"_id": id, "_score": score, "fields": _chosen(records[id].metadata, asked.fields)} for id, score in found]
    usage = {"read_units": 1, "embed_total_tokens": len(text.split()), "rerank_units": int(asked.rerank is not None)}
    return {"result": {"hits": hits}, "namespace": namespace, "usage": usage}


def _model_of(index: Index) -> str:
    if index.model is None:
        raise Refused(400, "Integrated inference is not configured for this index")
    return index.model


def _line(line: bytes) -> dict[str, Json]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise Refused(400, "records: each line is one JSON object")
    return record


def _chosen(metadata: Mapping[str, Json], fields: list[str] | None) -> dict[str, Json]:
    return {name: value for name, value in metadata.items() if fields is None or name in fields}
