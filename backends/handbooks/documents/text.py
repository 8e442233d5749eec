"""Plain text as a document: paragraphs with blank lines between them, lists by their marks, no headings."""

import re

from backends.handbooks.documents.model import Block, Content, Part

_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_ITEM = re.compile(r"^[ \t]*(?:[-*\u2022\u2013]|\d{1,3}[.)]|[a-z][.)])[ \t]+", re.MULTILINE)


def read_text(source: str) -> Content:
    """The paragraphs of the text; one that begins with a list's mark is a list, its items as they are written."""
    paragraphs = (paragraph.strip() for paragraph in _PARAGRAPH.split(source))
    return Content(blocks=[block for paragraph in paragraphs if paragraph for block in _blocks(paragraph)])


def _blocks(paragraph: str) -> list[Block]:
    starts = [mark.start() for mark in _ITEM.finditer(paragraph)]
    if len(starts) < 2:
        return [Block(shape="text", parts=(Part(paragraph),))]
    edges = zip(starts, [*starts[1:], len(paragraph)], strict=True)
    items = Block(shape="list", parts=tuple(Part(paragraph[start:end].rstrip()) for start, end in edges))
    before = paragraph[: starts[0]].strip()
    return [Block(shape="text", parts=(Part(before),)), items] if before else [items]
