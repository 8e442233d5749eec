"""A Word document as a document: headings by their styles' outline levels, lists by their numbering, tables by rows.

The parts' XML is walked, not python-docx's paragraphs: those leave out what stands in content controls, text boxes and
changes that were not accepted yet. A change is read as accepted. Text marked as hidden, and what headers and footers
say, is left out and listed.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import takewhile
from zipfile import BadZipFile

from docx import Document
from docx.document import Document as Opened
from docx.opc.exceptions import PackageNotFoundError
from lxml import etree  # type: ignore[import-untyped]  # lxml is written in C, without types

from backends.handbooks.documents.docx.package import check
from backends.handbooks.documents.docx.styles import OFF, Styles, W
from backends.handbooks.documents.grid import Cell, Row, flat
from backends.handbooks.documents.markdown_tables import in_cell, item, table
from backends.handbooks.documents.model import Block, Content, Front, LeftOut, Part, Refused, Shape, meant

_SKIPPED = frozenset(
    [
        *(W + name for name in ("del", "moveFrom", "pPr", "rPr", "tblPr", "trPr", "tcPr", "sectPr", "instrText")),
        "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
    ]
)
"""What says how text looks, what was deleted, and what old programs show in place of the same text in a newer form."""
_BOX = W + "txbxContent"
_WORDS = {W + "tab": " ", W + "ptab": " ", W + "br": "\n", W + "cr": "\n", W + "noBreakHyphen": "-"}
_WIDEST = 63
_NOTES = (W + "footnoteReference", W + "endnoteReference")


def read_docx(data: bytes, name: str) -> Content:
    """The document in `data`. Raises Refused for a package that is none, is a bomb, or holds more than a document."""
    check(data, name)
    try:
        document = Document(BytesIO(data))
    except (BadZipFile, PackageNotFoundError, KeyError, ValueError, etree.XMLSyntaxError) as error:
        raise Refused(f"{name} is no Word document that can be read: save it anew as .docx") from error
    reader = _Reader(document)
    blocks = list(reader.flow(document.element.body))
    reader.list_margins(document)
    return Content(blocks=blocks, front=Front(title=meant(document.core_properties.title)), left_out=reader.left_out)


class _Reader:
    def __init__(self, document: Opened) -> None:
        self.left_out: list[LeftOut] = []
        self._styles = Styles(document)
        self._notes = dict(_notes(document))

    def flow(self, node: etree._Element) -> Iterator[Block]:
        """The blocks in a body, a cell, a text box: consecutive list paragraphs are one list."""
        items: list[tuple[int, str]] = []
        for child in _blocks_in(node):
            blocks, listed = self._paragraph(child, items) if child.tag == W + "p" else (self._table(child), False)
            if not listed:
                yield from _list(items)
                items = []
            yield from blocks
        yield from _list(items)

    def list_margins(self, document: Opened) -> None:
        """Put what headers and footers say among what is left out, each once."""
        said: dict[tuple[str, str], None] = {}
        for section in document.sections:
            for header in (section.header, section.first_page_header, section.even_page_header):
                if not header.is_linked_to_previous:
                    said["page header", self._whole(header._element)] = None
            for footer in (section.footer, section.first_page_footer, section.even_page_footer):
                if not footer.is_linked_to_previous:
                    said["page footer", self._whole(footer._element)] = None
        self.left_out.extend(LeftOut(reason=reason, text=text) for reason, text in said if text)

    def _whole(self, node: etree._Element) -> str:
        return in_cell(list(self.flow(node)))

    def _paragraph(self, node: etree._Element, items: list[tuple[int, str]]) -> tuple[list[Block], bool]:
        """What a paragraph holds besides an item that it added to `items`, and whether it belongs to that list."""
        hidden: list[str] = []
        text = "\n".join(" ".join(line.split()) for line in self._text(node, hidden).split("\n")).strip()
        if found := " ".join("".join(hidden).split()):
            self.left_out.append(LeftOut(reason="hidden", text=found))
        boxes = [block for box in _boxes(node) for block in self.flow(box)]
        place = self._styles.place(node)
        if text and place.listed:
            items.append((place.depth, item(self._styles.mark(place), [_block("text", text)])))
            return boxes, not boxes
        if not text:
            return boxes, not boxes
        if place.level is None:
            return [_block("text", text), *boxes], False
        heading = Block(shape="heading", level=place.level, parts=(Part(" ".join(text.split())),))
        return [heading, *boxes], False

    def _text(self, node: etree._Element, hidden: list[str]) -> str:
        texts: list[str] = []
        for child in node:
            if child.tag in _SKIPPED or child.tag == _BOX:
                continue
            if child.tag == W + "r" and self._styles.hides(child):
                hidden.append(self._text(child, []))
            elif child.tag == W + "t":
                texts.append(child.text or "")
            elif child.tag in _WORDS:
                texts.append(_WORDS[child.tag])
            elif child.tag in _NOTES:
                texts.append(f" [{note}]" if (note := self._notes.get((child.tag, child.get(W + "id")))) else "")
            else:
                texts.append(self._text(child, hidden))
        return "".join(texts)

    def _table(self, node: etree._Element) -> list[Block]:
        rows = [[cell for cell in _inside(row, "tc")] for row in _inside(node, "tr")]
        if all(len(row) < 2 for row in rows):
            return [block for row in rows for cell in row for block in self.flow(cell)]
        grid: list[Row] = []
        for cells, row in zip(rows, _inside(node, "tr"), strict=True):
            grid.append(self._row(cells, _number(row, "trPr/gridBefore"), grid[-1] if grid else {}))
        headers = list(takewhile(lambda row: _is_on(row, "trPr/tblHeader"), _inside(node, "tr")))
        block = table(flat(grid, len(headers)))
        return [block] if block else []

    def _row(self, cells: Sequence[etree._Element], column: int, above: Row) -> Row:
        """The row's cells by the columns that they cover; one that goes on from above or from the left is that cell."""
        row: Row = {}
        for node in cells:
            text = self._whole(node)
            merged = [Cell(text)]
            if _goes_on(node, "vMerge") and not text:
                merged = above.get(column, merged)
            elif _goes_on(node, "hMerge") and not text:
                merged = row.get(column - 1, merged)
            for place in range(column, column := column + (_number(node, "tcPr/gridSpan") or 1)):
                row[place] = merged
        return row


