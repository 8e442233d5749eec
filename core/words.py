"""The words of a text. One function for all stores, so that a search finds the same in each.

A character may be written in several ways: ü as one or as two, a ligature for its letters, a Kangxi radical for its
ideograph. `plain` makes them one. It is not NFKC, which also makes 252 of 25² and eleven halves of 1½.
"""

import re
from unicodedata import category, decomposition, is_normalized, normalize

_MEANT = ("<super>", "<fraction>", "<circle>", "<square>")
"""Characters that mean something else than those they are made of: a footnote's mark, a half, a unit."""
APART = "¹²³\u2070\u2074-\u2079¼-¾\u2150-\u215f\u2189\u2460-\u24ff\u2776-\u2793"
"""Figures that are no part of the number before them."""
_WORD = re.compile(rf"[{APART}]+|[^\W_{APART}]+")

_UNSEEN = re.compile("[\u00ad\u034f\u180e\u200b\u2060\ufeff]")
"""They say where a line may or may not break, and nothing else."""
_PARTED = re.compile(r"\u00ad\s+(?=[^\W\d_])")
# Said by the few that it may be: a set of all but these takes `re` 4 ms to compile, which every import would wait for.
_LETTER = r"(?=[\0-\u058f])[^\W\d_]"
_UNJOINED = re.compile(rf"(?<={_LETTER})[\u200c\u200d]+(?={_LETTER})")
"""Joiners shape the letters of some scripts, and emoji; between these letters they do nothing that a reader sees."""
_MARKS = re.compile("[\u061c\u200c-\u200f\u202a-\u202e\u2066-\u2069]")


class _Plain(dict[int, str]):
    """What each character is replaced by, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = _character(chr(code))
        return self[code]


_PLAIN = _Plain()


def plain(text: str) -> str:
    """The text with one spelling of each character, without soft hyphens and other invisible characters in words.

    Footnote marks, fractions and encircled figures stay as they are, and so does all that is no letter or figure.
    """
    if text.isascii() or (is_normalized("NFKC", text) and not (_UNSEEN.search(text) or _MARKS.search(text))):
        return text
    return normalize("NFC", _UNJOINED.sub("", _PARTED.sub("", text).translate(_PLAIN)))


def words(text: str) -> list[str]:
    """The casefolded runs of letters and digits of a `plain` text, in order, with repeats; [] for a text without any.

    Footnote marks and fractions are words of their own: "25²" is 25 and ².
    """
    if text.isascii():
        return _WORD.findall(text.lower())
    return _WORD.findall(normalize("NFC", _MARKS.sub("", plain(text)).casefold()))


def _character(character: str) -> str:
    if _UNSEEN.match(character):
        return ""
    if decomposition(character).startswith(_MEANT):
        return character
    folded = normalize("NFKC", character)
    # A sign such as № is not folded: it would grow together with the number behind it.
    is_sign = category(character)[0] not in "LN" and len(folded) > 1
    return folded if folded.isalnum() and not is_sign else character
