"""The bundled embedder: a passage's vector depends on its text alone, and meaning decides how near two are."""

import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from backends.vectors.contracts import Vectors
from backends.vectors.opening import open_embedder
from backends.vectors.static.embedder import StaticEmbedder
from backends.vectors.static.tokens import StaticTokens
from core.errors import InvalidInput


@pytest.fixture
def tokens() -> StaticTokens:
    return StaticTokens.bundled()


@pytest.fixture
def embedder(tokens: StaticTokens) -> StaticEmbedder:
    return StaticEmbedder(tokens)


async def one(embedder: StaticEmbedder, text: str) -> Vectors:
    return (await embedder.embed([text], "query"))[0]


@pytest.mark.parametrize(
    ("question", "answer", "other"),
    [
        ("How many holidays do I get?", "Annual leave is 25 days a year.", "Travel by train is booked second class."),
        ("My baby is due in May", "Maternity leave begins before the birth.", "Laptops are encrypted and locked."),
        ("I broke my leg", "Sick pay after an accident", "The pension scheme's contributions"),
    ],
)
async def test_a_question_is_nearer_to_what_answers_it_than_to_another_passage(
    embedder: StaticEmbedder, question: str, answer: str, other: str
) -> None:
    asked, near, far = await embedder.embed([question, answer, other], "query")
    assert asked @ near > asked @ far + 0.05


async def test_vectors_have_length_one_and_keep_the_order_of_the_texts(embedder: StaticEmbedder) -> None:
    texts = [f"Paragraph {n} of the handbook, on pay and leave." for n in range(1200)]
    vectors = await embedder.embed(texts, "passage")
    assert vectors.dtype == np.float32
    assert vectors.shape == (1200, 256) == (1200, embedder.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    for n in (0, 511, 512, 1199):
        np.testing.assert_allclose(vectors[n], await one(embedder, texts[n]), atol=1e-6)


async def test_a_vector_is_the_scaled_sum_of_the_tables_own_vectors(
    embedder: StaticEmbedder, tokens: StaticTokens
) -> None:
    (ids,) = tokens.ids(["Notice of three months"])
    total = sum((tokens.rows[id].astype(np.float64) * float(tokens.lengths[id]) for id in ids), np.zeros(256))
    expected = total / np.linalg.norm(total)
    np.testing.assert_allclose(await one(embedder, "Notice of three months"), expected, atol=1e-6)


@pytest.mark.parametrize("text", ["", " ", "\n\t", "?!", "---", "\x00", "\u200b", "🙂"])
async def test_a_text_without_a_word_is_a_row_of_zeros(embedder: StaticEmbedder, text: str) -> None:
    before, none, after = await embedder.embed(["leave", text, "leave"], "passage")
    assert not none.any()
    np.testing.assert_array_equal(before, after)


async def test_no_texts_give_no_rows_of_the_dimension(embedder: StaticEmbedder) -> None:
    vectors = await embedder.embed([], "passage")
    assert vectors.shape == (0, 256)
    assert vectors.dtype == np.float32


@given(st.text())
async def test_any_text_has_a_vector_of_length_one_or_none(text: str) -> None:
    vector = await one(StaticEmbedder(StaticTokens.bundled()), text)
    length = float(np.linalg.norm(vector))
    assert length == pytest.approx(1, abs=1e-5) or not vector.any()


async def test_half_a_surrogate_pair_is_a_mark_and_no_error(embedder: StaticEmbedder) -> None:
    np.testing.assert_array_equal(await one(embedder, "leave \ud83d"), await one(embedder, "leave ?"))


async def test_a_question_in_capitals_is_read_as_one_in_small_letters(
    embedder: StaticEmbedder, tokens: StaticTokens
) -> None:
    shouted, said = await embedder.embed(["HOW MUCH HOLIDAY IS LEFT?", "how much holiday is left?"], "query")
    np.testing.assert_array_equal(shouted, said)
    name, word = tokens.ids(["HMRC P45", "hmrc p45"])
    assert name.tolist() != word.tolist()


def test_token_ids_are_rows_of_the_table(tokens: StaticTokens) -> None:
    ids = tokens.ids(["Sick pay, sick pay", "", "🙂"])
    assert [found.dtype for found in ids] == [np.uint32] * 3
    assert ids[1].size == 0
    assert max(found.max(initial=0) for found in ids) < len(tokens.rows) == len(tokens.lengths) == 32_000
    np.testing.assert_allclose(np.linalg.norm(tokens.rows, axis=1), 1, rtol=1e-5)


def test_a_known_word_is_one_token_and_its_neighbour_in_meaning_is_near(tokens: StaticTokens) -> None:
    def row(word: str) -> NDArray[np.float32]:
        (ids,) = tokens.ids([word])
        assert ids.size == 1
        return tokens.rows[ids[0]]

    assert row("hospital") @ row("doctor") > row("hospital") @ row("tree") + 0.1


def test_worded_tells_words_and_numbers_from_marks(tokens: StaticTokens) -> None:
    words, marks, bytes_of_a_picture = tokens.ids(["leave 25", "?.,", "\U0001fae0"])
    assert tokens.worded[words[0]]
    assert tokens.worded[words[-1]]
    assert not tokens.worded[marks].any()
    assert not tokens.worded[bytes_of_a_picture].any()


def test_rare_words_are_longer_than_common_ones(tokens: StaticTokens) -> None:
    (common,), (rare,) = tokens.ids(["the", "marriage"])
    assert tokens.lengths[common] * 3 < tokens.lengths[rare]


def test_the_table_is_loaded_once_a_process() -> None:
    assert StaticTokens.bundled() is StaticTokens.bundled()


def test_another_table_has_another_fingerprint(tokens: StaticTokens) -> None:
    root = Path(str(distribution("wordllama").locate_file("wordllama")))
    weights = (root / "weights/l2_supercat_256.safetensors").read_bytes()
    tokenizer = (root / "tokenizers/l2_supercat_tokenizer_config.json").read_bytes()
    changed = weights[:-1] + bytes([weights[-1] ^ 1])
    assert StaticTokens(weights, tokenizer).fingerprint == tokens.fingerprint
    assert StaticTokens(changed, tokenizer).fingerprint != tokens.fingerprint
    assert StaticTokens(weights, tokenizer + b" ").fingerprint != tokens.fingerprint


def test_reading_the_table_does_not_import_its_package(tokens: StaticTokens) -> None:
    assert tokens.rows.any()
    assert "wordllama" not in sys.modules


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(StaticTokens, "_loaded", None)
    with pytest.raises(PackageNotFoundError):
        distribution("wordllama")
    with pytest.raises(InvalidInput, match=r"rolltop\[handbooks\]"):
        open_embedder("static:")


def test_a_package_without_the_table_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "wordllama-9.dist-info").mkdir()
    (tmp_path / "wordllama-9.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: wordllama\nVersion: 9\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(StaticTokens, "_loaded", None)
    with pytest.raises(InvalidInput, match="l2_supercat_256"):
        open_embedder("static:")
