"""The codes in a text, each as one word: form numbers, section numbers, mail addresses and the like.

`HR-204`, `HR 204` and `hr204` are one code, and another one than HR-240 or HR-20-4. An index has it beside hr and 204,
so that a question for a form does not find every passage with one of the two.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from core.words import APART, plain, words

DOT = "\ua78f"
"""Stands between two figures of a code, such as those of a section number. It is a letter to every tokenizer."""
LONGEST = 64
"""Characters of a code, above which a text is something else."""
_SIGNS = {"#": "sharp", "++": "plusplus"}

_JOIN = r"(?:[-\u2010\u2011._]|(?<=[^\W\d_])[/\u2013](?=\d))"
"""What joins the parts of a code. A stroke or a dash, which Word makes of a hyphen, also stands between two codes."""
_SPACED = r"(?<![\w-])[A-Z]{1,5}[ \u00a0]\d{2,}[A-Z]?(?![\w-])"
_CANDIDATE = re.compile(
    r"(?P<mail>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)"
    r"|(?<![^\W_])(?P<letter>[A-Za-z])(?P<sign>#|\+\+)(?![^\W_])"
    rf"|{_SPACED}|[^\W_]+(?:{_JOIN}[^\W_]+|\([^\W_]{{1,4}}\))*"
)
_HINT = re.compile(r"[\d@#]|\+\+|[A-Z][-\u2010\u2011][A-Z]")
"""What each code has, but few words."""
_WITH_SPACE = re.compile(_SPACED)
_PART = re.compile(r"\d+|[^\W\d_]+")
_MARKS = re.compile(f"[{APART}]")


def codes(text: str) -> list[str]:
    """The codes of the text, each once, as an index has them."""
    if not _HINT.search(text := _MARKS.sub(" ", plain(text))):
        return []
    stretches = [*filter(_HINT.search, text.split()), *_WITH_SPACE.findall(text)]
    found = (match for stretch in stretches for match in _CANDIDATE.finditer(stretch))
    return list(dict.fromkeys(code for match in found for code in _of(match)))


def asked_codes(question: str) -> list[str]:
    """The codes of a question and, because people write `hr 204`, also what any word and number in it would make."""
    said = words(question)
    pairs = (before + after for before, after in pairwise(said) if before.isalpha() != after.isalpha())
    return list(dict.fromkeys([*codes(question), *pairs]))


def outside_codes(text: str) -> Iterator[tuple[str, bool]]:
    """The text in stretches, each with whether it is free of codes."""
    start = 0
    for match in _CANDIDATE.finditer(text):
        if any(_of(match)):
            yield text[start : match.start()], True
            yield match[0], False
            start = match.end()
    yield text[start:], True


def _of(match: re.Match[str]) -> Iterator[str]:
    if match["mail"]:
        yield DOT.join(words(match["mail"]))
    elif match["letter"]:
        yield match["letter"].lower() + _SIGNS[match["sign"]]
    elif len(match[0]) <= LONGEST and _is_code(match[0]):
        parts = _PART.findall(match[0].casefold())
        yield _joined(parts)
        # In HR-204-Antrag, which is one word in German, HR-204 is the code.
        if len(parts) > 2 and parts[-1].isalpha() and len(parts[-1]) > 1:
            yield _joined(parts[:-1])


def _is_code(written: str) -> bool:
    """Whether letters and figures stand together, or figures with dots, or capitals with hyphens.

    Not where a small word follows figures: `30-day`, `5pm`.
    """
    parts = _PART.findall(written)
    figures = [part for part in parts if part.isdigit()]
    if not figures:
        return len(parts) > 1 and written.isupper() and "." not in written
    if len(figures) == len(parts):
        return len(parts) > 1 and re.fullmatch(r"[\d.]+", written) is not None
    return not (parts[0].isdigit() and len(parts) == 2 and len(parts[1]) > 1 and parts[1].islower())


def _joined(parts: Sequence[str]) -> str:
    """The parts as one word; between two figures a letter keeps HR-20-4 from HR-204."""
    return "".join(words(re.sub(r"(?<=\d)\0(?=\d)", DOT, "\0".join(parts)).replace("\0", "")))
