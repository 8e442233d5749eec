"""An answer made of quotes: what of the passages fits a question best, and what belongs to it.

Nothing is phrased here but the frame: which document a quote is from, and what of a table or list was left out. A quote
is the passage's own words in their order, a gap in a paragraph is shown as [...], and the marker [n] ends it.
"""

import re
from collections.abc import Sequence

from backends.models.offline.excerpt import excerpt
from backends.models.offline.phrases import ENGLISH, Phrases
from backends.passages.blocks import read_blocks
from backends.passages.highlights import with_highlights
from backends.stems import question_words
from core.model import UserMessage
from core.values import Passage

MOST_PASSAGES = 3
COVERED = 0.33
"""The share of a question, by weight, that must stand in one place for passages that nobody has judged to answer it."""
RANK = 0.75
"""What the search's own score counts for beside that of a passage's best piece."""
CLOSE = 0.82
"""The share of the best passage's score from which another is quoted too,"""
FIT = 0.8
"""and the share that its own best piece must have of the best passage's."""
SHORT = 3
"""Words that a question has at most for the desk to ask back what was meant."""

_MARKER = re.compile(r"\[(\d{1,3})\]")


def quote(question: UserMessage, phrases: Phrases = ENGLISH) -> str:
    """Markdown that quotes the passages which fit the question, the best first; says so when none does.

    The question is in English, or in the language of its passages; `phrases` are those of the answer's language.
    """
    asked = question_words(question.text)
    if not asked and "?" not in question.text:
        return phrases.nothing_asked.format(without_model=phrases.without_model)
    passages = question.passages
    if not any(passage.highlights for passage in passages):
        passages = tuple(with_highlights(question.text, passages))
    best = list(map(_fit, passages))
    answers = question.judgement.answers if question.judgement else max(best, default=0.0) >= COVERED
    highest = max((passage.score for passage in passages), default=0.0) or 1.0
    scores = [fit and fit + RANK * passage.score / highest for fit, passage in zip(best, passages, strict=True)]
    if not any(scores) or not answers:
        return _nothing_found(asked, passages, scores, phrases)
    chosen = _chosen(passages, scores)
    said = [_quoted(passages[n], n + 1, phrases) for n in chosen]
    ids = {passages[n].id for n in chosen}
    if any(not ids.isdisjoint(passages[n].conflicts) for n in chosen):
        said.insert(0, phrases.otherwise)
    if question.judgement and question.judgement.doubtful:
        said.insert(0, phrases.not_sure)
    return "\n\n".join(said)


def quote_on_topic(question: UserMessage, phrases: Phrases) -> str:
    """What a person in need is told below the card: to turn to a person, and the best of the passages on the topic."""
    passages = question.passages
    if not any(passage.highlights for passage in passages):
        passages = tuple(with_highlights(question.text, passages))
    best = max(range(len(passages)), key=lambda n: (_fit(passages[n]), -n), default=None)
    if best is None or not _fit(passages[best]):
        return phrases.in_need
    return f"{phrases.in_need}\n\n{_quoted(passages[best], best + 1, phrases)}"


def unmarked(text: str) -> str:
    """The text with its own `[2]` written so that it reads the same and is not taken for a citation."""
    return _MARKER.sub(r"[\1\\]", text)


def _chosen(passages: Sequence[Passage], scores: Sequence[float]) -> list[int]:
    """The places of the passages to quote: the best, those that are nearly as good, and what contradicts the best.

    Passages that contradict each other stay in the order of the search, which has put the one that counts first.
    """
    ranked = sorted((n for n, score in enumerate(scores) if score), key=lambda n: -scores[n])
    against = [n for n in ranked if passages[n].id in passages[ranked[0]].conflicts]
    if against:
        return sorted([ranked[0], *against[: MOST_PASSAGES - 1]])
    first = ranked[0]
    close = [
        n for n in ranked if scores[n] >= CLOSE * scores[first] and _fit(passages[n]) >= FIT * _fit(passages[first])
    ]
    return close[:MOST_PASSAGES]


def _fit(passage: Passage) -> float:
    """How well the passage's best piece answers."""
    return passage.highlights[0].score if passage.highlights and read_blocks(passage.text) else 0.0


def _quoted(passage: Passage, n: int, phrases: Phrases) -> str:
    said = excerpt(passage, phrases)
    body = unmarked(said.text) + (f"\n\n[{n}]" if said.ends_in_rows else f" [{n}]")
    return f"{unmarked(_source(passage, phrases))}:\n\n{_block(body)}"


def _nothing_found(asked: Sequence[str], passages: Sequence[Passage], scores: Sequence[float], phrases: Phrases) -> str:
    said = [phrases.nothing_found]
    if any(scores):
        nearest = passages[max(range(len(scores)), key=scores.__getitem__)]
        best = nearest.highlights[0]
        said.append(phrases.nearest.format(source=unmarked(_source(nearest, phrases))))
        said.append(_block(unmarked(nearest.text[best.start : best.end])))
    near = [passage for passage in passages if _fit(passage) >= COVERED]
    if 0 < len(asked) <= SHORT and len(subjects := _subjects(near)) > 1:
        said.append(phrases.meant.format(subjects=", ".join(subjects[:-1]), last=subjects[-1]))
    return "\n\n".join([*said, phrases.what_next.format(without_model=phrases.without_model)])


def _subjects(passages: Sequence[Passage]) -> list[str]:
    """What the passages are about: their titles, or within one handbook their sections."""
    titles = list(dict.fromkeys(unmarked(passage.title) for passage in passages))
    sections = dict.fromkeys(unmarked(passage.section[-1]) for passage in passages if passage.section)
    return (titles if len(titles) > 1 else list(sections))[:MOST_PASSAGES]


def _source(passage: Passage, phrases: Phrases) -> str:
    words = phrases.source_section if passage.section else phrases.source
    return words.format(title=passage.title, section=" / ".join(passage.section))


def _block(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
