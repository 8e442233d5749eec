"""Hybrid search: BM25, embeddings and token matching, fused into one ranking.

The catalogue says before each search which versions are in force and hold for the viewer. Every passage is checked once
more before it is returned.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice

from anyio.to_thread import run_sync as blocking

from backends.glossary import Glossary
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.documents.cutter import indexed_text
from backends.handbooks.search import translation
from backends.handbooks.search.confidence import judged
from backends.handbooks.search.contradictions import with_conflicts
from backends.handbooks.search.courtesy import without_courtesy
from backends.handbooks.search.duplicates import distinct
from backends.handbooks.search.explain import reason
from backends.handbooks.search.fusion import (
    BY_MODEL,
    BY_STATIC,
    BY_WORDS,
    Ranked,
    Weights,
    joined,
    ordered,
    spread,
    with_tokens,
)
from backends.handbooks.search.index_cache import HeldIndex, Latest
from backends.handbooks.search.likeness import likeness
from backends.handbooks.search.synonyms import Synonyms
from backends.handbooks.search.words import WordsLeg
from backends.passages.highlights import with_highlights
from backends.stems import stemmed
from backends.vectors.contracts import Embedder, Reranker, VectorIndex
from backends.vectors.single_thread import single_thread
from backends.vectors.static.tokens import StaticTokens
from core.errors import Unavailable
from core.gate import Viewer
from core.retriever import Filters, holds_for
from core.values import Judgement, Leg, Passage

LONGEST = 2000
"""Characters of a query that are searched for, the last ones: the newest question stands last."""
DEEP = 300
"""Passages that each way of searching finds. The lowest of so many is where a scale of vectors begins."""
RERANKED = 40
"""Passages that a reranker reads; without one, so many or thrice the limit are looked through for what to return."""


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A search as the legs get it: the query with its spelling repaired, and the versions that it may find."""

    text: str
    versions: Sequence[int]
    index: HeldIndex


