"""The words of a text. One function for all stores, so that a search finds the same in each."""

import re

_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """The casefolded runs of letters and digits of a text, in order, with repeats; [] for a text without any."""
    return _WORD.findall(text.casefold())
