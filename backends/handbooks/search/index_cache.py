"""What a search needs of a whole catalogue: computed once, and kept until the catalogue's revision moves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

import numpy as np

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.versions import PassageTable
from backends.handbooks.search.spelling import Lexicon
from backends.handbooks.search.synonyms import Synonyms
from backends.handbooks.search.tokens import TokenMatching
from backends.vectors.static.tokens import StaticTokens

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldIndex:
    """A catalogue as it was at `revision`. `matching` is None without a token table, or without tokens."""

    revision: int
    table: PassageTable
    lexicon: Lexicon
    matching: TokenMatching | None

    @classmethod
    def read(cls, catalogue: Catalogue, revision: int, tokens: StaticTokens | None, synonyms: Synonyms) -> "HeldIndex":
        """Blocks for about 0.1 s for each thousand pages."""
        table = catalogue.table()
        is_word = (lambda word: len(tokens.ids([word])[0]) == 1) if tokens else (lambda word: False)
        return cls(
            revision=revision,
            table=table,
            lexicon=Lexicon(catalogue.vocabulary(), len(table.rows), synonyms.words, is_word),
            matching=TokenMatching(tokens, table) if tokens and len(table.tokens) else None,
        )

    def of_versions(self, scores: Mapping[int, float], versions: Sequence[int]) -> dict[int, float]:
        """The scores of the rows of these versions: a vector index may return others."""
        rows = np.array(list(scores), np.int64)
        if not len(rows) or not len(self.table.rows):
            return {}
        places = np.minimum(np.searchsorted(self.table.rows, rows), len(self.table.rows) - 1)
        valid = (self.table.rows[places] == rows) & np.isin(self.table.versions[places], np.array(list(versions)))
        return {int(row): scores[int(row)] for row in rows[valid]}

    def by_tokens(self, text: str, meant: str, rows: Sequence[int]) -> dict[int, float]:
        """The token matching's score of each of these rows; {} if there is nothing to match."""
        if self.matching is None or not rows:
            return {}
        scores = self.matching.scores(text, np.searchsorted(self.table.rows, np.array(rows, np.int64)), meant)
        return {} if scores is None else {row: float(score) for row, score in zip(rows, scores, strict=True)}


class Latest(Generic[T]):
    """A value that is computed again once the revision has moved, by one thread for all."""

    def __init__(self, work_out: Callable[[int], T]) -> None:
        self._work_out = work_out
        self._lock = Lock()
        self._value: tuple[int, T] | None = None

    def at(self, revision: int) -> T:
        with self._lock:
            if self._value is None or self._value[0] != revision:
                self._value = revision, self._work_out(revision)
            return self._value[1]
