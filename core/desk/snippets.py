"""Snippets: the part of a text around the words that were searched for."""

import re
from dataclasses import dataclass

from core.values import Value
from core.words import words

WIDTH = 160
"""Characters of a snippet, without the signs that it goes on."""

_RUN = re.compile(r"\S+")


class Snippet(Value):
    """A part of a text. `marks` are the searched words in it: start and end, in characters, in order.

    An ellipsis stands at an end where the text goes on.
    """

    text: str
    marks: list[tuple[int, int]] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Where a thread has the words that were searched for: in a message of this turn; in its title if that is None."""

    turn: str | None
    snippet: Snippet


def snippet(text: str, wanted: str, width: int = WIDTH) -> Snippet:
    """The first part of the text that holds a searched word, of about `width` characters; else its beginning.

    As in a search, the last of the words may be the beginning of a word.
    """
    line = " ".join(text.split())
    sought = words(wanted)
    any_of, beginning = frozenset(sought), sought[-1] if sought else None

    def meets(run: re.Match[str]) -> bool:
        return beginning is not None and any(w in any_of or w.startswith(beginning) for w in words(run[0]))

    begun = next((run.start() for run in _RUN.finditer(line) if meets(run)), len(line))
    # Beyond a snippet's width the text is not looked at: it may be as long as an answer.
    hits = [run.span() for run in _RUN.finditer(line, begun, begun + width + 1) if meets(run)]
    start = max(0, hits[0][0] - width // 3) if hits else 0
    if start:
        start = line.index(" ", start) + 1 if " " in line[start : hits[0][0]] else hits[0][0]
    end = min(len(line), start + width)
    if end < len(line) and " " in line[start:end]:
        end = max(line.rindex(" ", start, end), hits[0][1] if hits else 0)
    before, after = "… " if start else "", " …" if end < len(line) else ""
    shift = len(before) - start
    marks = [(first + shift, last + shift) for first, last in hits if start <= first and last <= end]
    return Snippet(text=f"{before}{line[start:end]}{after}", marks=marks)
