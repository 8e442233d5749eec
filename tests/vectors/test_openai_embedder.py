"""An OpenAI embedder through the real SDK, against a server that answers and refuses as OpenAI does."""

import base64
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
from openai import AsyncOpenAI

from backends.vectors.openai.embedder import ATTEMPTS, MAX_BYTES, OpenAIEmbedder
from backends.vectors.opening import open_embedder
from core.canonical import Json
from core.errors import InvalidInput, Unavailable
from tests.servers.faults.parts import Drop, Hang, Page, Refuse
from tests.support.embedding_server import Asked, Change, EmbeddingServer, Fault

MODEL = "text-embedding-3-small"
TEXTS = ["Annual leave", "Sick pay, from the first day", "Übernachtung 🙂", "Pension", "Notice"]


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
async def server() -> AsyncIterator[EmbeddingServer]:
    async with EmbeddingServer() as server:
        yield server


@pytest.fixture
async def embedder(server: EmbeddingServer) -> AsyncIterator[OpenAIEmbedder]:
    made = OpenAIEmbedder(MODEL, base_url=server.url, first_pause=0)
    yield made
    await made.close()


def expected(server: EmbeddingServer, texts: list[str], width: int | None = None) -> list[np.ndarray]:
    rows = [server.vector(text, width) for text in texts]
    return [row / np.linalg.norm(row) for row in rows]


@pytest.mark.parametrize("knows_base64", [True, False], ids=["base64", "numbers"])
async def test_vectors_have_length_one_and_the_order_of_the_texts_whatever_the_answer_looks_like(
    server: EmbeddingServer, embedder: OpenAIEmbedder, knows_base64: bool
) -> None:
    server.knows_base64 = knows_base64
    vectors = await embedder.embed(TEXTS, "passage")
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected(server, TEXTS), atol=1e-6)
    assert embedder.dimension == 12
    assert [asked.input for asked in server.asked] == [TEXTS]
    assert server.asked[0].model == MODEL


