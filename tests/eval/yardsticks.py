"""What the product's search is measured against: SQLite's FTS5 by itself, and one dot product with every vector.

Neither filters, repairs, fuses or explains; both are what a search over this many passages costs at the least.
"""

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import apsw
import numpy as np

from backends.vectors.contracts import Vectors
from core.words import words

FOUND = 20


class FullText:
    """A file with one FTS5 table of the texts, stemmed by SQLite's own tokenizer. `seconds` is how long it took."""

    def __init__(self, path: Path, texts: Sequence[tuple[str, str]]) -> None:
        begun = perf_counter()
        self._connection = apsw.Connection(str(path))
        self._connection.execute("CREATE VIRTUAL TABLE passages USING fts5(trail, body, tokenize='porter unicode61')")
        with self._connection:
            self._connection.executemany("INSERT INTO passages VALUES (?, ?)", texts)
        self.seconds = perf_counter() - begun
        self.bytes = path.stat().st_size

    def search(self, question: str) -> list[tuple[int, float]]:
        match = " OR ".join(f'"{word}"' for word in dict.fromkeys(words(question)))
        sql = "SELECT rowid, bm25(passages) FROM passages WHERE passages MATCH ? ORDER BY 2 LIMIT ?"
        return self._connection.execute(sql, (match, FOUND)).fetchall()

    def close(self) -> None:
        self._connection.close()


def nearest(matrix: Vectors, vector: Vectors) -> list[tuple[int, float]]:
    """The rows of the matrix nearest to the vector, best first."""
    scores = matrix @ vector
    best = np.argpartition(-scores, min(FOUND, len(scores) - 1))[:FOUND]
    return [(int(row), float(scores[row])) for row in best[np.argsort(-scores[best])]]
