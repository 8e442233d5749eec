"""Pinecone through its own client: vectors kept and found, its models, and its bad days."""

import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import anyio
import numpy as np
import pytest
from pinecone import AsyncPinecone

from backends.vectors.contracts import Item
from backends.vectors.pinecone.check import Findings, check, repair
from backends.vectors.pinecone.client import Patience
from backends.vectors.pinecone.embedder import PineconeEmbedder
from backends.vectors.pinecone.index import MAX_BYTES, MAX_VERSIONS, PineconeVectors
from backends.vectors.pinecone.opening import Address
from backends.vectors.pinecone.reranker import PineconeReranker
from backends.vectors.rerankers import open_reranker
from core.errors import InvalidInput, Unavailable
from tests.servers.pinecone.faults import Fault
from tests.servers.pinecone.server import PineconeServer
from tests.support.desks import PATIENCE
from tests.support.paths import ROOT
from tests.support.pinecones import KEY, KEY_ENV, MODEL, SOON, Place, in_the_end, item, unit_vector

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PineconeServer]:
    monkeypatch.setenv(KEY_ENV, "a-key")
    async with PineconeServer(key="a-key") as server:
        yield server


@pytest.fixture(params=["stand-in", "service"])
async def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    """The stand-in, then the service; a namespace of the test's own in either."""
    namespace = f"test-{uuid4().hex}"
    if request.param == "stand-in":
        monkeypatch.setenv(KEY_ENV, "a-key")
        async with PineconeServer(key="a-key") as server:
            yield Place(namespace=namespace, server=server)
        return
    if not KEY:
        pytest.skip("PINECONE_API_KEY is not set: the service itself is not asked")
    monkeypatch.setenv("PINECONE_API_KEY", KEY)
    yield Place(namespace=namespace)
    async with AsyncPinecone(api_key=KEY) as client:
        for index in await client.indexes.list().to_list():
            if index.name.startswith("rolltop-tests") and index.host:
                async with await client.index(host=index.host) as opened:
                    await opened.delete(delete_all=True, namespace=namespace)


@pytest.fixture
async def vectors(place: Place) -> AsyncIterator[PineconeVectors]:
    vectors = place.vectors()
    yield vectors
    await vectors.close()


async def test_what_was_put_is_found_nearest_first_among_the_versions_that_are_named(vectors: PineconeVectors) -> None:
    await vectors.put([item("far", 1, 2), item("near", 1, 0.1), item("other", 1, 0, version=2)])

    async def found() -> list[str]:
        return [id for id, _ in await vectors.nearest("", unit_vector(1), [1], 10)]

    await in_the_end(found, ["near", "far"])
    assert [id for id, _ in await vectors.nearest("", unit_vector(1), [2], 10)] == ["other"]
    assert [id for id, _ in await vectors.nearest("", unit_vector(1), [2, 1], 2)] == ["other", "near"]


async def test_a_score_is_the_cosine(vectors: PineconeVectors) -> None:
    await vectors.put([item("a", 3, 4)])

    async def found() -> list[float]:
        return [round(score, 3) for _, score in await vectors.nearest("", unit_vector(1), [1], 1)]

    await in_the_end(found, [0.6])


async def test_to_put_again_is_to_put_once_and_the_last_word_holds(vectors: PineconeVectors) -> None:
    await vectors.put([item("a", 1), item("b", 0, 1)])
    await vectors.put([item("a", 1), item("b", 0, 1, version=2)])

    async def found() -> list[str]:
        return [id for id, _ in await vectors.nearest("", unit_vector(1, 1), [1, 2], 10)]

    await in_the_end(found, ["a", "b"])
    await in_the_end(lambda: vectors.versions(["a", "b"]), {"a": 1, "b": 2})


async def test_to_remove_again_is_to_remove_once(vectors: PineconeVectors) -> None:
    await vectors.put([item("a", 1), item("b", 1)])
    for _ in range(2):
        await vectors.remove(["a", "never-there"])
    await in_the_end(vectors.ids, ["b"])


