"""The retriever: what is found for whom and on which day, in which order and why; faults of what it is built on."""

from datetime import date

import anyio
import pytest

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.local_vectors import LocalVectors
from backends.handbooks.search.retriever import RERANKED, HandbookRetriever
from backends.handbooks.search.synonyms import Synonyms
from backends.vectors.static.tokens import StaticTokens
from core.errors import InvalidInput, Unavailable
from core.gate import Viewer
from core.retriever import Filters
from tests.support.handbook_folders import WordEmbedder, handbook, take_in, write

TODAY = date(2026, 11, 15)
ANYBODY = Viewer("e-1042")
GRAZ = Viewer("e-1043", country="Austria")
FOLDER = {
    "leave.md": handbook(
        "Annual leave",
        "Carry over\nYou may carry over up to 5 days of annual leave into the next year.",
        "Booking\nAsk your line manager for annual leave four weeks ahead.",
        "Moving house\nThere is one day of paid leave when you move house.",
        effective="2026-01-01",
    ),
    "leave-austria.md": handbook(
        "Annual leave in Austria",
        "Carry over\nYou may carry over up to 25 days of annual leave into the next year.",
        effective="2026-01-01",
        audience="austria",
    ),
    "sickness.md": handbook(
        "Sickness absence",
        "Telling us\nNotify your line manager by ten o'clock on the first day of absence.",
        "Certificate\nFrom the fourth day we need a medical certificate.",
    ),
    "travel.md": handbook("Business travel", "Hotels\nBook hotels through the travel desk.", effective="2027-01-01"),
}


@pytest.fixture
async def catalogue(tmp_path):
    opened = Catalogue(":memory:")
    write(tmp_path / "books", FOLDER)
    await take_in(opened, tmp_path / "books", tokens=StaticTokens.bundled())
    yield opened
    opened.close()


def opened(catalogue: Catalogue, **given) -> HandbookRetriever:
    parts = {
        "vectors": LocalVectors(catalogue),
        "embedder": WordEmbedder(),
        "tokens": StaticTokens.bundled(),
        "today": lambda: TODAY,
    }
    return HandbookRetriever(catalogue, **(parts | given))


@pytest.fixture
def retriever(catalogue):
    return opened(catalogue)


class Reversing:
    """A reranker that likes best what it is given last."""

    name = "reversing:"

    def __init__(self, away: bool = False) -> None:
        self.away = away
        self.read: list[str] = []

    async def rerank(self, query, texts):
        if self.away:
            raise Unavailable("the reranker is away")
        self.read += texts
        return [float(n) for n in range(len(texts))]

    async def close(self) -> None:
        """There is nothing to close."""


async def test_the_best_passage_comes_first_with_its_legs_and_the_reason(retriever):
    first = (await retriever.search("How many days can I carry over?", ANYBODY, 3))[0]
    assert first.id == "leave#carry-over"
    assert [leg.name for leg in first.legs] == ["words", "vectors", "tokens"]
    assert first.legs[0].rank == 1
    assert first.reason.startswith("Best on wording")
    assert first.score > 0


async def test_scores_fall_and_there_are_no_more_than_asked_for(retriever):
    found = await retriever.search("leave", GRAZ, 2)
    assert len(found) == 2
    every = await retriever.search("line manager", ANYBODY, 50)
    assert [one.score for one in every] == sorted((one.score for one in every), reverse=True)
    assert len({one.id for one in every}) == len(every)


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_limit_below_one_finds_nothing(retriever, limit):
    assert await retriever.search("leave", ANYBODY, limit) == []


async def test_a_handbook_of_a_country_is_found_by_who_works_there_and_goes_first(retriever):
    assert "leave-austria" not in {one.document for one in await retriever.search("carry over", ANYBODY, 20)}
    found = await retriever.search("How many days of annual leave can I carry over?", GRAZ, 20)
    assert [one.id for one in found][:2] == ["leave-austria#carry-over", "leave#carry-over"]
    assert "holds for austria" in found[0].reason


