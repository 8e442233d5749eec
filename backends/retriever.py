"""The retriever of handbooks: words, vectors and single tokens, each with its own eye, in one order.

Who may read what, and what is in force, is asked of the catalogue before anything is searched, and held against every
passage once more before it goes out. What a search needs of the whole catalogue is kept until its revision moves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from threading import Lock

import numpy as np
from anyio.to_thread import run_sync as blocking

from backends.catalogue import Catalogue
from backends.catalogue_records import PassageTable
from backends.confidence import LOOKED_AT, OFF_TOPIC, Chance, Signs, judged, signs
from backends.contradictions import with_conflicts
from backends.embedding import Embedder, Reranker, VectorIndex
from backends.fusion import (
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
from backends.lexicon import Lexicon
from backends.near_duplicates import distinct
from backends.pieces import indexed_text
from backends.reasons import reason
from backends.static_tokens import StaticTokens
from backends.synonyms import Synonyms
from backends.token_matching import TokenMatching
from backends.words_leg import WordsLeg
from core.entries import Judgement, Leg, Passage
from core.errors import Unavailable
from core.gate import Viewer
from core.retrieval import Filters, holds_for

LONGEST = 2000
"""Characters of a query that are searched for, the last ones: the newest question stands last."""
DEEP = 300
"""Passages that each way of searching finds. The lowest of so many is where its scale begins."""
RERANKED = 40
"""Passages that a reranker reads; without one, so many or thrice the limit are looked through for what to return."""


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What is worked out from the whole catalogue, as it was at `revision`."""

    revision: int
    table: PassageTable
    lexicon: Lexicon
    matching: TokenMatching | None


