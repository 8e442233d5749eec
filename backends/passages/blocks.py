"""A passage's Markdown in blocks: what may be quoted of it, and what stands above that.

A unit is what is quoted whole: a sentence, an item of a list, a row of a table. Its place in the text is kept, so that
a quote is the passage's own words to the letter.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

Shape: TypeAlias = Literal["sentences", "list", "table"]

_END = re.compile(r"(?<=[.!?])[\"')\]]?\s+(?=[\"'(\[*_]*[A-Z0-9])")
_NO_END = re.compile(r"(?:\b(?:e\.g|i\.e|etc|cf|approx|max|min|No|Nos|Art|Mr|Ms|Mrs|Dr|z\.B|incl)|\b\d{1,2})\.$")
_ITEM = re.compile(r" {0,3}(?:[-*+]|\d+[.)])\s")
_LOOKS_BACK = 8
"""Characters before the end of a sentence that may be such an abbreviation."""
_TAG = re.compile(r"</?(?:details|summary|div|p|br)\b[^<>]*>", re.IGNORECASE)
_SUMMARY = re.compile(r"\s*(?:<details[^>]*>\s*)?<summary\b", re.IGNORECASE)
_TITLE = re.compile(r"\s*(?:#{1,6}\s+\S|(?:\*\*|__)(?:(?!\*\*|__).)+(?:\*\*|__)[:.]?\s*$)")
# What stands in brackets ends at the next one: a pattern that read on would read the rest of the text for each bracket.
_LINK = re.compile(r"!?\[[^\[\]]*\]\([^()]*(?:\([^()]*\)[^()]*)?\)|<?https?://\S+>?")
_LONGEST_TITLE = 30
"""Words of a line that asks, above which it is a text like any other."""


class Unit(NamedTuple):
    """What is quoted whole, from `start` to `end` of the passage's text."""

    text: str
    start: int
    end: int

    @property
    def answers(self) -> bool:
        """Whether it says something: a question, or a link alone, does not."""
        return not _asks(self.text) and any(char.isalnum() for char in _LINK.sub(" ", self.text))


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list or table; `units` are its sentences, items or rows.

    `lead` is the line that leads in to it, and a table's header. `title` is the bold line, summary or question that it
    stands below within the passage, None if there is none.
    """

    shape: Shape
    units: tuple[Unit, ...]
    lead: tuple[Unit, ...] = ()
    title: Unit | None = None


def read_blocks(text: str) -> list[Block]:
    """The blocks of a passage, in order. A title below which nothing stands is left out."""
    blocks: list[Block] = []
    title: Unit | None = None
    for shape, lines in _runs(text):
        match shape:
            case "title":
                title = _joined(text, lines)
            case "table" if len(lines) > 2:
                blocks.append(Block("table", tuple(lines[2:]), (*_lead(blocks, title), *lines[:2]), title))
            case "list":
                blocks.append(Block("list", tuple(_items(text, lines)), _lead(blocks, title), title))
            case _:
                blocks.append(Block("sentences", tuple(_sentences(text, _joined(text, lines))), (), title))
    return blocks


def above(block: Block) -> str:
    """What stands above a block's units within the passage, as one line."""
    return " ".join(unit.text for unit in ([block.title] if block.title else []) + list(block.lead))


def _runs(text: str) -> Iterator[tuple[Shape | Literal["title"], list[Unit]]]:
    """Lines that belong together. A blank line ends all but a list whose next line is an item or indented."""
    run: list[Unit] = []
    shape: Shape | Literal["title"] | None = None
    blank = False
    for line in _lines(text):
        if not line.text.strip():
            blank = True
            continue
        kind = _kind(line.text)
        if shape == "list" and kind == "sentences" and (not blank or line.text[:2].isspace()):
            kind = "list"
        if shape is not None and (kind != shape or shape == "title" or (blank and shape != "list")):
            yield _settled(shape, run), run
            run = []
        shape, blank = kind, False
        if not _TAG.fullmatch(line.text.strip()):
            run.append(line)
        elif not run:
            shape = None
    if shape is not None and run:
        yield _settled(shape, run), run


def _kind(line: str) -> Shape | Literal["title"]:
    if line.lstrip().startswith("|"):
        return "table"
    if _SUMMARY.match(line) or _TITLE.match(line):
        return "title"
    return "list" if _ITEM.match(line) else "sentences"


def _settled(shape: Shape | Literal["title"], run: Sequence[Unit]) -> Shape | Literal["title"]:
    """A paragraph that is one question stands above what follows, as a title does."""
    alone = shape == "sentences" and len(run) == 1
    return "title" if alone and _asks(run[0].text) and len(run[0].text.split()) <= _LONGEST_TITLE else shape


def _asks(text: str) -> bool:
    return _TAG.sub("", text).rstrip("*_\"') \t\n").endswith("?")


def _lead(blocks: list[Block], title: Unit | None) -> tuple[Unit, ...]:
    """The sentence before that ends with a colon, taken from its paragraph."""
    if not blocks or blocks[-1].shape != "sentences" or blocks[-1].title is not title:
        return ()
    last = blocks[-1]
    if not last.units[-1].text.rstrip("*_ ").endswith(":"):
        return ()
    blocks.pop()
    if last.units[:-1]:
        blocks.append(Block("sentences", last.units[:-1], (), title))
    return last.units[-1:]


def _lines(text: str) -> Iterator[Unit]:
    for match in re.finditer(r"[^\n]+|\n(?=\n)", text):
        yield Unit(match[0], match.start(), match.end())


def _items(text: str, lines: Iterable[Unit]) -> Iterator[Unit]:
    """The items, each with the lines below it that do not begin another."""
    item: list[Unit] = []
    for line in lines:
        if item and _ITEM.match(line.text):
            yield _joined(text, item)
            item = []
        item.append(line)
    yield _joined(text, item)


def _joined(text: str, lines: Sequence[Unit]) -> Unit:
    return _trimmed(text, lines[0].start, lines[-1].end)


def _sentences(text: str, paragraph: Unit) -> Iterator[Unit]:
    start = paragraph.start
    for match in _END.finditer(text, paragraph.start, paragraph.end):
        looked_at = max(start, match.start() - _LOOKS_BACK)
        if not _NO_END.search(text, looked_at, match.start()) and match.end() < paragraph.end:
            yield _trimmed(text, start, match.end())
            start = match.end()
    yield _trimmed(text, start, paragraph.end)


def _trimmed(text: str, start: int, end: int) -> Unit:
    said = text[start:end]
    start, end = start + len(said) - len(said.lstrip()), start + len(said.rstrip())
    return Unit(text[start:end], start, end)
