"""Each token of a question against each of a passage: what one vector for a whole text has averaged away.

A passage's score is the mean, over the question's tokens, of the nearest cosine among the passage's, a rare token
counting for more. Of the passages it needs only their token ids.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backends.handbooks.catalogue.versions import PassageTable
from backends.stems import STOP_WORDS
from backends.vectors.static.tokens import StaticTokens

Scores: TypeAlias = NDArray[np.float32]

MOST_TOKENS = 128
"""Tokens of a question that are compared, the last ones where it is longer."""

MOST_MEANT = 40
MEANT = 0.5
"""How many tokens of synonyms are compared, and what each counts for. They are worth 3 points of R@5 on the sample
handbooks' questions, which the list's writer had not seen; .2 to .6 do alike."""


class TokenMatching:
    """Passages of one table by their tokens. How rare a token is, is counted once, over the whole table."""

    def __init__(self, tokens: StaticTokens, table: PassageTable) -> None:
        self._tokens, self._table = tokens, table
        # Occurrences in place of passages: rare tokens have as many of both, and no sort of millions is needed.
        times = np.bincount(table.tokens, minlength=len(tokens.rows))
        passages = len(table.rows)
        self._rarity = np.log((passages + 1) / (np.minimum(times, passages) + 0.5)).astype(np.float32)

    def scores(self, text: str, places: NDArray[np.int64], meant: str = "") -> Scores | None:
        """A score for each of the passages at these places of the table; None if the text or the passages lack tokens.

        `meant` are words that the text may stand for.
        """
        said = self.asked(text)
        also = np.setdiff1d(self.asked(meant)[:MOST_MEANT], said)
        asked = np.concatenate([said, also])
        spans = [self._table.tokens[self._table.offsets[n] : self._table.offsets[n + 1]] for n in places]
        full = [n for n, span in enumerate(spans) if len(span)]
        if not len(asked) or not full:
            return None
        nearest = self.nearest(asked, [spans[n] for n in full])
        weights = self._rarity[asked] * np.repeat([1, MEANT], [len(said), len(also)]).astype(np.float32)
        scores = np.zeros(len(places), np.float32)
        scores[full] = weights @ nearest / weights.sum()
        return scores

    def asked(self, text: str) -> NDArray[np.uint32]:
        """The tokens of a question that say something, each once."""
        (ids,) = self._tokens.ids([text])
        silent = _silent(self._tokens)
        kept = [token for token in dict.fromkeys(ids.tolist()) if self._tokens.worded[token] and token not in silent]
        return np.array(kept[-MOST_TOKENS:], np.uint32)

    def rarity(self, ids: NDArray[np.uint32]) -> Scores:
        return self._rarity[ids]

    def nearest(self, asked: NDArray[np.uint32], spans: Sequence[NDArray[np.uint32]]) -> Scores:
        """The best cosine: a row for each token asked, a column for each span of tokens. Spans must not be empty."""
        starts = np.cumsum([0, *map(len, spans[:-1])])
        # The same few hundred tokens make up most of a handbook: each is compared once.
        there, places = np.unique(np.concatenate(spans), return_inverse=True)
        cosines = self._tokens.rows[asked] @ self._tokens.rows[there].T
        return np.maximum.reduceat(cosines[:, places], starts, axis=1)

    def nearest_in(self, asked: NDArray[np.uint32], texts: Sequence[str]) -> Scores:
        """As `nearest`, with a column for each text; 0 for a text without tokens."""
        found = np.zeros((len(asked), len(texts)), np.float32)
        spans = self._tokens.ids(texts)
        if full := [n for n, span in enumerate(spans) if len(span)]:
            found[:, full] = self.nearest(asked, [spans[n] for n in full])
        return found


@lru_cache(maxsize=2)
def _silent(tokens: StaticTokens) -> frozenset[int]:
    """The tokens of stop words: whole ones, and what follows an apostrophe."""
    forms = [*STOP_WORDS, *map(str.capitalize, STOP_WORDS)]
    whole = (ids for ids in tokens.ids(forms) if len(ids) == 1)
    rest = (ids[1:] for ids in tokens.ids([f"'{word}" for word in STOP_WORDS]) if len(ids) == 2)
    return frozenset(int(token) for ids in (*whole, *rest) for token in ids)