async def test_many_texts_become_requests_within_the_limits(server: EmbeddingServer, embedder: OpenAIEmbedder) -> None:
    texts = [f"paragraph {n}" for n in range(2500)] + [f"{n} " + "Urlaub für alle. " * 200 for n in range(120)]
    vectors = await embedder.embed(texts, "passage")
    assert server.refused == []
    assert [text for asked in server.asked for text in asked.input] == texts
    assert len(server.asked[0].input) == 2048
    assert len(server.asked) == 1 + -(-sum(len(text.encode()) for text in texts[2048:]) // MAX_BYTES)
    some = [0, 2047, 2048, 2619]
    np.testing.assert_allclose(vectors[some], expected(server, [texts[n] for n in some]), atol=1e-6)


async def test_of_a_text_that_may_be_too_long_the_beginning_counts(
    server: EmbeddingServer, embedder: OpenAIEmbedder
) -> None:
    await embedder.embed(["ä" * 10_000, "x" + "ä" * 10_000, "a " * 4096], "passage")
    assert server.refused == []
    assert server.asked[0].input == ["ä" * 4096, "x" + "ä" * 4095, "a " * 4096]


async def test_texts_without_a_word_are_zeros_and_not_sent(server: EmbeddingServer, embedder: OpenAIEmbedder) -> None:
    vectors = await embedder.embed(["leave", "", " ?! ", "pay"], "passage")
    assert vectors.any(axis=1).tolist() == [True, False, False, True]
    assert server.asked[0].input == ["leave", "pay"]
    assert (await embedder.embed([""], "query")).shape == (1, 12)
    assert (await embedder.embed([], "query")).shape == (0, 12)
    assert len(server.asked) == 1


async def test_zeros_have_the_models_dimension_even_before_the_first_vector(embedder: OpenAIEmbedder) -> None:
    assert (await embedder.embed([], "query")).shape == (0, 0)
    assert (await embedder.embed(["?"], "query")).tolist() == [[0.0] * 12]


async def test_half_a_surrogate_pair_is_sent_as_a_mark(server: EmbeddingServer, embedder: OpenAIEmbedder) -> None:
    await embedder.embed(["leave \ud83d"], "query")
    assert server.asked[0].input == ["leave ?"]


async def test_shorter_vectors_are_asked_for_and_expected(server: EmbeddingServer) -> None:
    embedder = open_embedder(f"openai:{MODEL}?dimensions=5&base_url={server.url}")
    assert embedder is not None
    assert embedder.dimension == 5
    assert embedder.name == f"openai:{MODEL}?base_url={server.url}&dimensions=5"
    np.testing.assert_allclose(await embedder.embed(TEXTS, "query"), expected(server, TEXTS, 5), atol=1e-6)
    assert server.asked[0].dimensions == 5
    await embedder.close()


async def test_a_server_that_does_not_shorten_is_an_error(server: EmbeddingServer) -> None:
    server.obeys_dimensions = False
    embedder = OpenAIEmbedder(MODEL, dimensions=5, base_url=server.url)
    with pytest.raises(InvalidInput, match="12 numbers, not 5"):
        await embedder.embed(["leave"], "query")
    await embedder.close()


async def test_another_dimension_in_mid_course_is_an_error(server: EmbeddingServer, embedder: OpenAIEmbedder) -> None:
    await embedder.embed(["leave"], "query")
    server.width = 9
    with pytest.raises(InvalidInput, match="9 numbers, not 12"):
        await embedder.embed(["leave"], "query")


@pytest.mark.parametrize(
    "fault",
    [
        Refuse("rate_limit"),
        Refuse("rate_limit", retry_after=0),
        Refuse("overloaded"),
        Refuse("server_error"),
        Refuse("timeout"),
        Drop(),
        Drop(reset=True),
        Page("<html>Bad gateway</html>", 502),
        Page("<html>Welcome</html>"),
        Page("{", content_type="application/json"),
    ],
    ids=repr,
)
async def test_what_may_succeed_later_is_asked_again(
    server: EmbeddingServer, embedder: OpenAIEmbedder, fault: Fault
) -> None:
    server.faults = [fault] * (ATTEMPTS - 1)
    np.testing.assert_allclose(await embedder.embed(TEXTS, "query"), expected(server, TEXTS), atol=1e-6)
    assert len(server.asked) == ATTEMPTS


@pytest.mark.parametrize("fault", [Refuse("overloaded"), Drop(), Page("<html>")], ids=repr)
async def test_what_never_succeeds_ends_as_unavailable_after_so_many_requests(
    server: EmbeddingServer, embedder: OpenAIEmbedder, fault: Fault
) -> None:
    server.faults = [fault] * 20
    with pytest.raises(Unavailable, match=MODEL):
        await embedder.embed(["leave"], "query")
    assert len(server.asked) == ATTEMPTS


@pytest.mark.parametrize(
    ("name", "requests"),
    [("quota", 1), ("auth", 1), ("permission", 1), ("not_found", 1), ("too_large", 1), ("invalid_request", 4)],
)
async def test_what_the_service_refuses_is_asked_again_only_in_other_forms(
    server: EmbeddingServer, embedder: OpenAIEmbedder, name: str, requests: int
) -> None:
    server.faults = [Refuse(name)] * 9  # type: ignore[arg-type]  # a parameter is a str to mypy
    with pytest.raises(InvalidInput, match=MODEL):
        await embedder.embed(["a secret of Ann's"], "query")
    assert len(server.asked) == requests


def only(taken: Callable[[Asked], bool], status: int, body: Json) -> Callable[[Asked], tuple[int, Json] | None]:
    return lambda asked: None if taken(asked) else (status, body)


def at_most(count: int) -> Callable[[Asked], bool]:
    return lambda asked: len(asked.input) <= count


def as_numbers(asked: Asked) -> bool:
    return asked.encoding_format == "float"


def unsaid(asked: Asked) -> bool:
    return "encoding_format" not in asked.model_fields_set


def short(asked: Asked) -> bool:
    return max(len(text.encode()) for text in asked.input) <= 2000


LONG = "not larger than 10.: input.contents"


@pytest.mark.parametrize(
    ("taken", "status", "body", "refusals"),
    [
        (as_numbers, 400, {"error": {"message": "encoding_format must be float"}}, 2),
        (as_numbers, 422, {"detail": [{"loc": ["body", "encoding_format"], "msg": "Input should be 'float'"}]}, 2),
        (as_numbers, 415, {"error": "unsupported"}, 2),
        (as_numbers, 500, {"error": {"message": "base64 is not implemented"}}, 2),
        (unsaid, 422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "encoding_format"]}]}, 3),
        (at_most(10), 400, {"error": {"message": f"<400> InternalError.Algo: batch size is invalid, {LONG}"}}, 1),
        (at_most(32), 413, {"error": "batch size 99 > maximum allowed batch size 32", "error_type": "Validation"}, 1),
        (at_most(3), 422, {"error": {"message": "Too many inputs in request, split into more batches."}}, 4),
        (at_most(1), 400, {"error": {"message": "input must be a string"}}, 5),
        (at_most(16), 500, {"error": {"message": "failed to decode the batch: llama_decode returned -1"}}, 1),
        (short, 400, {"error": {"message": "Input is longer than the maximum context length of 512 tokens"}}, 3),
        (short, 413, {"error": "`inputs` must have less than 512 tokens. Given: 2000"}, 3),
        (lambda asked: at_most(8)(asked) and as_numbers(asked), 400, {"message": "Bad request"}, 5),
    ],
)
async def test_a_server_is_asked_in_the_form_the_number_and_the_length_that_it_takes(
    server: EmbeddingServer,
    embedder: OpenAIEmbedder,
    taken: Callable[[Asked], bool],
    status: int,
    body: Json,
    refusals: int,
) -> None:
    server.takes = only(taken, status, body)
    texts = [f"paragraph {n}" for n in range(50)] + ["leave " * 1300]
    told = [*texts[:-1], texts[-1][:1950]] if taken is short else texts
    np.testing.assert_allclose(await embedder.embed(texts, "passage"), expected(server, told), atol=1e-6)
    before = len(server.refused)
    assert before == refusals
    await embedder.embed([f"other {n}" for n in range(50)], "passage")
    assert len(server.refused) == before


