"""A model in a folder gives the vectors it was trained to give, or the folder is refused by name."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer, processors

from backends.vectors.bert.encoder import gelu
from backends.vectors.contracts import Embedder, Vectors
from backends.vectors.opening import open_embedder
from core.errors import InvalidInput
from tests.support import minilm, tiny_bert

TEXTS = [
    "How many days of holiday do I get?",
    "leave",
    "the notice of a week . is the pension sick ? travels by train",
    "Paying",
]


def opened(folder: Path) -> Embedder:
    embedder = open_embedder(f"folder:{folder}")
    assert embedder is not None
    return embedder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_bert.write(tmp_path / "model", tiny_bert.weights())


def ids(text: str) -> list[int]:
    tokenizer = tiny_bert.tokenizer()
    tokenizer.no_padding()
    tokenizer.no_truncation()
    found: list[int] = tokenizer.encode(text).ids
    return found


def by_loops(text: str, *, cls: bool = False) -> NDArray[np.float64]:
    rows = np.array(tiny_bert.vectors(tiny_bert.weights(), ids(text)))
    pooled: NDArray[np.float64] = rows[0] if cls else rows.mean(axis=0)
    return pooled / np.linalg.norm(pooled)


async def test_vectors_equal_those_of_a_plain_implementation(folder: Path) -> None:
    vectors = await opened(folder).embed(TEXTS, "passage")
    assert vectors.dtype == np.float32
    assert np.ptp(vectors, axis=0).max() > 0.1
    np.testing.assert_allclose(vectors, [by_loops(text) for text in TEXTS], atol=2e-5)


async def test_the_folder_may_ask_for_the_first_tokens_vector(folder: Path) -> None:
    mean = await opened(folder).embed(TEXTS, "passage")
    write_json(folder / "1_Pooling" / "config.json", pooling_mode_cls_token=True, pooling_mode_mean_tokens=False)
    cls = await opened(folder).embed(TEXTS, "passage")
    np.testing.assert_allclose(cls, [by_loops(text, cls=True) for text in TEXTS], atol=2e-5)
    assert not np.allclose(mean, cls, atol=0.01)


async def test_half_precision_weights_and_prefixed_names_are_read(tmp_path: Path) -> None:
    halves = {name: tensor.astype(np.float16) for name, tensor in tiny_bert.weights().items()}
    tiny_bert.write(tmp_path, {})
    save_file({f"bert.{name}": tensor for name, tensor in halves.items()}, tmp_path / "model.safetensors")
    vectors = await opened(tmp_path).embed(TEXTS, "query")
    assert (vectors * np.array([by_loops(text) for text in TEXTS])).sum(axis=1).min() > 0.999


def test_gelu_equals_its_definition() -> None:
    points = np.linspace(-9, 9, 40_001, dtype=np.float32)
    exact = [x * 0.5 * (1 + math.erf(x / math.sqrt(2))) for x in points.tolist()]
    np.testing.assert_allclose(gelu(points.copy()), exact, atol=1e-6)


async def test_a_text_has_the_same_vector_alone_and_among_others_of_any_length(folder: Path) -> None:
    embedder = opened(folder)
    texts = [" ".join(tiny_bert.WORDS[n % 17 :][: n % 15 + 1]) for n in range(1100)]
    vectors = await embedder.embed(texts, "passage")
    for n in (0, 1, 14, 500, 1023, 1024, 1099):
        np.testing.assert_allclose(vectors[n], (await embedder.embed([texts[n]], "passage"))[0], atol=2e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


async def test_texts_without_a_word_are_rows_of_zeros_in_their_places(folder: Path) -> None:
    vectors = await opened(folder).embed(["leave", "", "?!", "pay"], "passage")
    assert vectors.any(axis=1).tolist() == [True, False, False, True]
    assert (await opened(folder).embed(["", " "], "query")).tolist() == [[0.0] * 8] * 2
    assert (await opened(folder).embed([], "query")).shape == (0, 8)


@pytest.mark.parametrize(("told", "most"), [(None, tiny_bert.PLACES), (12, 12), (500, tiny_bert.PLACES)])
async def test_a_text_is_cut_where_the_model_ends_it_and_not_where_its_tokenizer_would(
    folder: Path, told: int | None, most: int
) -> None:
    write_json(folder / "sentence_bert_config.json", max_seq_length=told)
    embedder = opened(folder)
    words = ["leave"] * 100
    whole, fitting, shorter = await embedder.embed(
        [" ".join(words), " ".join(words[: most - 2]), " ".join(words[: most - 3])], "passage"
    )
    np.testing.assert_allclose(whole, fitting, atol=1e-6)
    assert not np.allclose(fitting, shorter, atol=1e-4)


async def test_half_a_surrogate_pair_is_a_mark_and_no_error(folder: Path) -> None:
    broken, marked = await opened(folder).embed(["leave \ud83d", "leave ?"], "query")
    np.testing.assert_allclose(broken, marked, atol=1e-6)


async def test_prompts_that_the_model_was_trained_with_are_put_in_front(folder: Path) -> None:
    plain = await opened(folder).embed(["how many leave", "the pay", "pay"], "query")
    write_json(folder / "config_sentence_transformers.json", prompts={"query": "how many ", "document": "the "})
    prompted = opened(folder)
    np.testing.assert_allclose((await prompted.embed(["leave"], "query"))[0], plain[0], atol=1e-6)
    np.testing.assert_allclose((await prompted.embed(["pay"], "passage"))[0], plain[1], atol=1e-6)
    assert not (await prompted.embed([""], "passage")).any()


async def test_capitals_are_lowered_where_the_folder_asks_for_it(tmp_path: Path) -> None:
    folder = tiny_bert.write(tmp_path, tiny_bert.weights())
    cased = json.loads((folder / "tokenizer.json").read_text())
    cased["normalizer"]["lowercase"] = False
    (folder / "tokenizer.json").write_text(json.dumps(cased))
    upper, lower = await opened(folder).embed(["LEAVE pay", "leave pay"], "query")
    assert not np.allclose(upper, lower, atol=1e-3)
    write_json(folder / "sentence_bert_config.json", do_lower_case=True)
    upper, lower = await opened(folder).embed(["LEAVE pay", "leave pay"], "query")
    np.testing.assert_array_equal(upper, lower)


def test_the_name_tells_one_model_from_another_in_the_same_folder(folder: Path) -> None:
    first, again = opened(folder), opened(folder)
    assert first.name == again.name
    assert first.name.startswith(f"folder:{folder}#")
    assert first.dimension == 8
    write_json(folder / "sentence_bert_config.json", max_seq_length=9)
    shorter = opened(folder)
    tiny_bert.write(folder, tiny_bert.weights(seed=8))
    assert len({first.name, shorter.name, opened(folder).name}) == 3


def write_json(path: Path, **settings: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(settings))


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def config(**settings: object) -> Callable[[Path], None]:
    return lambda folder: write_json(folder / "config.json", **(tiny_bert.CONFIG | settings))


def tensor(name: str, value: NDArray[np.generic] | None) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        tensors: dict[str, NDArray[np.generic]] = {n: t for n, t in tiny_bert.weights().items() if n != name}
        save_file(tensors if value is None else tensors | {name: value}, folder / "model.safetensors")

    return change


def pooling(**settings: object) -> Callable[[Path], None]:
    return lambda folder: write_json(folder / "1_Pooling" / "config.json", **settings)


def file(name: str, content: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(content) and None


def bare_tokenizer(folder: Path) -> None:
    made = tiny_bert.tokenizer()
    made.post_processor = processors.TemplateProcessing(single="$A", special_tokens=[])
    made.save(str(folder / "tokenizer.json"))


def larger_tokenizer(folder: Path) -> None:
    made = Tokenizer.from_file(str(folder / "tokenizer.json"))
    made.add_tokens(["severance"])
    made.save(str(folder / "tokenizer.json"))


NORM = "encoder.layer.2.output.LayerNorm.bias"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without("config.json"), r"config\.json is missing.*holds config\.json, model\.safetensors and tokenizer"),
        (without("model.safetensors"), r"model\.safetensors is missing"),
        (without("tokenizer.json"), r"tokenizer\.json is missing"),
        (file("config.json", "{"), r"config\.json: Invalid JSON"),
        (config(model_type="roberta"), r"config\.json: model_type: Input should be 'bert'"),
        (config(hidden_act="relu"), r"config\.json: hidden_act"),
        (config(position_embedding_type="relative_key"), r"position_embedding_type"),
        (config(num_attention_heads=3), r"not a multiple of num_attention_heads"),
        (config(hidden_size=16), r"word_embeddings\.weight is float32\[27, 8\], not float\[27, 16\]"),
        (config(num_hidden_layers=4), r"lacks the tensor encoder\.layer\.3"),
        (tensor(NORM, None), f"lacks the tensor {NORM}"),
        (tensor(NORM, np.full(8, np.nan, dtype=np.float32)), "a NaN or an infinity"),
        (tensor(NORM, np.zeros(8, dtype=np.int32)), r"int32\[8\]"),
        (file("model.safetensors", "no tensors"), "does not hold float32 or float16 tensors"),
        (file("tokenizer.json", "{}"), "is not a tokenizer"),
        (bare_tokenizer, r"does not put \[CLS\] and \[SEP\]"),
        (larger_tokenizer, "more tokens than the model"),
        (pooling(pooling_mode_max_tokens=True), "mean or cls is supported, not pooling_mode_max_tokens"),
        (pooling(pooling_mode_max_tokens=True, pooling_mode_mean_tokens=True), "mean or cls"),
        (pooling(), "not none"),
        (file("modules.json", '[{"type": "sentence_transformers.models.Dense"}]'), r"modules\.json: Dense"),
        (file("sentence_bert_config.json", '{"max_seq_length": 2}'), "max_seq_length is 2"),
        (file("sentence_bert_config.json", '{"max_seq_length": "x"}'), r"sentence_bert_config\.json: max_seq_length"),
    ],
)
def test_a_folder_that_is_no_such_model_is_refused_by_what_is_wrong(
    folder: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(folder)
    with pytest.raises(InvalidInput, match=message):
        opened(folder)


def test_weights_in_bfloat16_are_refused(folder: Path) -> None:
    raw = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(raw.replace(b'"F32"', b'"BF16"'))
    with pytest.raises(InvalidInput, match="float32 or float16"):
        opened(folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"none/config\.json is missing"):
        opened(tmp_path / "none")


async def similarities(embedder: Embedder, *texts: str) -> NDArray[np.float32]:
    vectors: Vectors = await embedder.embed(texts, "passage")
    return vectors @ vectors.T


async def test_a_real_model_gives_the_similarities_that_its_makers_publish() -> None:
    """The example of sentence-transformers' first page, to the four digits it prints."""
    found = await similarities(
        opened(minilm.minilm()), "The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."
    )
    published = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    np.testing.assert_allclose(found, published, atol=6e-5)


async def test_a_real_model_knows_a_paraphrase_and_pads_without_a_trace() -> None:
    embedder = opened(minilm.minilm())
    asked, answer, other = "How long may I stay at home with my newborn?", "Parental leave", "Booking trains"
    long = "Annual leave is granted by the line manager. " * 80
    vectors = await embedder.embed([long, asked, answer, other], "passage")
    assert vectors[1] @ vectors[2] > vectors[1] @ vectors[3] + 0.2
    np.testing.assert_allclose(vectors[1], (await embedder.embed([asked], "passage"))[0], atol=1e-5)
