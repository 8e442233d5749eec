"""What a Word document's styles and numbering say of a paragraph or a run, through the styles they are based on."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from docx.document import Document
from lxml import etree  # type: ignore[import-untyped]  # lxml is written in C, without types

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

_TINY = 4
"""Half points, up to which nobody reads a text."""
OFF = ("0", "false", "off", "none")


class Place(NamedTuple):
    """What a paragraph is: a heading of a `level`, 0 the document's title; or in a list, at a depth; or neither.

    `numbering` is the list's number and the depth in it, which several styles may share.
    """

    level: int | None
    listed: bool
    depth: int
    numbering: tuple[str, int]


class Styles:
    def __init__(self, document: Document) -> None:
        styles = document.styles.element
        self._styles = {style.get(W + "styleId"): style for style in styles.iter(W + "style")}
        defaults = styles.iterfind(f"{W}style[@{W}default='1'][@{W}type='paragraph']")
        self._default = next((style.get(W + "styleId") for style in defaults), None)
        self._bullets = set(_bullets(document))
        self._counts: Counter[tuple[str, int]] = Counter()
        self._background = document.element.find(W + "background") is not None

    def place(self, paragraph: etree._Element) -> Place:
        """What the paragraph is, by its own properties first, then by its style's."""
        chain = list(self._chain(paragraph.find(f"{W}pPr/{W}pStyle")))
        names = [_child(style, "name").lower() for style in chain]
        nodes = [paragraph, *chain]
        level = _level(nodes, names)
        numbering = next((found for node in nodes if (found := _child(node, f"pPr/{W}numPr/{W}numId"))), "")
        listed = level is None and (numbering not in ("", "0") or any(name.startswith("list ") for name in names))
        within = next((int(found) for node in nodes if (found := _child(node, f"pPr/{W}numPr/{W}ilvl")).isdecimal()), 0)
        named = int(names[0][-1]) - 1 if names and re.fullmatch(r"list .*[1-9]", names[0]) else 0
        return Place(level, listed, min(max(within, named), 8), (numbering, within))

    def mark(self, place: Place) -> str:
        """A list item's mark: a number where the list counts, whatever it counts in; else a dash."""
        number, depth = place.numbering
        if place.numbering in self._bullets or not number:
            return "-"
        self._counts[place.numbering] += 1
        for deeper in range(depth + 1, 9):
            self._counts[number, deeper] = 0
        return f"{self._counts[place.numbering]}."

    def hides(self, run: etree._Element) -> bool:
        """Whether nobody sees the run: marked as hidden, tiny, or white on the white page."""
        paragraph = next(run.iterancestors(W + "p"), None)
        own = run.find(W + "rPr")
        nodes = [run, *self._chain(None if own is None else own.find(W + "rStyle"), default=False)]
        if paragraph is not None:
            nodes += self._chain(paragraph.find(f"{W}pPr/{W}pStyle"))
        for name in ("vanish", "webHidden"):
            marks = (mark for node in nodes if (mark := node.find(f"{W}rPr/{W}{name}")) is not None)
            if (mark := next(marks, None)) is not None and mark.get(W + "val", "1") not in OFF:
                return True
        size = next((found for node in nodes if (found := _child(node, f"rPr/{W}sz"))), "")
        color = next((found for node in nodes if (found := _child(node, f"rPr/{W}color"))), "")
        return (size.isdecimal() and int(size) <= _TINY) or (color.upper() == "FFFFFF" and self._on_white(nodes, run))

    def _on_white(self, nodes: list[etree._Element], run: etree._Element) -> bool:
        """Whether nothing colours the ground: no shading or highlight, no table or box around it, no page colour."""
        shaded = any(node.find(f".//{W}{mark}") is not None for node in nodes for mark in ("shd", "highlight"))
        paragraph = next(run.iterancestors(W + "p"), None)
        shaded = shaded or (paragraph is not None and paragraph.find(f"{W}pPr/{W}shd") is not None)
        boxed = next(run.iterancestors(W + "tbl", W + "txbxContent"), None) is not None
        return not (shaded or boxed or self._background)

    def _chain(self, named: etree._Element | None, *, default: bool = True) -> Iterator[etree._Element]:
        """The style and those it is based on, each once: a circle ends."""
        style = named.get(W + "val") if named is not None else self._default if default else None
        seen: set[str] = set()
        while style is not None and style in self._styles and style not in seen:
            seen.add(style)
            yield self._styles[style]
            style = _child(self._styles[style], "basedOn")


def _level(nodes: list[etree._Element], names: list[str]) -> int | None:
    outline = next((found for node in nodes if (found := _child(node, f"pPr/{W}outlineLvl"))), "")
    if outline in set("012345678"):
        return int(outline) + 1
    if outline == "9":
        return None
    for name in names:
        if name == "title":
            return 0
        if name.startswith("heading ") and name[8:] in set("123456789"):
            return int(name[8:])
    return None


def _bullets(document: Document) -> Iterator[tuple[str, int]]:
    """The lists, by number and depth, whose items have a mark and not a number."""
    if not any(relation.reltype.endswith("/numbering") for relation in document.part.rels.values()):
        return
    numbering = document.part.numbering_part.element
    abstract = {node.get(W + "abstractNumId"): node for node in numbering.iter(W + "abstractNum")}
    for num in numbering.iter(W + "num"):
        for level in abstract.get(_child(num, "abstractNumId"), ()):
            if level.tag == W + "lvl" and _child(level, "numFmt") in ("bullet", "none"):
                yield num.get(W + "numId", ""), int(level.get(W + "ilvl", "0"))


def _child(node: etree._Element, path: str) -> str:
    found = node.find(W + path)
    return "" if found is None else found.get(W + "val", "")