async def test_what_was_never_put_may_be_removed(place: Place) -> None:
    vectors, absent = place.vectors(), place.vectors(f"absent-{uuid4().hex[:8]}")
    await vectors.put([])
    await absent.remove(["a"])
    await vectors.remove(["a"])
    await vectors.close()
    await absent.close()


async def test_more_versions_than_one_list_takes(vectors: PineconeVectors) -> None:
    most = MAX_VERSIONS + 7
    await vectors.put([item("first", 1, version=1), item("last", 1, 1, version=most)])

    async def found() -> list[str]:
        return [id for id, _ in await vectors.nearest("", unit_vector(1), range(1, most + 1), 10)]

    await in_the_end(found, ["first", "last"])


async def test_a_vector_of_zeros_is_kept_and_never_found(vectors: PineconeVectors) -> None:
    nothing = Item(id="nothing", version=1, text="...", vector=np.zeros(8, dtype=np.float32))
    await vectors.put([nothing, item("a", 1)])
    await in_the_end(vectors.ids, ["a", "nothing"])
    await in_the_end(lambda: vectors.versions(["nothing"]), {"nothing": 1})
    assert [id for id, _ in await vectors.nearest("", unit_vector(1), [1], 10)] == ["a"]
    assert await vectors.nearest("", np.zeros(8, dtype=np.float32), [1], 10) == []


async def test_a_check_finds_what_is_too_much_missing_or_of_another_version_and_a_repair_ends_it(
    vectors: PineconeVectors,
) -> None:
    truth = {"kept": item("kept", 1), "lost": item("lost", 1, 1), "moved": item("moved", 0, 1, version=7)}
    expected = {id: one.version for id, one in truth.items()}
    await vectors.put([truth["kept"], item("orphan", 1), item("moved", 0, 1, version=3)])
    await in_the_end(vectors.ids, ["kept", "moved", "orphan"])
    findings = await check(vectors, expected, 8)
    assert (findings.orphans, findings.missing, findings.misnumbered) == (["orphan"], ["lost"], ["moved"])

    async def items(ids: list[str]) -> list[Item]:
        return [truth[id] for id in ids]

    await repair(vectors, findings, items)

    async def good() -> bool:
        return (await check(vectors, expected, 8)).good

    await in_the_end(good, True)


async def test_an_index_of_another_dimension_is_told_and_has_to_be_made_anew(vectors: PineconeVectors) -> None:
    await vectors.put([item("a", 1)])
    short = Item(id="b", version=1, text="", vector=np.ones(4, dtype=np.float32))
    with pytest.raises(InvalidInput, match="vectors of 8, not vectors of 4: index the handbooks again"):
        await vectors.put([short])
    with pytest.raises(InvalidInput, match="index the handbooks again"):
        await vectors.nearest("", short.vector, [1], 10)
    findings = await check(vectors, {}, 4)
    assert findings.dimension == 8
    with pytest.raises(InvalidInput, match="takes vectors of 8"):
        await repair(vectors, findings, None)  # type: ignore[arg-type]  # nothing is put


async def test_pinecone_embeds_passages_and_questions_itself(place: Place) -> None:
    vectors = place.vectors("rolltop-tests-text", MODEL)
    texts = {"leave": "Everybody has 25 days of annual leave.", "pay": "Salaries are paid on the 25th of the month."}
    await vectors.put([Item(id=id, version=1, text=text) for id, text in texts.items()])

    async def found() -> list[str]:
        return [id for id, _ in await vectors.nearest("How many days of leave do I have?", None, [1], 10)]

    await in_the_end(found, ["leave", "pay"])
    assert await vectors.nearest("How many days of leave do I have?", None, [2], 10) == []
    assert await vectors.nearest(" ", None, [1], 10) == []
    assert await vectors.dimension() is None
    assert (await check(vectors, {"leave": 1, "pay": 1}, None)).good
    await vectors.close()