async def test_handbooks_that_contradict_each_other_name_each_other(retriever):
    own, general, *others = await retriever.search("How many days of annual leave can I carry over?", GRAZ, 20)
    assert (own.conflicts, general.conflicts) == ([general.id], [own.id])
    assert not any(one.conflicts for one in others)


async def test_what_is_not_in_force_yet_is_found_on_its_day_and_not_before(retriever):
    async def found(day: date | None) -> set[str]:
        return {one.document for one in await retriever.search("hotels", ANYBODY, 20, as_of=day)}

    assert "travel" not in await found(None)
    assert "travel" not in await found(date(2026, 12, 31))
    assert "travel" in await found(date(2027, 1, 1))


async def test_the_day_is_asked_for_at_each_search(catalogue):
    days = [date(2026, 12, 31), date(2027, 1, 1)]
    retriever = opened(catalogue, today=lambda: days.pop(0))
    before, after = [await retriever.search("hotels", ANYBODY, 20) for _ in range(2)]
    assert {one.document for one in after} - {one.document for one in before} == {"travel"}


async def test_a_filter_names_the_documents(retriever):
    found = await retriever.search("line manager", ANYBODY, 20, filters=Filters(documents=["sickness"]))
    assert {one.document for one in found} == {"sickness"}
    assert await retriever.search("line manager", ANYBODY, 20, filters=Filters(documents=["unknown"])) == []


async def test_a_misspelt_question_finds_what_the_right_one_finds(retriever):
    right, wrong = [await retriever.search(text, ANYBODY, 5) for text in ("medical certificate", "medicel certifikate")]
    assert [one.id for one in right] == [one.id for one in wrong]


async def test_an_everyday_word_finds_what_the_handbook_calls_otherwise(catalogue):
    without = opened(catalogue, vectors=None, embedder=None, tokens=None, synonyms=Synonyms(["xx = yy"]))
    assert await without.search("flu", ANYBODY, 5) == []
    first = (await opened(catalogue, vectors=None, embedder=None, tokens=None).search("flu", ANYBODY, 5))[0]
    assert first.document == "sickness"
    assert {leg.name for leg in first.legs} == {"words"}


async def test_an_installations_own_synonyms_are_used(catalogue):
    retriever = opened(catalogue, vectors=None, embedder=None, synonyms=Synonyms(["wehweh > certificate"]))
    assert (await retriever.search("wehweh", ANYBODY, 5))[0].id == "sickness#certificate"


async def test_a_change_of_the_catalogue_is_found_at_once(catalogue, retriever, tmp_path):
    assert await retriever.search("parrot", ANYBODY, 1, filters=Filters(documents=["pets"])) == []
    write(tmp_path / "more", {"pets.md": handbook("Pets", "Parrots\nA parrot may come on Fridays.")})
    await take_in(catalogue, tmp_path / "more", tokens=StaticTokens.bundled(), root=tmp_path / "more")
    assert (await retriever.search("parrot", ANYBODY, 1))[0].document == "pets"
    catalogue.remove("pets", by="e-1")
    assert "pets" not in {one.document for one in await retriever.search("parrot", ANYBODY, 9)}


async def test_an_index_of_another_embedder_is_an_error_that_says_what_to_do(catalogue):
    with pytest.raises(InvalidInput, match="re-index"):
        await opened(catalogue, embedder=WordEmbedder("other:")).search("leave", ANYBODY, 5)


async def test_what_a_vector_index_holds_beyond_the_catalogue_is_left_out(catalogue):
    class Stray(LocalVectors):
        async def nearest(self, query, vector, versions, limit):
            every = self._catalogue.ids_of(self._catalogue.table().rows.tolist())
            return [("unknown", 2.0), *((id, 1.0) for id in every.values())]

    found = await opened(catalogue, vectors=Stray(catalogue)).search("leave", ANYBODY, 50)
    assert {one.document for one in found} == {"leave", "sickness"}