class HandbookRetriever:
    """A `Retriever` of the catalogue's passages. What it is given stays its owner's to close.

    `vectors` without an embedder is an index that embeds the query itself; without both, words alone are searched for.
    `tokens` None leaves out the matching of single tokens, and `synonyms` is the bundled list unless given. Raises
    InvalidInput, at each search, where the catalogue was made with another embedder.
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
        today: Callable[[], date] = _today,
    ) -> None:
        self._catalogue = catalogue
        self._vectors, self._embedder, self._tokens, self._reranker = vectors, embedder, tokens, reranker
        self._synonyms = synonyms or Synonyms.bundled()
        self._words = WordsLeg(catalogue, self._synonyms)
        self._today = today
        self._lock = Lock()
        self._held: _Held | None = None
        self._chance: tuple[int, Chance] | None = None

    async def search(
        self, query: str, viewer: Viewer, limit: int, filters: Filters | None = None, as_of: date | None = None
    ) -> list[Passage]:
        day = as_of or self._today()
        await blocking(self._catalogue.expect, self._embedder)
        versions = await blocking(self._catalogue.in_force, viewer, filters, day)
        if limit < 1 or not versions:
            return []
        held = await blocking(self._hold)
        text = held.lexicon.repaired(query[-LONGEST:])
        near = await self._near(text, versions)
        ranked = await blocking(self._ranked, held, text, near, versions, max(RERANKED, 3 * limit))
        searched = ["words"] if near is None else ["words", "vectors"]
        return await self._chosen(text, ranked, searched, viewer, day, limit)

    async def judge(self, query: str, passages: Sequence[Passage]) -> Judgement | None:
        held = await blocking(self._hold)
        return await blocking(self._judged, held, query[-LONGEST:], passages)

    async def versions(self) -> Mapping[str, str]:
        documents = await blocking(self._catalogue.documents)
        return {one.id: version.name for one in documents for version in one.versions if version.state == "current"}

    def _judged(self, held: _Held, query: str, passages: Sequence[Passage]) -> Judgement:
        return judged(signs(query, passages, held.lexicon, self._synonyms), self._chance_of(held))

    def _chance_of(self, held: _Held) -> Chance:
        """Worked out at the first judgement of a revision: some thirty searches by words."""
        with self._lock:
            if self._chance is None or self._chance[0] != held.revision:
                self._chance = held.revision, Chance.of([self._signs_of(held, question) for question in OFF_TOPIC])
            return self._chance[1]

    def _signs_of(self, held: _Held, question: str) -> Signs:
        versions = np.unique(held.table.versions).tolist()
        ranked = self._ranked(held, question, None, versions, LOOKED_AT)
        found = self._catalogue.passages([one.row for one in ranked])
        seen = [passage.model_copy(update={"legs": list(one.legs)}) for one, passage in zip(ranked, found, strict=True)]
        return signs(question, seen, held.lexicon, self._synonyms)

    def _hold(self) -> _Held:
        revision = self._catalogue.revision()
        with self._lock:
            if self._held is None or self._held.revision != revision:
                self._held = self._read(revision)
            return self._held

    def _read(self, revision: int) -> _Held:
        table, tokens = self._catalogue.table(), self._tokens
        return _Held(
            revision=revision,
            table=table,
            lexicon=Lexicon(
                self._catalogue.vocabulary(),
                len(table.rows),
                self._synonyms.words,
                (lambda word: len(tokens.ids([word])[0]) == 1) if tokens else (lambda word: False),
            ),
            matching=TokenMatching(tokens, table) if tokens and len(table.tokens) else None,
        )

    async def _near(self, text: str, versions: Sequence[int]) -> dict[int, float] | None:
        """The nearest by their vectors; None where there is no index of them."""
        if self._vectors is None:
            return None
        vector = None if self._embedder is None else (await self._embedder.embed([text], "query"))[0]
        found = dict(await self._vectors.nearest(text, vector, versions, DEEP))
        rows = await blocking(self._catalogue.rows_of, list(found))
        return {row: found[id] for id, row in rows.items()}

    def _ranked(
        self, held: _Held, text: str, near: Mapping[int, float] | None, versions: Sequence[int], limit: int
    ) -> list[Ranked]:
        words = self._words.search(text, held.lexicon, versions, DEEP)
        near = self._of(held.table, near or {}, versions)
        weights = self._weights(near)
        sums = joined(words, near, weights)
        tokens = self._tokens_of(held, text, list(sums))
        return ordered(with_tokens(sums, tokens, weights), {"words": words, "vectors": near, "tokens": tokens}, limit)

    def _of(self, table: PassageTable, found: Mapping[int, float], versions: Sequence[int]) -> dict[int, float]:
        """What is found, without what the catalogue does not hold in these versions, whatever an index says."""
        rows = np.array(list(found), np.int64)
        places = np.minimum(np.searchsorted(table.rows, rows), max(len(table.rows) - 1, 0))
        if not len(rows) or not len(table.rows):
            return {}
        there = (table.rows[places] == rows) & np.isin(table.versions[places], np.array(list(versions)))
        return {int(row): found[int(row)] for row in rows[there]}

    def _weights(self, near: Mapping[int, float]) -> Weights:
        if not near:
            return BY_WORDS
        return BY_STATIC if self._embedder is not None and self._embedder.name.startswith("static:") else BY_MODEL

    def _tokens_of(self, held: _Held, text: str, rows: Sequence[int]) -> dict[int, float]:
        if held.matching is None or not rows:
            return {}
        scores = held.matching.scores(text, np.searchsorted(held.table.rows, np.array(rows, np.int64)))
        return {} if scores is None else {row: float(score) for row, score in zip(rows, scores, strict=True)}

    async def _chosen(
        self, text: str, ranked: Sequence[Ranked], searched: Sequence[str], viewer: Viewer, day: date, limit: int
    ) -> list[Passage]:
        """The passages themselves, perhaps in a reranker's order; what says the same once, and what differs marked."""
        found = await blocking(self._catalogue.passages, [one.row for one in ranked])
        legs = {passage.id: list(one.legs) for one, passage in zip(ranked, found, strict=True)}
        best = spread(
            (one.score, passage) for one, passage in zip(ranked, found, strict=True) if _allowed(passage, viewer, day)
        )
        note = ""
        if self._reranker is not None:
            try:
                best = await _reread(self._reranker, text, best, legs)
            except Unavailable:
                note = "the reranker did not answer"
        scores = {passage.id: score for score, passage in best}
        kept = with_conflicts(list(islice(distinct(passage for _, passage in best), limit)))
        return [
            passage.model_copy(
                update={
                    "score": scores[passage.id],
                    "legs": legs[passage.id],
                    "reason": reason(legs[passage.id], searched, passage.audience, note),
                }
            )
            for passage in kept
        ]


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


def _allowed(passage: Passage, viewer: Viewer, day: date) -> bool:
    """The same question that the catalogue answered, asked of the passage: a leak would need both to be wrong."""
    return holds_for(passage.audience, viewer) and (
        (passage.effective or "") <= day.isoformat() <= (passage.until or "9999-12-31")
    )
