"""German questions over English handbooks: the words that are searched for, and those that a judgement looks at.

A word of the question stays if the handbooks have it, so that German handbooks are searched in German.
"""

from backends.glossary import Gloss, Glossary
from backends.handbooks.search.spelling import Lexicon
from backends.stems import stemmed


def searched(query: str, glossary: Glossary, lexicon: Lexicon) -> str:
    """The query with misspelt words repaired; a German one with all meanings of its words beside them."""
    if glossary.language(query) == "en":
        return lexicon.repaired(query)
    # A German word that is not in English handbooks is not misspelt.
    return "".join(_all_meanings(piece, lexicon) for piece in glossary.read(query))


def judged(query: str, glossary: Glossary, lexicon: Lexicon) -> str:
    """The query; a German one with one word for each: its own if the handbooks have it, or else its first meaning."""
    if glossary.language(query) == "en":
        return query
    pieces = glossary.read(query)
    return "".join(piece.said if _there(piece, lexicon) else _first(piece) for piece in pieces)


def _all_meanings(piece: Gloss, lexicon: Lexicon) -> str:
    if piece.little:
        return _first(piece)
    return " ".join([*piece.meanings, *([piece.said] if _there(piece, lexicon) or not piece.meanings else [])])


def _first(piece: Gloss) -> str:
    return piece.meanings[0] if piece.meanings else piece.said


def _there(piece: Gloss, lexicon: Lexicon) -> bool:
    """Whether the handbooks have all words of the piece; a little word of theirs may be another in English."""
    return not piece.little and all(map(lexicon.having, stemmed(piece.said).split()))