def _number(node: etree._Element, path: str) -> int:
    """The number that a property of a row or a cell says, at most Word's 63 columns; 0 without one."""
    found = node.find("/".join(W + name for name in path.split("/")))
    said = found.get(W + "val", "") if found is not None else ""
    return min(int(said), _WIDEST) if said.isdecimal() else 0


def _is_on(node: etree._Element, path: str) -> bool:
    found = node.find("/".join(W + name for name in path.split("/")))
    return found is not None and found.get(W + "val", "1") not in OFF


def _goes_on(cell: etree._Element, name: str) -> bool:
    """Whether the cell belongs to a merged one that began before it."""
    found = cell.find(f"{W}tcPr/{W}{name}")
    return found is not None and found.get(W + "val", "continue") == "continue"


def _block(shape: Shape, text: str) -> Block:
    return Block(shape=shape, parts=(Part(text),))


def _list(items: Sequence[tuple[int, str]]) -> Iterator[Block]:
    """The items as a list: what is deeper than the first belongs to the item before it."""
    parts: list[str] = []
    least = min((depth for depth, _ in items), default=0)
    for depth, text in items:
        if parts and depth > least:
            indent = "  " * (depth - least)
            parts[-1] += "".join(f"\n{indent}{line}" for line in text.split("\n"))
        else:
            parts.append(text)
    if parts:
        yield Block(shape="list", parts=tuple(map(Part, parts)))


def _blocks_in(node: etree._Element) -> Iterator[etree._Element]:
    """Paragraphs and tables, through what only wraps them."""
    for child in node:
        if child.tag in (W + "p", W + "tbl"):
            yield child
        elif child.tag not in _SKIPPED:
            yield from _blocks_in(child)


def _inside(node: etree._Element, name: str) -> Iterator[etree._Element]:
    """A table's rows, or a row's cells, through what only wraps them; what was deleted is none."""
    for child in node:
        if child.tag == W + name:
            if child.find(f"{W}trPr/{W}del") is None:
                yield child
        elif child.tag not in _SKIPPED:
            yield from _inside(child, name)


def _boxes(node: etree._Element) -> Iterator[etree._Element]:
    for child in node:
        if child.tag == _BOX:
            yield child
        elif child.tag not in _SKIPPED:
            yield from _boxes(child)


def _said(note: etree._Element) -> Iterator[str]:
    for child in note:
        if child.tag == W + "t":
            yield child.text or ""
        elif child.tag not in _SKIPPED:
            yield _WORDS.get(child.tag, "")
            yield from _said(child)
            yield "\n" if child.tag == W + "p" else ""


def _notes(document: Opened) -> Iterator[tuple[tuple[str, str | None], str]]:
    """The text of each footnote and endnote, by what refers to it."""
    safe = etree.XMLParser(resolve_entities=False, no_network=True)
    for relation in document.part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if kind not in ("footnotes", "endnotes") or relation.is_external:
            continue
        for note in etree.fromstring(relation.target_part.blob, safe):
            if text := " ".join("".join(_said(note)).split()):
                yield (f"{W}{kind[:-1]}Reference", note.get(W + "id")), text
