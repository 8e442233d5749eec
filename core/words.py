"""The words of a text: one function, so that a search finds the same in every store."""

import re

_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """The casefolded runs of letters and digits of a text, in order, repeats included; [] for none. No stemming."""
    return _WORD.findall(text.casefold())