class HandbookRetriever:
    """A `Retriever` of the catalogue's passages. It closes none of its parts.

    `vectors` without an embedder is an index that embeds the query itself; without both, search uses words only.
    `tokens` None leaves out token matching, though the judgement uses the bundled ones; `synonyms` and `glossary` None
    are the bundled ones. Each search raises InvalidInput if the catalogue was made with another embedder. If the
    vectors or the reranker do not answer, search goes on without them, and each passage's reason says so.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        vectors: VectorIndex | None,
        embedder: Embedder | None,
        tokens: StaticTokens | None,
        reranker: Reranker | None = None,
        synonyms: Synonyms | None = None,
        glossary: Glossary | None = None,
        today: Callable[[], date] = _today,
    ) -> None:
        words = synonyms or Synonyms.bundled()
        self._catalogue = catalogue
        self._vectors, self._embedder, self._reranker = vectors, embedder, reranker
        self._synonyms = words
        self._glossary = glossary or Glossary.bundled()
        self._words = WordsLeg(catalogue, words)
        self._today = today
        self._index = Latest(lambda revision: HeldIndex.read(catalogue, revision, tokens, words))
        self._judging = tokens or StaticTokens.bundled()

    async def search(
        self, query: str, viewer: Viewer, limit: int, filters: Filters | None = None, as_of: date | None = None
    ) -> list[Passage]:
        with single_thread():
            return await self._found(query, viewer, limit, filters, as_of or self._today())

    async def judge(self, query: str, passages: Sequence[Passage]) -> Judgement | None:
        with single_thread():
            return await blocking(self._judged, query[-LONGEST:], passages)

    async def versions(self) -> Mapping[str, str]:
        return await blocking(self._catalogue.versions, self._today())

    async def _found(self, query: str, viewer: Viewer, limit: int, filters: Filters | None, day: date) -> list[Passage]:
        asked = await blocking(self._asked, query, viewer, filters, day)
        if limit < 1 or not asked.versions:
            return []
        notes: list[str] = []
        try:
            near = await self._near(asked)
        except Unavailable:
            near = None
            notes.append("the vectors did not answer")
        ranked, best = await blocking(self._best, asked, near, max(RERANKED, 3 * limit), viewer, day)
        if self._reranker is not None:
            try:
                best = await _reread(self._reranker, asked.text, best, ranked)
            except Unavailable:
                notes.append("the reranker did not answer")
        searched = ["words"] if near is None else ["words", "vectors"]
        found = await blocking(_finished, best, ranked, searched, ", ".join(notes), limit)
        return await blocking(self._highlighted, query[-LONGEST:], found, asked.index)

    def _asked(self, query: str, viewer: Viewer, filters: Filters | None, day: date) -> _Asked:
        self._catalogue.expect(self._embedder)
        index = self._index.at(self._catalogue.revision())
        versions = self._catalogue.in_force(viewer, filters, day)
        text = translation.searched(without_courtesy(query[-LONGEST:]), self._glossary, index.lexicon)
        return _Asked(text=text, versions=versions, index=index)

    async def _near(self, asked: _Asked) -> list[tuple[str, float]] | None:
        """The nearest by their vectors; None without a vector index."""
        if self._vectors is None:
            return None
        vector = None if self._embedder is None else (await self._embedder.embed([asked.text], "query"))[0]
        return await self._vectors.nearest(asked.text, vector, asked.versions, DEEP)

    def _best(
        self, asked: _Asked, near: Sequence[tuple[str, float]] | None, limit: int, viewer: Viewer, day: date
    ) -> tuple[dict[str, list[Leg]], list[tuple[float, Passage]]]:
        """The legs of passages by their ids, and the passages, best first, with their scores."""
        ranked = self._ranked(asked, dict(near or ()), limit)
        passages = self._catalogue.passages([one.row for one in ranked])
        legs = {passage.id: list(one.legs) for one, passage in zip(ranked, passages, strict=True)}
        scored = [
            (one.score, passage)
            for one, passage in zip(ranked, passages, strict=True)
            if _allowed(passage, viewer, day)
        ]
        phrases = [phrase for terms in self._words.terms(asked.text, asked.index.lexicon) for phrase in terms]

        def is_about(passage: Passage) -> bool:
            return any(map(frozenset(stemmed(passage.title).split()).issuperset, phrases))

        return legs, spread(scored, is_about)

    def _ranked(self, asked: _Asked, near: Mapping[str, float], limit: int) -> list[Ranked]:
        terms = self._words.terms(asked.text, asked.index.lexicon)
        words = self._words.search(terms, asked.versions, DEEP)
        rows = self._catalogue.rows_of(list(near)) if near else {}
        vectors = asked.index.of_versions({row: near[uid] for uid, row in rows.items()}, asked.versions)
        weights = self._weights(bool(vectors))
        coded = self._words.with_codes(asked.text, asked.index.lexicon, asked.versions, DEEP)
        sums = joined(words, vectors, coded, weights)
        meant = " ".join(map(self._synonyms.spelt, terms.meant))
        tokens = asked.index.by_tokens(asked.text, meant, list(sums))
        legs = {"words": words, "vectors": vectors, "tokens": tokens}
        return ordered(with_tokens(sums, tokens, weights), legs, limit)

    def _weights(self, has_vectors: bool) -> Weights:
        if not has_vectors:
            return BY_WORDS
        return BY_STATIC if self._embedder is not None and self._embedder.name.startswith("static:") else BY_MODEL

    def _highlighted(self, query: str, passages: Sequence[Passage], index: HeldIndex) -> list[Passage]:
        query = translation.judged(query, self._glossary, index.lexicon)
        return with_highlights(query, passages, likeness(query, index.lexicon, self._synonyms, index.matching))

    def _judged(self, query: str, passages: Sequence[Passage]) -> Judgement:
        lexicon = self._index.at(self._catalogue.revision()).lexicon
        asked = translation.judged(query, self._glossary, lexicon)
        return judged(asked, passages, lexicon, self._synonyms, self._judging)


async def _reread(
    reranker: Reranker, text: str, best: Sequence[tuple[float, Passage]], legs: dict[str, list[Leg]]
) -> list[tuple[float, Passage]]:
    """The first of them in the order of the reranker and with its scores, which join `legs`; the rest is left out."""
    first = [passage for _, passage in best[:RERANKED]]
    texts = [indexed_text(passage.title, passage.section, passage.text) for passage in first]
    scores = await reranker.rerank(text, texts)
    order = sorted(range(len(first)), key=lambda n: -scores[n])
    for rank, n in enumerate(order, 1):
        legs[first[n].id].append(Leg(name="rerank", rank=rank, score=scores[n]))
    return [(scores[n], first[n]) for n in order]


def _finished(
    best: Sequence[tuple[float, Passage]],
    legs: Mapping[str, list[Leg]],
    searched: Sequence[str],
    note: str,
    limit: int,
) -> list[Passage]:
    """Without duplicates, with contradictions marked, and each with its score, legs and reason."""
    scores = {passage.id: score for score, passage in best}
    passages = with_conflicts(list(islice(distinct(passage for _, passage in best), limit)))
    return [
        passage.model_copy(
            update={
                "score": scores[passage.id],
                "legs": legs[passage.id],
                "reason": reason(legs[passage.id], searched, passage.audience, note),
            }
        )
        for passage in passages
    ]


def _allowed(passage: Passage, viewer: Viewer, day: date) -> bool:
    """Whether the passage holds for the viewer on that day."""
    # The catalogue has answered this already, for versions: a leak would need both to be wrong.
    return holds_for(passage.audience, viewer) and (
        (passage.effective or "") <= day.isoformat() <= (passage.until or "9999-12-31")
    )
