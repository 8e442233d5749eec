"""The search by words: what was asked, and, at less weight, what else it may be called.

Two queries of the catalogue's full-text index, whose BM25 is a sum over words, so that the two add up to one with
weights.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from backends.codes import asked_codes
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.search.spelling import Lexicon
from backends.handbooks.search.synonyms import Phrase, Synonyms
from backends.stems import question_words, stems
from core.words import words

TITLE, TRAIL, BODY = 2.0, 2.0, 1.0
"""What a word counts for, by where it stands. On two handbooks of others, 1 to 3 for title and trail find the same
within a point of R@5; on the sample handbooks 2 finds one point more than 1."""
SYNONYM = 0.7
"""What a word of the synonyms counts for. Without, R@5 is .47 on the sample handbooks' questions, which the list's
writer had not seen; with .5 .58, .7 .61, .85 .60."""
MOST_TERMS = 64
"""Words of a question, and as many synonyms, that are searched for: the last ones, where a question is long."""
MOST_ROWS = 50_000
"""Passages that the words of one query may have between them, some 10 ms' worth: the rarest words come first, and one
always does. A common word tells passages apart by little; it is left out where there are very many passages only."""


class Terms(NamedTuple):
    """The words of a question, and what else they may mean."""

    asked: list[Phrase]
    meant: list[Phrase]


class WordsLeg:
    """Passages by words."""

    def __init__(self, catalogue: Catalogue, synonyms: Synonyms) -> None:
        self._catalogue, self._synonyms = catalogue, synonyms

    def search(self, terms: Terms, versions: Sequence[int], limit: int) -> dict[int, float]:
        """The rows of passages and their scores, unordered; at most `limit` by the words and as many by synonyms."""
        found: dict[int, float] = {}
        for phrases, weight in ((terms.asked, 1.0), (terms.meant, SYNONYM)):
            if match := " OR ".join(f'"{" ".join(phrase)}"' for phrase in phrases):
                for row, score in self._catalogue.words(match, versions, limit, (TITLE, TRAIL, BODY)):
                    found[row] = found.get(row, 0.0) + weight * score
        return found

    def with_codes(self, text: str, lexicon: Lexicon, versions: Sequence[int], limit: int) -> dict[int, float]:
        """The rows of passages that have codes of the text, at most `limit` for each, and the share that each has."""
        asked = [code for code in stems(asked_codes(text))[-MOST_TERMS:] if lexicon.having(code)]
        found: dict[int, float] = {}
        for code in asked:
            for row, _ in self._catalogue.words(f'"{code}"', versions, limit, (TITLE, TRAIL, BODY)):
                found[row] = found.get(row, 0.0) + 1 / len(asked)
        return found

    def terms(self, text: str, lexicon: Lexicon) -> Terms:
        """What is searched for: the words of the text, and what else they stand for; only such as some passage has."""
        asked = _there([(stem,) for stem in stems(question_words(text))], lexicon)
        meant = _there(self._synonyms.meant(stems(words(text))), lexicon)
        known = set(asked)
        others = [phrase for phrase in meant if phrase not in known]
        return Terms(_affordable(asked, lexicon), _affordable(others, lexicon))


def _there(phrases: Iterable[Phrase], lexicon: Lexicon) -> list[Phrase]:
    kept = [phrase for phrase in dict.fromkeys(phrases) if all(map(lexicon.having, phrase))]
    return kept[-MOST_TERMS:]


def _affordable(phrases: list[Phrase], lexicon: Lexicon) -> list[Phrase]:
    rows, kept = 0, set[Phrase]()
    for phrase in sorted(phrases, key=lambda phrase: _rows(phrase, lexicon)):
        rows += _rows(phrase, lexicon)
        if kept and rows > MOST_ROWS:
            break
        kept.add(phrase)
    return [phrase for phrase in phrases if phrase in kept]


def _rows(phrase: Phrase, lexicon: Lexicon) -> int:
    return max(map(lexicon.having, phrase))
