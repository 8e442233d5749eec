"""Headers and footers of a PDF: lines near a page's edge that come again, numbers apart, at the same height."""

import re
from collections import defaultdict
from collections.abc import Sequence

from backends.handbooks.documents.pdf.lines import Line, PageText, body_size

_MARGIN = 0.12
"""The share of a page's height, at the top and at the bottom, in which headers and footers stand."""
_MANY = 0.4
"""The share of pages from which a line is one: left and right pages may have headers of their own."""
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b")


def margins(lines: Sequence[Sequence[Line]], pages: Sequence[PageText]) -> list[tuple[str, Line]]:
    """The lines that are a header or a footer, each with its reason."""
    usual = body_size([line for page in lines for line in page])
    found: defaultdict[tuple[str, str, int], list[Line]] = defaultdict(list)
    for page, written in zip(pages, lines, strict=True):
        height = page.top - page.bottom
        for line in written:
            above = (line.y - page.bottom) / height if height > 0 else 0.5
            if above > 1 - _MARGIN or above < _MARGIN:
                reason = "page header" if above > 0.5 else "page footer"
                # Large letters with another number on each page are chapters.
                said = line.text.casefold() if line.size > usual else _NUMBER.sub("#", line.text.casefold())
                found[reason, said, round(line.y / 4)].append(line)
    fewest = max(2, _MANY * len(pages))
    return [
        (reason, line)
        for (reason, _, _), alike in found.items()
        for line in alike
        if len({line.page for line in alike}) >= fewest or _numbers(line, usual)
    ]


def _numbers(line: Line, usual: float) -> bool:
    """Whether the line, in small letters, ends or begins with its page's number: a single page has no other like it."""
    said = line.text.split()
    return line.size < usual and str(line.page) in (said[0], said[-1])