async def test_an_index_that_embeds_the_query_itself_is_given_the_text(catalogue):
    class Texts(LocalVectors):
        async def nearest(self, query, vector, versions, limit):
            assert (query, vector) == ("certificate", None)
            return [(self._catalogue.ids_of(self._catalogue.table().rows[-2:].tolist()).popitem()[1], 0.4)]

    assert await opened(catalogue, vectors=Texts(catalogue), embedder=None).search("certificat please", ANYBODY, 5)


async def test_without_the_vectors_answer_the_words_find_and_the_reason_says_so(catalogue):
    found = await opened(catalogue, embedder=WordEmbedder(answers=0)).search("leave", ANYBODY, 5)
    assert found
    assert all("vectors" not in {leg.name for leg in one.legs} for one in found)
    assert found[0].reason.endswith("the vectors did not answer")


async def test_a_reranker_has_the_last_word(catalogue, retriever):
    plain = await retriever.search("annual leave", ANYBODY, 50)
    reranker = Reversing()
    found = await opened(catalogue, reranker=reranker).search("annual leave", ANYBODY, 50)
    assert [one.id for one in found] == [one.id for one in reversed(plain)]
    assert reranker.read[0].startswith("Annual leave > ")
    assert found[0].legs[-1].name == "rerank"
    assert found[0].legs[-1].rank == 1
    assert found[0].reason.startswith("Best on a second reading")
    assert len(reranker.read) <= RERANKED


async def test_without_the_rerankers_answer_the_order_stays_and_the_reason_says_so(catalogue, retriever):
    plain = await retriever.search("annual leave", ANYBODY, 5)
    found = await opened(catalogue, reranker=Reversing(away=True)).search("annual leave", ANYBODY, 5)
    assert [one.id for one in found] == [one.id for one in plain]
    assert found[0].reason.endswith("the reranker did not answer")


@pytest.mark.parametrize("query", ["", " ", "the", '"', "\0", "🚂", "a" * 10_000, "leave " * 2000, "NEAR(", "\ud800"])
async def test_any_text_is_a_query(retriever, query):
    found = await retriever.search(query, ANYBODY, 5)
    judgement = await retriever.judge(query, found)
    assert 0 <= judgement.confidence <= 1


async def test_of_a_long_query_the_end_counts(catalogue):
    retriever = opened(catalogue, vectors=None, embedder=None)
    found = await retriever.search("hotels and trains " * 300 + "\nmedical certificate", ANYBODY, 5)
    assert found[0].id == "sickness#certificate"


async def test_nothing_is_found_where_there_is_nothing():
    empty = Catalogue(":memory:")
    try:
        retriever = opened(empty)
        assert await retriever.search("leave", ANYBODY, 5) == []
        assert not (await retriever.judge("leave", [])).answers
        assert await retriever.versions() == {}
    finally:
        empty.close()


async def test_a_question_that_is_answered_is_judged_better_than_one_that_is_not(retriever):
    async def confidence(question: str) -> float:
        return (await retriever.judge(question, await retriever.search(question, ANYBODY, 8))).confidence

    answered = await confidence("How many days of annual leave can I carry over into the next year?")
    assert answered > await confidence("How many moons does the planet Jupiter have in all?")


async def test_the_versions_in_force_are_named_by_document(retriever, catalogue):
    versions = await retriever.versions()
    assert set(versions) == {"leave", "leave-austria", "sickness"}
    assert versions["sickness"] == (await retriever.search("certificate", ANYBODY, 1))[0].version


async def test_searches_at_once_find_what_they_find_alone(retriever):
    questions = ["carry over", "medical certificate", "move house", "line manager"] * 5
    alone = [[one.id for one in await retriever.search(question, GRAZ, 5)] for question in questions]
    together: dict[int, list[str]] = {}

    async def ask(n: int, question: str) -> None:
        together[n] = [one.id for one in await retriever.search(question, GRAZ, 5)]

    async with anyio.create_task_group() as group:
        for n, question in enumerate(questions):
            group.start_soon(ask, n, question)
    assert [together[n] for n in range(len(questions))] == alone
