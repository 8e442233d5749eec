"""The stand-in for Pinecone: each of its rules refuses a request that differs in one thing from one that is taken."""

import json
from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from pinecone import AsyncPinecone
from pinecone.errors import ForbiddenError, NotFoundError

from core.errors import InvalidInput
from tests.servers.pinecone.faults import Fault, read_faults
from tests.servers.pinecone.filter import check_filter, matches
from tests.servers.pinecone.refusals import Refused
from tests.servers.pinecone.requests import MAX_METADATA, MAX_UPSERT
from tests.servers.pinecone.server import PineconeServer
from tests.support.desks import until

pytestmark = pytest.mark.anyio

HEADERS = {"api-key": "a-key", "x-pinecone-api-version": "2026-07", "content-type": "application/json"}
PLACE = {"cloud": "aws", "region": "us-east-1"}
VALUES = {"type": "dense_vector", "dimension": 2, "metric": "cosine"}
INDEX = {
    "name": "an-index",
    "schema": {"fields": {"_values": VALUES}},
    "deployment": {"deployment_type": "managed", **PLACE},
}
EMBEDS = {"name": "texts", **PLACE, "embed": {"model": "multilingual-e5-large", "field_map": {"text": "text"}}}
UPSERT = {"namespace": "n", "vectors": [{"id": "a", "values": [1, 0], "metadata": {"version": 1}}]}
QUERY = {"namespace": "n", "topK": 3, "vector": [1, 0]}
SEARCH = {"query": {"top_k": 3, "inputs": {"text": "leave"}}}
EMBED = {
    "model": "multilingual-e5-large",
    "inputs": [{"text": "annual leave"}],
    "parameters": {"input_type": "query"},
}
RERANK = {"model": "bge-reranker-v2-m3", "query": "annual leave", "documents": [{"text": "Leave is annual."}]}