async def test_an_index_that_embeds_takes_no_vectors_and_one_of_vectors_no_texts(place: Place) -> None:
    embeds, keeps = place.vectors("rolltop-tests-text", MODEL), place.vectors()
    await embeds.put([Item(id="a", version=1, text="Text.")])
    await keeps.put([item("a", 1)])
    for wrong in (place.vectors("rolltop-tests", MODEL), place.vectors("rolltop-tests-text")):
        with pytest.raises(InvalidInput, match="is not one of"):
            await wrong.put([item("b", 1)])
        await wrong.close()
    with pytest.raises(InvalidInput, match="texts"):
        await embeds.nearest("Text.", unit_vector(1), [1], 1)
    with pytest.raises(InvalidInput, match="texts"):
        await keeps.nearest("Text.", None, [1], 1)
    await embeds.close()
    await keeps.close()


async def test_an_embedder_gives_a_row_a_text_however_many(place: Place) -> None:
    embedder = PineconeEmbedder.from_url(f"pinecone:{MODEL}?{place.host}")
    texts = [f"Paragraph {n} of the handbook." for n in range(97)]
    rows = await embedder.embed([*texts, " "], "passage")
    assert rows.shape == (98, embedder.dimension or 0)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows[:97], axis=1), 1, atol=1e-5)
    assert not rows[97].any()
    (first,) = await embedder.embed([texts[0]], "passage")
    assert np.allclose(rows[0], first, atol=1e-3)
    assert (await embedder.embed([], "query")).shape == (0, embedder.dimension or 0)
    await embedder.close()


async def test_an_embedder_of_a_dimension_that_was_chosen(place: Place) -> None:
    embedder = PineconeEmbedder.from_url(f"pinecone:llama-text-embed-v2?dimension=384&{place.host}")
    assert embedder.name == "pinecone:llama-text-embed-v2?dimension=384"
    assert (await embedder.embed(["Annual leave."], "query")).shape == (1, 384)
    await embedder.close()


async def test_a_reranker_gives_a_score_a_passage_in_their_order_however_many_and_long(place: Place) -> None:
    reranker = PineconeReranker.from_url(f"pinecone:bge-reranker-v2-m3?{place.host}")
    long = "The canteen opens at noon. " * 400
    texts = [long, "Parental leave lasts 14 months.", " ", *(f"Room {n} has a projector." for n in range(99))]
    scores = await reranker.rerank("How long is parental leave?", texts)
    assert len(scores) == 102
    assert max(scores) == scores[1]
    assert scores[2] == 0
    assert await reranker.rerank("How long is parental leave?", []) == []
    await reranker.close()


async def test_a_day_of_refusals_and_broken_connections_is_sat_out(server: PineconeServer) -> None:
    vectors = Place(namespace="n", server=server).vectors()
    await vectors.put([item("a", 1)])
    for path, act in (
        ("/vectors/upsert", lambda: vectors.put([item("b", 1)])),
        ("/vectors/delete", lambda: vectors.remove(["a"])),
        ("/query", lambda: vectors.nearest("", unit_vector(1), [1], 10)),
    ):
        before = len(server.requests)
        server.faults.add(
            Fault(kind="refuse", path=path, status=429, retry_after=0),
            Fault(kind="refuse", path=path, status=503),
            Fault(kind="drop", path=path),
            Fault(kind="lose", path=path),
        )
        await act()
        assert [status for _, asked, status in server.requests[before:] if asked == path] == [429, 503, 0, 0, 200]
    assert await vectors.ids() == ["b"]
    await vectors.close()


async def test_one_request_is_one_request_as_the_client_repeats_none_itself(server: PineconeServer) -> None:
    vectors = PineconeVectors(
        Address.from_url(f"pinecone:a?namespace=n&host={server.url}&key_env={KEY_ENV}"),
        patience=Patience(first=0.001, attempts=1),
    )
    await vectors.put([item("a", 1)])
    for path in ("/query", "/indexes"):
        server.faults.add(Fault(kind="refuse", path=path, status=503, times=9))
        before = len(server.requests)
        for _ in range(2):
            with pytest.raises(Unavailable, match="HTTP 503"):
                await vectors.nearest("", unit_vector(1), [1], 10)
        assert [asked.startswith(path) for _, asked, _ in server.requests[before:]].count(True) == 2
    await vectors.close()