def of_the_last(value: object) -> Change:
    return lambda data: [{**item, "embedding": value} if item["index"] == len(data) - 1 else item for item in data]


@pytest.mark.parametrize("vector", [None, [], "", [None] * 12, [0.0] * 12, [0.5] * 11 + [float("nan")], [1e300] * 12])
async def test_a_text_without_a_vector_is_asked_for_again_and_then_has_zeros_and_the_others_their_vectors(
    server: EmbeddingServer, embedder: OpenAIEmbedder, vector: object
) -> None:
    server.faults = [of_the_last(vector)]
    np.testing.assert_allclose(await embedder.embed(TEXTS, "passage"), expected(server, TEXTS), atol=1e-6)
    assert [asked.input for asked in server.asked] == [TEXTS, TEXTS[-1:]]
    server.faults = [of_the_last(vector)] * 2
    rows = await embedder.embed(TEXTS, "passage")
    np.testing.assert_allclose(rows[:-1], expected(server, TEXTS[:-1]), atol=1e-6)
    assert not rows[-1].any()
    server.faults = [of_the_last(vector)] * 2
    assert not (await embedder.embed(TEXTS[:1], "query")).any()
    server.faults = [of_the_last(vector) for _ in range(3 * ATTEMPTS)]
    with pytest.raises(Unavailable, match="without a direction"):
        await embedder.embed(TEXTS[:1], "query")


@pytest.mark.parametrize("index", [None, 0])
async def test_vectors_without_places_of_their_own_are_in_the_order_of_the_texts(
    server: EmbeddingServer, embedder: OpenAIEmbedder, index: int | None
) -> None:
    server.faults = [lambda data: [{**item, "index": index} for item in reversed(data)]]
    np.testing.assert_allclose(await embedder.embed(TEXTS, "passage"), expected(server, TEXTS), atol=1e-6)


async def test_an_error_in_a_good_answer_is_that_error(server: EmbeddingServer, embedder: OpenAIEmbedder) -> None:
    server.faults = [Page('{"error": {"code": "insufficient_quota"}}', content_type="application/json")]
    with pytest.raises(InvalidInput, match="insufficient_quota"):
        await embedder.embed(TEXTS, "query")


async def test_a_wait_longer_than_a_question_can_bear_is_not_waited(
    server: EmbeddingServer, embedder: OpenAIEmbedder
) -> None:
    server.faults = [Refuse("rate_limit", retry_after=40)]
    with pytest.raises(Unavailable, match="429"):
        await embedder.embed(["leave"], "query")
    assert len(server.asked) == 1


async def test_a_server_that_never_answers_is_left_when_patience_ends(server: EmbeddingServer) -> None:
    server.faults = [Hang()]
    embedder = OpenAIEmbedder(MODEL, base_url=server.url, patience={"query": 0.3, "passage": 0.3})
    with pytest.raises(Unavailable, match=r"within 0\.3 seconds"):
        await embedder.embed(["leave"], "query")
    np.testing.assert_allclose(await embedder.embed(["leave"], "query"), expected(server, ["leave"]), atol=1e-6)
    await embedder.close()