class Asked:
    """Requests by hand: the client would not send what the service refuses."""

    def __init__(self, http: httpx.AsyncClient, project: str, vectors: str, texts: str) -> None:
        self._http = http
        self._hosts = {"": project, "vectors": vectors, "texts": texts}

    async def post(self, host: str, path: str, body: object, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self._http.post(self._hosts[host] + path, content=content, headers={**HEADERS, **headers})

    async def get(self, host: str, path: str) -> httpx.Response:
        return await self._http.get(self._hosts[host] + path, headers=HEADERS)


@pytest.fixture
async def server() -> AsyncIterator[PineconeServer]:
    async with PineconeServer(key="a-key", unready=0) as server:
        yield server


@pytest.fixture
async def asked(server: PineconeServer) -> AsyncIterator[Asked]:
    """A project with an index of vectors, which holds one, and an index of texts, which holds one."""
    async with httpx.AsyncClient() as http:
        made = [
            await http.post(f"{server.url}/indexes", json={**INDEX, "name": "kept"}, headers=HEADERS),
            await http.post(f"{server.url}/indexes/create-for-model", json=EMBEDS, headers=HEADERS),
        ]
        asked = Asked(http, server.url, *(answer.json()["host"] for answer in made))
        assert (await asked.post("vectors", "/vectors/upsert", UPSERT)).json() == {"upsertedCount": 1}
        assert (await asked.post("texts", RECORDS, records(1), **NDJSON)).status_code == 201
        yield asked


RECORDS = "/records/namespaces/n/upsert"
NDJSON = {"content-type": "application/x-ndjson"}


def records(count: int, **fields: object) -> bytes:
    return b"\n".join(json.dumps({"_id": f"r{n}", "text": "annual leave", **fields}).encode() for n in range(count))


def changed(body: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The body with one value set anew; `...` takes it away."""
    changed = deepcopy(body)
    inner: Any = changed
    *way, last = path.split(".")
    for step in way:
        inner = inner[int(step) if step.isdecimal() else step]
    key = int(last) if last.isdecimal() else last
    if value is ...:
        del inner[key]
    else:
        inner[key] = value
    return changed


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [("api-key", "", 401), ("api-key", "another", 401), ("x-pinecone-api-version", "2025-10", 400)],
)
@pytest.mark.parametrize(("host", "path", "body"), [("vectors", "/query", QUERY), ("", "/rerank", RERANK)])
async def test_every_request_needs_the_key_and_the_version_of_the_api(
    asked: Asked, name: str, value: str, status: int, host: str, path: str, body: dict[str, Any]
) -> None:
    assert (await asked.post(host, path, body)).status_code == 200
    refused = await asked.post(host, path, body, **{name: value})
    assert refused.status_code == status
    assert refused.headers["content-type"] == ("text/plain" if host else "application/json")


@pytest.mark.parametrize(
    ("path", "value", "status", "words"),
    [
        ("name", "An-Index", 400, "name"),
        ("name", "-index", 400, "name"),
        ("name", "x" * 46, 400, "name"),
        ("name", "kept", 409, "already exists"),
        ("schema.fields", {}, 400, "schema.fields"),
        ("schema.fields", {"v": VALUES}, 400, "schema.fields.v"),
        ("schema.fields._values.dimension", 0, 400, "dimension"),
        ("schema.fields._values.dimension", 20_001, 400, "dimension"),
        ("schema.fields._values.metric", "manhattan", 400, "metric"),
        ("schema.fields._values.metric", ..., 400, "metric"),
        ("deployment.region", "eu-north-7", 404, "eu-north-7"),
        ("deployment.deployment_type", "pod", 400, "deployment_type"),
        ("deletion_protection", "on", 400, "deletion_protection"),
        ("dimension", 2, 400, "dimension"),
    ],
)
async def test_an_index_that_is_refused(asked: Asked, path: str, value: object, status: int, words: str) -> None:
    refused = await asked.post("", "/indexes", changed(INDEX, path, value))
    assert (refused.status_code, refused.json()["status"]) == (status, status)
    assert words in refused.json()["error"]["message"]
    assert (await asked.post("", "/indexes", INDEX)).status_code == 201


@pytest.mark.parametrize(
    ("path", "value", "status"),
    [
        ("embed.model", "word2vec", 404),
        ("embed.field_map", {}, 400),
        ("embed.dimension", 7, 400),
        ("region", "eu-north-7", 404),
        ("name", "texts", 409),
    ],
)
async def test_an_index_that_embeds_and_is_refused(asked: Asked, path: str, value: object, status: int) -> None:
    good = {**EMBEDS, "name": "more-texts"}
    assert (await asked.post("", "/indexes/create-for-model", changed(good, path, value))).status_code == status
    assert (await asked.post("", "/indexes/create-for-model", good)).status_code == 201


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("vectors", [], "vectors"),
        ("vectors", [{"id": f"v{n}", "values": [1, 0]} for n in range(1001)], "at most 1000"),
        ("vectors.0.id", "", "id"),
        ("vectors.0.id", "x" * 513, "id"),
        ("vectors.0.id", "é", "id"),
        ("vectors.0.id", 7, "id"),
        ("vectors.0.values", [1, 0, 0], "Vector dimension 3 does not match the dimension of the index 2"),
        ("vectors.0.values", [0, 0], "non-zero"),
        ("vectors.0.values", ["1", "0"], "values"),
        ("vectors.0.metadata", {"version": None}, "version"),
        ("vectors.0.metadata", {"place": {"page": 1}}, "place"),
        ("vectors.0.metadata", {"pages": [1, 2]}, "pages"),
        ("vectors.0.metadata", {"$version": 1}, "$version"),
        ("vectors.0.metadata", {"text": "x" * MAX_METADATA}, "Metadata size"),
        ("vectors.0.text", "Text.", "text"),
        ("namespace", "é", "namespace"),
        ("space", "n", "space"),
    ],
)
async def test_vectors_that_are_refused(asked: Asked, path: str, value: object, words: str) -> None:
    refused = await asked.post("vectors", "/vectors/upsert", changed(UPSERT, path, value))
    assert (refused.status_code, refused.json()["code"]) == (400, 3)
    assert words in refused.json()["message"]


async def test_what_is_just_within_the_limits_of_an_upsert_is_taken(asked: Asked) -> None:
    vectors = [{"id": f"{n:0512}", "values": [1, 0]} for n in range(1000)]
    vectors[0]["metadata"] = {"text": "x" * (MAX_METADATA - 20), "sure": True, "share": 0.5, "roles": ["a", "b"]}
    assert (await asked.post("vectors", "/vectors/upsert", {"vectors": vectors})).status_code == 400
    vectors[0]["metadata"] = {"text": "x" * (MAX_METADATA - 70), "sure": True, "share": 0.5, "roles": ["a", "b"]}
    assert (await asked.post("vectors", "/vectors/upsert", {"vectors": vectors})).json() == {"upsertedCount": 1000}


async def test_an_upsert_of_more_than_two_megabytes_is_refused(asked: Asked) -> None:
    body = json.dumps(UPSERT).encode()
    assert (await asked.post("vectors", "/vectors/upsert", body.ljust(MAX_UPSERT))).status_code == 200
    assert (await asked.post("vectors", "/vectors/upsert", body.ljust(MAX_UPSERT + 1))).status_code == 413
    texts = records(1)
    assert (await asked.post("texts", RECORDS, texts.ljust(MAX_UPSERT), **NDJSON)).status_code == 201
    assert (await asked.post("texts", RECORDS, texts.ljust(MAX_UPSERT + 1), **NDJSON)).status_code == 413


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("topK", 0),
        ("topK", 10_001),
        ("topK", ...),
        ("vector", ...),
        ("vector", [1, 0, 0]),
        ("id", "a"),
        ("filter", {"$gt": 1}),
        ("filter", {"version": {"$in": list(range(10_001))}}),
        ("top_k", 3),
    ],
)
async def test_a_query_that_is_refused(asked: Asked, path: str, value: object) -> None:
    assert (await asked.post("vectors", "/query", changed(QUERY, path, value))).status_code == 400
    good = {**QUERY, "topK": 10_000, "filter": {"version": {"$in": list(range(10_000))}}}
    (match,) = (await asked.post("vectors", "/query", good)).json()["matches"]
    assert match == {"id": "a", "score": 1}


async def test_a_result_of_more_than_four_megabytes_is_refused(asked: Asked) -> None:
    full = {"text": "x" * 40_000}
    for start in (0, 40, 80):
        vectors = [{"id": f"v{n}", "values": [1, 0], "metadata": full} for n in range(start, start + 40)]
        assert (await asked.post("vectors", "/vectors/upsert", {"vectors": vectors})).status_code == 200
    query = {"topK": 120, "vector": [1, 0], "includeMetadata": True}
    assert (await asked.post("vectors", "/query", query)).status_code == 400
    assert (await asked.post("vectors", "/query", {**query, "topK": 99})).status_code == 200
    assert (await asked.post("vectors", "/query", {**query, "includeMetadata": False})).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": []},
        {"ids": [f"v{n}" for n in range(1001)]},
        {"ids": ["a"], "deleteAll": True},
        {"ids": ["a"], "filter": {"version": 1}},
        {"filter": {}},
        {"filter": {"version": {"$like": 1}}},
    ],
)
async def test_a_delete_that_is_refused(asked: Asked, body: dict[str, Any]) -> None:
    assert (await asked.post("vectors", "/vectors/delete", {"namespace": "n", **body})).status_code == 400


@pytest.mark.parametrize(
    "good", [{"ids": ["a", *(f"v{n}" for n in range(999))]}, {"deleteAll": True}, {"filter": {"version": {"$lt": 2}}}]
)
async def test_a_delete_by_ids_by_filter_or_of_all(asked: Asked, good: dict[str, Any]) -> None:
    assert (await asked.post("vectors", "/vectors/delete", {"namespace": "n", **good})).json() == {}
    assert (await asked.post("vectors", "/query", QUERY)).json()["matches"] == []


async def test_a_namespace_that_is_not_there_is_empty_to_a_reader_and_missing_to_a_delete(asked: Asked) -> None:
    assert (await asked.post("vectors", "/query", {**QUERY, "namespace": "m"})).json()["matches"] == []
    assert (await asked.get("vectors", "/vectors/list?namespace=m")).json()["vectors"] == []
    missing = await asked.post("vectors", "/vectors/delete", {"namespace": "m", "ids": ["a"]})
    assert (missing.status_code, missing.json()["code"]) == (404, 5)


async def test_an_update_changes_what_it_names_and_makes_nothing(asked: Asked) -> None:
    update = {"namespace": "n", "id": "a", "values": [0, 1], "setMetadata": {"page": 3}}
    assert (await asked.post("vectors", "/vectors/update", update)).json() == {}
    assert (await asked.post("vectors", "/vectors/update", {**update, "id": "b"})).json() == {}
    assert (await asked.post("vectors", "/vectors/update", {**update, "values": [1]})).status_code == 400
    found = (await asked.get("vectors", "/vectors/fetch?ids=a&ids=b&namespace=n")).json()["vectors"]
    assert found == {"a": {"id": "a", "values": [0, 1], "metadata": {"version": 1.0, "page": 3.0}}}


@pytest.mark.parametrize(
    "query",
    ["namespace=n", "namespace=n&" + "&".join(f"ids=v{n}" for n in range(1001)), "ids=%C3%A9", "ids=a&limit=1"],
)
async def test_a_fetch_that_is_refused(asked: Asked, query: str) -> None:
    assert (await asked.get("vectors", f"/vectors/fetch?{query}")).status_code == 400
    most = "&".join(f"ids=v{n}" for n in range(1000))
    assert (await asked.get("vectors", f"/vectors/fetch?{most}")).status_code == 200


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "paginationToken=%21", "offset=3"])
async def test_a_list_that_is_refused(asked: Asked, query: str) -> None:
    assert (await asked.get("vectors", f"/vectors/list?namespace=n&{query}")).status_code == 400


async def test_a_list_has_pages_of_ids_in_order(asked: Asked) -> None:
    vectors = [{"id": f"v{n}", "values": [1, 0]} for n in (3, 1, 2)]
    await asked.post("vectors", "/vectors/upsert", {"namespace": "n", "vectors": vectors})
    first = (await asked.get("vectors", "/vectors/list?namespace=n&prefix=v&limit=2")).json()
    assert [one["id"] for one in first["vectors"]] == ["v1", "v2"]
    token = first["pagination"]["next"]
    last = (await asked.get("vectors", f"/vectors/list?namespace=n&prefix=v&limit=2&paginationToken={token}")).json()
    assert [one["id"] for one in last["vectors"]] == ["v3"]
    assert "pagination" not in last


async def test_statistics_count_each_namespace_and_take_no_filter(asked: Asked) -> None:
    await asked.post("vectors", "/vectors/upsert", {"vectors": UPSERT["vectors"]})
    stats = (await asked.post("vectors", "/describe_index_stats", {})).json()
    assert stats["namespaces"] == {"n": {"vectorCount": 1}, "__default__": {"vectorCount": 1}}
    assert (stats["dimension"], stats["totalVectorCount"]) == (2, 2)
    assert (await asked.post("vectors", "/describe_index_stats", {"filter": {"version": 1}})).status_code == 400


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (records(97), NDJSON),
        (b"", NDJSON),
        (b"[1]", NDJSON),
        (b'{"_id": "r"', NDJSON),
        (records(1, _id=7), NDJSON),
        (records(1, text=7), NDJSON),
        (records(1, text="x" * MAX_METADATA), NDJSON),
        (records(1, page=None), NDJSON),
        (records(1), {"content-type": "application/json"}),
    ],
)
async def test_records_that_are_refused(asked: Asked, body: bytes, headers: dict[str, str]) -> None:
    refused = await asked.post("texts", RECORDS, body, **headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "INVALID_ARGUMENT")
    assert (await asked.post("texts", RECORDS, records(96), **NDJSON)).status_code == 201


async def test_texts_are_for_an_index_that_embeds(asked: Asked) -> None:
    assert (await asked.post("vectors", RECORDS, records(1), **NDJSON)).status_code == 400
    assert (await asked.post("vectors", "/records/namespaces/n/search", SEARCH)).status_code == 400


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("query.top_k", 0),
        ("query.top_k", 10_001),
        ("query.inputs", {}),
        ("query.filter", {"page": {"$near": 1}}),
        ("rerank", {"model": "bge-reranker-v2-m3"}),
        ("rerank", {"model": "bge-reranker-v2-m3", "rank_fields": ["body"]}),
        ("top_k", 3),
    ],
)
async def test_a_search_by_text_that_is_refused(asked: Asked, path: str, value: object) -> None:
    at = "/records/namespaces/n/search"
    assert (await asked.post("texts", at, changed(SEARCH, path, value))).status_code == 400
    good = {**SEARCH, "fields": ["text"], "rerank": {"model": "bge-reranker-v2-m3", "rank_fields": ["text"]}}
    (hit,) = (await asked.post("texts", at, good)).json()["result"]["hits"]
    assert hit == {"_id": "r0", "_score": 1, "fields": {"text": "annual leave"}}


@pytest.mark.parametrize(
    ("path", "value", "status"),
    [
        ("model", "word2vec", 404),
        ("inputs", [], 400),
        ("inputs", [{"text": "leave"}] * 97, 400),
        ("inputs.0", {"body": "leave"}, 400),
        ("parameters", {}, 400),
        ("parameters", {"input_type": "document"}, 400),
        ("parameters.dimension", 512, 400),
        ("parameters.truncate", "MIDDLE", 200),  # nothing is too long
        ("parameters.temperature", 1, 400),
    ],
)
async def test_texts_that_are_not_embedded(asked: Asked, path: str, value: object, status: int) -> None:
    assert (await asked.post("", "/embed", changed(EMBED, path, value))).status_code == status
    most = (await asked.post("", "/embed", {**EMBED, "inputs": EMBED["inputs"] * 96})).json()
    assert [len(one["values"]) for one in most["data"]] == [1024] * 96


@pytest.mark.parametrize(("how", "status"), [("END", 200), ("START", 200), ("NONE", 400), ("MIDDLE", 400)])
async def test_a_text_that_is_too_long_is_cut_or_refused_as_the_request_says(
    asked: Asked, how: str, status: int
) -> None:
    long = {**EMBED, "inputs": [{"text": "leave " * 508}], "parameters": {"input_type": "query", "truncate": how}}
    assert (await asked.post("", "/embed", long)).status_code == status
    assert (await asked.post("", "/embed", {**long, "inputs": [{"text": "leave " * 507}]})).status_code == 200


@pytest.mark.parametrize(
    ("path", "value", "status"),
    [
        ("model", "word2vec", 404),
        ("query", "", 400),
        ("documents", [], 400),
        ("documents", [{"text": "leave"}] * 101, 400),
        ("documents.0", {"body": "leave"}, 400),
        ("documents.0.text", "leave " * 1023, 400),
        ("rank_fields", ["text", "title"], 400),
        ("top_n", 0, 400),
        ("parameters", {"temperature": 1}, 400),
    ],
)
async def test_documents_that_are_not_ranked(asked: Asked, path: str, value: object, status: int) -> None:
    assert (await asked.post("", "/rerank", changed(RERANK, path, value))).status_code == status
    most = {**RERANK, "documents": [{"text": "leave " * 1022}] * 100}
    assert (await asked.post("", "/rerank", most)).status_code == 200


@pytest.mark.parametrize(("host", "path", "good"), [("", "/embed", EMBED), ("vectors", "/query", QUERY)])
async def test_a_body_that_is_no_object_and_one_of_another_type_are_refused(
    asked: Asked, host: str, path: str, good: dict[str, Any]
) -> None:
    for body in (b"", b"[1]", b"{"):
        assert (await asked.post(host, path, body)).status_code == 400
    assert (await asked.post(host, path, good, **{"content-type": "text/plain"})).status_code == 400
    assert (await asked.post(host, path, good)).status_code == 200


async def test_no_other_operation_is_known(asked: Asked) -> None:
    assert (await asked.post("", "/vectors/upsert", UPSERT)).status_code == 404
    assert (await asked.post("vectors", "/embed", EMBED)).status_code == 404
    assert (await asked.get("vectors", "/query")).status_code == 404


METADATA = {"year": 2026.0, "country": ["at", "de"], "sure": True, "name": "leave"}
HELD: list[dict[str, Any]] = [
    {},
    {"year": 2026},
    {"country": "at"},
    {"year": {"$eq": 2026}, "name": {"$ne": "pay"}},
    {"year": {"$gt": 2025, "$gte": 2026, "$lt": 2027, "$lte": 2026}},
    {"year": {"$in": [2025, 2026]}},
    {"country": {"$in": ["de", "it"]}},
    {"country": {"$nin": ["it"]}},
    {"page": {"$exists": False}, "sure": {"$exists": True}},
    {"$or": [{"year": 1}, {"$and": [{"sure": True}, {"name": "leave"}]}]},
    {"$and": [{"country": "at"}, {"country": "de"}]},
    {"name": {"$not": {"$eq": "pay"}}},
]
NOT_HELD: list[dict[str, Any]] = [
    {"year": 2025},
    {"country": "it"},
    {"sure": 1},
    {"name": {"$ne": "leave"}},
    {"year": {"$gt": 2026}},
    {"year": {"$gte": 2027}},
    {"year": {"$lt": 2026}},
    {"year": {"$lte": 2025}},
    {"name": {"$gt": 0}},
    {"year": {"$in": [2025]}},
    {"country": {"$nin": ["de"]}},
    {"page": {"$exists": True}},
    {"$or": [{"year": 1}, {"$and": [{"sure": True}, {"name": "pay"}]}]},
    {"year": 2026, "name": "pay"},
    {"name": {"$not": {"$eq": "leave"}}},
]
WRONG: list[Any] = [
    [],
    {"year": [2026]},
    {"year": {}},
    {"year": None},
    {"year": {"$eq": [2026]}},
    {"year": {"$gt": "2025"}},
    {"year": {"$gt": True}},
    {"year": {"$in": 2026}},
    {"year": {"$in": [True]}},
    {"year": {"$exists": 1}},
    {"year": {"$regex": "2"}},
    {"year": {"$not": 2026}},
    {"$nor": [{"year": 1}]},
    {"$and": []},
    {"$or": {"year": 1}},
    {"$or": [{"year": {"$like": 1}}]},
]


@pytest.mark.parametrize("given", HELD, ids=json.dumps)
def test_a_filter_holds(given: dict[str, Any]) -> None:
    check_filter(given)
    assert matches(given, METADATA)


@pytest.mark.parametrize("given", NOT_HELD, ids=json.dumps)
def test_a_filter_does_not_hold(given: dict[str, Any]) -> None:
    check_filter(given)
    assert not matches(given, METADATA)


@pytest.mark.parametrize("given", WRONG, ids=json.dumps)
def test_a_filter_is_none(given: Any) -> None:
    with pytest.raises(Refused):
        check_filter(given)


async def test_an_index_is_not_served_before_it_is_ready() -> None:
    async with PineconeServer(unready=1) as server, AsyncPinecone(api_key="any", host=server.url) as client:
        made = await client.indexes.create(name="an-index", schema=INDEX["schema"], timeout=-1)
        assert made.status.ready is False
        async with httpx.AsyncClient() as http:
            upsert = {"content": json.dumps(UPSERT).encode(), "headers": HEADERS}
            assert (await http.post(f"{made.host}/vectors/upsert", **upsert)).status_code == 503
            assert [(await client.indexes.describe("an-index")).status.ready for _ in range(2)] == [False, True]
            assert (await http.post(f"{made.host}/vectors/upsert", **upsert)).status_code == 200


async def test_an_index_that_is_protected_is_not_deleted_until_it_is_not(server: PineconeServer) -> None:
    async with AsyncPinecone(api_key="a-key", host=server.url) as client:
        await client.indexes.create(name="an-index", schema=INDEX["schema"], deletion_protection="enabled", timeout=-1)
        with pytest.raises(ForbiddenError, match="Deletion protection"):
            await client.indexes.delete("an-index", timeout=-1)
        await client.indexes.configure("an-index", deletion_protection="disabled", tags={"for": "tests"})
        (listed,) = await client.indexes.list().to_list()
        assert (listed.name, listed.tags) == ("an-index", {"for": "tests"})
        await client.indexes.delete("an-index")
        with pytest.raises(NotFoundError):
            await client.indexes.describe("an-index")


@pytest.mark.parametrize(("status", "plain"), [(400, False), (402, False), (403, False), (429, True), (503, False)])
async def test_a_scripted_refusal_befalls_so_many_requests_to_a_path(
    server: PineconeServer, asked: Asked, status: int, plain: bool
) -> None:
    fault = Fault.model_validate({"kind": "refuse", "path": "/query", "status": status, "retry_after": 3, "times": 2})
    server.faults.add(fault)
    assert (await asked.post("vectors", "/vectors/upsert", UPSERT)).status_code == 200
    for _ in range(2):
        refused = await asked.post("vectors", "/query", QUERY)
        assert (refused.status_code, refused.headers["retry-after"]) == (status, "3")
        assert (refused.headers["content-type"] == "text/plain") == plain
    assert (await asked.post("vectors", "/query", QUERY)).status_code == 200


@pytest.mark.parametrize(("kind", "left"), [("drop", 1), ("lose", 0)])
async def test_a_connection_breaks_before_the_request_is_carried_out_or_after(
    server: PineconeServer, asked: Asked, kind: str, left: int
) -> None:
    server.faults.add(Fault.model_validate({"kind": kind, "path": "/vectors/delete"}))
    with pytest.raises(httpx.TransportError):
        await asked.post("vectors", "/vectors/delete", {"namespace": "n", "ids": ["a"]})
    assert len((await asked.post("vectors", "/query", QUERY)).json()["matches"]) == left


async def arrived(server: PineconeServer, before: int) -> bool:
    return len(server.requests) > before


async def test_a_slow_answer_comes_or_the_client_leaves(server: PineconeServer, asked: Asked) -> None:
    server.faults.add(Fault(kind="slow", path="/query"), Fault(kind="slow", path="/query", seconds=3600))
    assert (await asked.post("vectors", "/query", QUERY)).status_code == 200
    before = len(server.requests)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(asked.post, "vectors", "/query", QUERY)
        await until(lambda: arrived(server, before))
        tasks.cancel_scope.cancel()
    assert server.requests[before] == ("POST", "/query", 0), "the slow answer came"
    assert (await asked.post("vectors", "/query", QUERY)).status_code == 200


async def test_a_write_is_found_after_so_many_reads_in_the_order_of_the_writes() -> None:
    async with PineconeServer(lag=2, unready=0) as server, httpx.AsyncClient() as http:
        host = (await http.post(f"{server.url}/indexes", json=INDEX, headers=HEADERS)).json()["host"]
        asked = Asked(http, server.url, host, host)
        await asked.post("vectors", "/vectors/upsert", UPSERT)
        await asked.post("vectors", "/query", QUERY)
        await asked.post("vectors", "/vectors/delete", {"namespace": "n", "ids": ["a"]})
        counts = [len((await asked.post("vectors", "/query", QUERY)).json()["matches"]) for _ in range(3)]
        assert counts == [0, 1, 0]


@pytest.mark.parametrize("script", ["{}", '[{"kind": "burn"}]', '[{"kind": "drop", "often": 3}]', "no JSON"])
def test_a_script_of_faults_that_is_none_is_refused(tmp_path: Path, script: str) -> None:
    (path := tmp_path / "faults.json").write_text(script)
    with pytest.raises(InvalidInput, match=r"faults\.json"):
        read_faults(str(path))
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_faults(str(tmp_path / "absent.json"))


def test_a_script_of_faults(tmp_path: Path) -> None:
    (path := tmp_path / "faults.json").write_text('[{"kind": "slow", "path": "/query", "seconds": 2, "times": 3}]')
    assert read_faults(str(path)) == [Fault(kind="slow", path="/query", seconds=2, times=3)]