async def test_the_service_is_left_alone_for_as_long_as_it_says_or_not_asked_again(server: PineconeServer) -> None:
    vectors = Place(namespace="n", server=server).vectors()
    await vectors.put([item("a", 1)])
    server.faults.add(Fault(kind="refuse", path="/query", status=429, retry_after=SOON.read + 1))
    before = len(server.requests)
    with pytest.raises(Unavailable, match="HTTP 429"):
        await vectors.nearest("", unit_vector(1), [1], 10)
    assert len(server.requests) - before == 1
    assert [id for id, _ in await vectors.nearest("", unit_vector(1), [1], 10)] == ["a"]
    await vectors.close()


async def test_an_answer_that_does_not_come_in_time_is_not_waited_for(server: PineconeServer) -> None:
    address = Address.from_url(f"pinecone:a?namespace=n&host={server.url}&key_env={KEY_ENV}")
    vectors = PineconeVectors(address, patience=Patience(first=0.001, read=1))
    await vectors.put([item("a", 1)])
    server.faults.add(Fault(kind="slow", path="/query", seconds=3600))
    with pytest.raises(Unavailable, match="within 1 seconds"):
        await vectors.nearest("", unit_vector(1), [1], 10)
    assert [id for id, _ in await vectors.nearest("", unit_vector(1), [1], 10)] == ["a"]
    await vectors.close()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, f"does not know the key in {KEY_ENV}"),
        (402, "a bill to pay"),
        (403, "a quota is used up"),
        (400, "not one that it"),
    ],
)
async def test_a_refusal_for_good_says_what_to_do_and_is_not_repeated(
    server: PineconeServer, status: int, words: str
) -> None:
    vectors = Place(namespace="n", server=server).vectors()
    server.faults.add(Fault.model_validate({"kind": "refuse", "status": status}))
    with pytest.raises(InvalidInput, match=words):
        await vectors.put([item("a", 1)])
    assert len(server.requests) == 1
    await vectors.close()


async def test_what_was_written_is_found_after_a_while_and_nothing_else_goes_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(KEY_ENV, "any")
    async with PineconeServer(lag=3) as server:
        vectors = Place(namespace="n", server=server).vectors()
        await vectors.put([item("a", 1)])
        assert [await vectors.nearest("", unit_vector(1), [1], 10) for _ in range(3)] == [[], [], []]
        assert [id for id, _ in await vectors.nearest("", unit_vector(1), [1], 10)] == ["a"]
        await vectors.remove(["a"])
        assert [id for id, _ in await vectors.nearest("", unit_vector(1), [1], 10)] == ["a"]
        findings = await check(vectors, {"a": 1}, 8)
        assert findings == Findings(orphans=[], missing=[], misnumbered=[])
        assert (await check(vectors, {"a": 1}, 8)).missing == ["a"]
        await vectors.close()


async def test_a_passage_without_its_vector_makes_no_index(server: PineconeServer) -> None:
    vectors = Place(namespace="n", server=server).vectors()
    with pytest.raises(InvalidInput, match="passage a has no vector"):
        await vectors.put([Item(id="a", version=1, text="Text.")])
    assert server.requests == []
    await vectors.put([item("b", 1)])
    with pytest.raises(InvalidInput, match="passage a has no vector of 8"):
        await vectors.put([item("b", 1), Item(id="a", version=1, text="Text.")])
    await vectors.close()


async def test_many_and_large_passages_go_in_requests_that_are_small_enough(server: PineconeServer) -> None:
    vectors, wide = Place(namespace="n", server=server).vectors(), np.full(3000, 0.1234567, dtype=np.float32)
    await vectors.put([item(f"p{n:04}", 1, n) for n in range(1001)])
    assert len(await vectors.ids()) == 1001
    assert [path for _, path, _ in server.requests].count("/vectors/upsert") == 2
    large = Place(namespace="n", server=server).vectors("large")
    assert 60 * len(json.dumps(wide.tolist())) > MAX_BYTES
    await large.put([Item(id=f"p{n}", version=1, text="", vector=wide) for n in range(60)])
    assert len(await large.ids()) == 60
    texts = Place(namespace="n", server=server).vectors("texts", MODEL)
    await texts.put([Item(id=f"t{n}", version=1, text=f"{n} " + "word " * 6000) for n in range(97)])
    assert len(await texts.ids()) == 97
    assert {status for _, _, status in server.requests} == {200, 201, 404}
    for one in (vectors, large, texts):
        await one.close()