async def test_the_url_says_how_long_one_request_may_take_before_it_is_made_again(server: EmbeddingServer) -> None:
    server.faults = [Hang()]
    embedder = OpenAIEmbedder.from_url(f"openai:{MODEL}?base_url={server.url}&seconds=1")
    np.testing.assert_allclose(await embedder.embed(["leave"], "query"), expected(server, ["leave"]), atol=1e-6)
    assert len(server.asked) == 2
    await embedder.close()
    with pytest.raises(InvalidInput, match="seconds is a number from 1"):
        OpenAIEmbedder.from_url(f"openai:{MODEL}?base_url={server.url}&seconds=0")


def changed(**fields: object) -> Change:
    return lambda data: [{**data[0], **fields}, *data[1:]]


def without(field: str) -> Change:
    return lambda data: [{name: value for name, value in data[0].items() if name != field}, *data[1:]]


def base64_of(*numbers: float) -> str:
    return base64.b64encode(np.array(numbers, dtype="<f4").tobytes()).decode()


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[1:],
        lambda data: [*data, {**data[0], "index": 5}],
        lambda data: [],
        lambda data: None,
        lambda data: "vectors",
        lambda data: [None] * 5,
        changed(index=0),
        changed(index=-1),
        changed(index="4"),
        changed(index=[4]),
        without("index"),
        without("embedding"),
        changed(embedding="no base64!"),
        changed(embedding=base64.b64encode(b"seven..").decode()),
        changed(embedding=base64_of(*[0.5] * 11)),
        changed(embedding=[0.5] * 11),
        changed(embedding=[0.5] * 11 + [10**400]),
        changed(embedding=[0.5] * 11 + ["x"]),
        changed(embedding=[[0.5] * 12]),
        changed(embedding={"values": [0.5] * 12}),
    ],
)
async def test_vectors_that_are_not_those_asked_for_are_refused(
    server: EmbeddingServer, embedder: OpenAIEmbedder, change: Change
) -> None:
    server.faults = [change]
    np.testing.assert_allclose(await embedder.embed(TEXTS, "passage"), expected(server, TEXTS), atol=1e-6)
    assert len(server.asked) == 2
    server.faults = [change] * ATTEMPTS
    with pytest.raises(Unavailable, match="answered with"):
        await embedder.embed(TEXTS, "passage")


async def test_a_client_that_was_given_is_used_without_its_retries_and_left_open(server: EmbeddingServer) -> None:
    async with AsyncOpenAI(base_url=server.url, api_key="none", max_retries=5) as client:
        embedder = OpenAIEmbedder(MODEL, client=client, first_pause=0)
        server.faults = [Refuse("overloaded")] * 20
        with pytest.raises(Unavailable):
            await embedder.embed(["leave"], "query")
        assert len(server.asked) == ATTEMPTS
        await embedder.close()
        assert not client.is_closed()


def test_openai_itself_needs_a_key_and_another_server_none() -> None:
    with pytest.raises(InvalidInput, match="OPENAI_API_KEY"):
        open_embedder(f"openai:{MODEL}")
    other = open_embedder("openai:nomic-embed-text?base_url=http://127.0.0.1:11434/v1")
    assert other is not None
    assert other.name == "openai:nomic-embed-text?base_url=http://127.0.0.1:11434/v1"
    assert other.dimension is None


def test_a_name_holds_no_password() -> None:
    embedder = open_embedder("openai:any?base_url=http://ann:secret@127.0.0.1:9/v1")
    assert embedder is not None
    assert embedder.name == "openai:any?base_url=http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("openai:m?dimensions=0", "dimensions is a number"),
        ("openai:m?dimensions=-3", "dimensions is a number"),
        ("openai:m?dimensions=", "dimensions is a number"),
        ("openai:m?dimensions=²", "dimensions is a number"),
        ("openai:m?api=chat", "takes base_url, dimensions, key_env, seconds, each once"),
        ("openai:m?base_url=ftp://host", "base_url"),
        ("openai:?dimensions=3", "name after the colon"),
    ],
)
def test_a_url_that_means_nothing_is_refused(url: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        open_embedder(url)
