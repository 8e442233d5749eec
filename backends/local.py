"""A retriever that needs nothing but SQLite's full-text index, in memory, over a folder of Markdown handbooks.

Only what is in force today is found, judged at each search, so that a desk which runs for months takes up an edition
on its first day. Which country's handbook holds for whom is not known here: every viewer may read every handbook.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Lock

import anyio.to_thread
import apsw

from backends.handbooks import read_handbooks
from backends.terms import question_words
from core.entries import Judgement, Passage
from core.gate import Viewer
from core.retrieval import Filters
from core.words import words

TITLE, TRAIL, BODY = 4.0, 3.0, 1.0
"""What a word counts for, by where it stands."""
SAME = 0.8
"""The share of common runs of three words from which two passages say the same."""

_SEARCH = """
    SELECT rowid - 1, -bm25(passages, ?, ?, ?) FROM passages
    WHERE passages MATCH ? AND (effective = '' OR effective <= ?) AND (until = '' OR until >= ?)
    ORDER BY 2 DESC, rowid LIMIT ?
"""


def _today() -> date:
    return datetime.now(UTC).date()


class LocalRetriever:
    """Passages of the handbooks in `folder`, by words.

    They are read once, when it is made, which blocks: some 0.1 s for a hundred pages. Make it anew to read them
    again. `today` says which day it is. Raises InvalidInput where the folder or a file cannot be read.
    """

    def __init__(self, folder: str | Path, *, today: Callable[[], date] = _today) -> None:
        self._today = today
        self._handbooks = read_handbooks(folder)
        self._passages = [passage for handbook in self._handbooks for passage in handbook.passages]
        self._lock = Lock()
        self._index = apsw.Connection(":memory:")
        self._index.execute(
            "CREATE VIRTUAL TABLE passages USING fts5("
            "title, trail, body, effective UNINDEXED, until UNINDEXED, tokenize='porter unicode61 remove_diacritics 2')"
        )
        for handbook in self._handbooks:
            effective, until = (day.isoformat() if day else "" for day in (handbook.effective, handbook.until))
            for passage in handbook.passages:
                row = (passage.title, " ".join(passage.section), passage.text, effective, until)
                self._index.execute("INSERT INTO passages VALUES (?, ?, ?, ?, ?)", row)

    async def search(
        self, query: str, viewer: Viewer, limit: int, filters: Filters | None = None, as_of: date | None = None
    ) -> list[Passage]:
        return await anyio.to_thread.run_sync(self._search, query, limit)

    async def judge(self, query: str, passages: Sequence[Passage]) -> Judgement | None:
        return None

    async def versions(self) -> Mapping[str, str]:
        today = self._today()
        return {
            handbook.document: handbook.version
            for handbook in self._handbooks
            if (handbook.effective or today) <= today <= (handbook.until or today)
        }

    def _search(self, query: str, limit: int) -> list[Passage]:
        asked = dict.fromkeys(question_words(query))
        if not asked or limit < 1:
            return []
        today = self._today().isoformat()
        match = " OR ".join(f'"{word}"' for word in asked)
        with self._lock:
            found = list(self._index.execute(_SEARCH, (TITLE, TRAIL, BODY, match, today, today, 4 * limit)))
        kept: list[tuple[Passage, set[tuple[str, ...]]]] = []
        for row, score in found:
            passage = self._passages[row].model_copy(update={"score": score})
            said = _runs(passage.text)
            if not any(len(said & other) >= SAME * len(said | other) for _, other in kept):
                kept.append((passage, said))
        return [passage for passage, _ in kept[:limit]]


def _runs(text: str) -> set[tuple[str, ...]]:
    said = words(text)
    return {tuple(said[n : n + 3]) for n in range(max(1, len(said) - 2))}