async def test_a_passage_that_pinecone_cannot_keep_is_refused_by_its_id(server: PineconeServer) -> None:
    texts = Place(namespace="n", server=server).vectors("texts", MODEL)
    with pytest.raises(InvalidInput, match="passage p has 4"):
        await texts.put([Item(id="p", version=1, text="x" * 45_000)])
    await texts.close()


async def test_an_index_that_somebody_deleted_is_an_error_once_and_then_made_anew(server: PineconeServer) -> None:
    vectors = Place(namespace="n", server=server).vectors()
    with pytest.raises(InvalidInput, match="there is no Pinecone index rolltop-tests"):
        await vectors.nearest("", unit_vector(1), [1], 10)
    await vectors.put([item("a", 1)])
    async with AsyncPinecone(api_key="a-key", host=server.url) as client:
        await client.indexes.delete("rolltop-tests")
    with pytest.raises(InvalidInput, match="there is no such index"):
        await vectors.put([item("b", 1)])
    await vectors.put([item("b", 1)])
    assert await vectors.ids() == ["b"]
    await vectors.close()


async def test_two_who_make_the_index_at_once_make_one(server: PineconeServer) -> None:
    both = [Place(namespace=f"n{n}", server=server).vectors() for n in range(2)]
    async with anyio.create_task_group() as tasks:
        for vectors in both:
            tasks.start_soon(vectors.put, [item("a", 1)])
    for vectors in both:
        assert await vectors.ids() == ["a"]
        await vectors.close()
    assert [status for _, path, status in server.requests if path == "/indexes"].count(201) == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("pinecone:a", "namespace that no other installation uses"),
        ("pinecone:a?namespace=n&nearness=1", "takes cloud, host, key_env, model, namespace, region, each once"),
        ("pinecone:a?namespace=n&namespace=m", "each once"),
        ("pinecone:?namespace=n", "name after the colon"),
        ("pinecone:a?namespace=n&host=127.0.0.1:5080", "host is http://"),
        ("pinecone:a?namespace=n&host=http://u:p@127.0.0.1", "without a user"),
    ],
)
def test_a_url_that_means_nothing_says_what_would(url: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        Address.from_url(url)


def test_without_a_key_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PINECONE_API_KEY", raising=False)
    with pytest.raises(InvalidInput, match="set the environment variable PINECONE_API_KEY"):
        open_reranker("pinecone:bge-reranker-v2-m3")
    monkeypatch.setenv("PINECONE_API_KEY", "no\nkey")
    with pytest.raises(InvalidInput, match="characters that no key has"):
        open_reranker("pinecone:bge-reranker-v2-m3")


def test_a_reranker_is_picked_by_its_url() -> None:
    assert open_reranker("") is None
    with pytest.raises(InvalidInput, match="unknown reranker 'cohere'"):
        open_reranker("cohere:rerank")


async def test_the_stand_in_runs_from_a_command_line_with_a_script_of_faults(
    tmp_path: Path,
) -> None:
    script = tmp_path / "faults.json"
    script.write_text(json.dumps([{"kind": "refuse", "path": "/query", "status": 503}]))
    command = [sys.executable, "-m", "tests.servers.pinecone", "--port", "0", "--faults", str(script)]
    with anyio.fail_after(PATIENCE):
        async with await anyio.open_process(command, stderr=None, cwd=ROOT) as process:
            try:
                assert process.stdout is not None
                host = (await process.stdout.receive()).decode().strip()
                address = Address.from_url(f"pinecone:a?namespace=n&host={host}")
                vectors = PineconeVectors(address, patience=SOON)
                await vectors.put([item("a", 1)])
                assert [id for id, _ in await vectors.nearest("", unit_vector(1), [1], 10)] == ["a"]
                await vectors.close()
            finally:
                process.terminate()
            assert await process.wait() == -signal.SIGTERM
