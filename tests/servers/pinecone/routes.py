"""Which of Pinecone's operations a request means, by its method and its path."""

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import unquote

from core.canonical import Json
from tests.servers.http import HttpRequest
from tests.servers.pinecone import inference, records, vectors
from tests.servers.pinecone.control import Indexes
from tests.servers.pinecone.refusals import Answer, Plane, Refused
from tests.servers.pinecone.requests import MAX_UPSERT
from tests.servers.pinecone.space import Index

_Operation: TypeAlias = Callable[[Index, Json], Json]

_POSTED: Mapping[str, _Operation] = {
    "/vectors/upsert": vectors.upsert,
    "/vectors/delete": vectors.delete,
    "/vectors/update": vectors.update,
    "/query": vectors.query,
    "/describe_index_stats": vectors.stats,
}
_GOT: Mapping[str, Callable[[Index, str], Json]] = {"/vectors/fetch": vectors.fetch, "/vectors/list": vectors.listed}


def plane_of(index: Index | None, path: str) -> Plane:
    """The part of the service that answers. `index` None: the address that is no index's."""
    if index is not None:
        return "records" if path.startswith("/records/") else "vectors"
    return "inference" if path in ("/embed", "/rerank") else "control"


async def of_index(index: Index, request: HttpRequest) -> Answer:
    """The answer of an index's address. Raises Refused, and ValidationError for a body of another form."""
    if index.deleted:
        raise Refused(404, f"Index {index.name} not found.")
    if index.unready:
        raise Refused(503, f"Index {index.name} is not ready yet")
    parts = request.path.strip("/").split("/")
    match request.method, parts:
        case "POST", ["records", "namespaces", namespace, "upsert"]:
            _check_size(request)
            await records.upsert(index, unquote(namespace), request.headers.get("content-type", ""), request.raw)
            return Answer(status=201)
        case "POST", ["records", "namespaces", namespace, "search"]:
            return _answer(await records.search(index, unquote(namespace), _body(request)))
        case "POST", _ if (posted := _POSTED.get(request.path)) is not None:
            _check_size(request)
            return _answer(posted(index, _body(request)))
        case "GET", _ if (got := _GOT.get(request.path)) is not None:
            return _answer(got(index, request.query))
    raise Refused(404, f"no operation {request.method} {request.path}")


async def of_project(indexes: Indexes, request: HttpRequest) -> Answer:
    """The answer of the control plane and of the inference. Raises as `of_index`."""
    parts = request.path.strip("/").split("/")
    match request.method, parts:
        case "POST", ["embed"]:
            return _answer(await inference.embed(_body(request)))
        case "POST", ["rerank"]:
            return _answer(await inference.rerank(_body(request)))
        case "POST", ["indexes"]:
            return _answer(await indexes.create(_body(request)), 201)
        case "POST", ["indexes", "create-for-model"]:
            return _answer(await indexes.create_for_model(_body(request)), 201)
        case "GET", ["indexes"]:
            return _answer(indexes.listed())
        case "GET", ["indexes", name]:
            return _answer(indexes.describe(unquote(name)))
        case "PATCH", ["indexes", name]:
            return _answer(indexes.configure(unquote(name), _body(request)))
        case "DELETE", ["indexes", name]:
            indexes.delete(unquote(name))
            return Answer(status=202)
    raise Refused(404, f"no operation {request.method} {request.path}")


def _answer(body: Json, status: int = 200) -> Answer:
    return Answer(status=status, body=json.dumps(body).encode())


def _body(request: HttpRequest) -> Json:
    if request.headers.get("content-type") != "application/json":
        raise Refused(400, "content-type: application/json")
    if not isinstance(request.body, dict):
        raise Refused(400, "the body is no JSON object")
    return request.body


def _check_size(request: HttpRequest) -> None:
    if len(request.raw) > MAX_UPSERT:
        raise Refused(413, f"the request has {len(request.raw)} bytes, which exceeds the limit of {MAX_UPSERT}")
