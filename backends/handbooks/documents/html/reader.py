"""A web page as a document: what a reader of the page sees, without what belongs to the site around it.

Headings count wherever they stand; lists and tables are written as in Markdown. What is hidden, and the site's
navigation, header and footer, are left out and listed. A page whose one main heading stands in the header keeps that.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import dropwhile, takewhile

from lxml import html  # type: ignore[import-untyped]  # lxml is written in C, without types
from lxml.html import HtmlElement  # type: ignore[import-untyped]  # the same

from backends.handbooks.documents.grid import Cell, flat, placed
from backends.handbooks.documents.html.visibility import Hiding
from backends.handbooks.documents.markdown_tables import in_cell, item, table
from backends.handbooks.documents.model import Block, Content, Front, LeftOut, Part, Refused

_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_BLOCKS = frozenset(
    [
        *("address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "dir"),
        *("div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "legend"),
        *("li", "main", "menu", "nav", "ol", "p", "pre", "search", "section", "summary", "table", "tbody", "td"),
        *("tfoot", "th", "thead", "tr", "ul"),
        *_HEADINGS,
    ]
)
_NO_TEXT = frozenset(["script", "style", "template", "head", "title"])
_INSTEAD = frozenset(["noscript", "iframe", "object", "noframes"])
"""They hold what is shown where something else cannot be."""
_SITE = {"nav": "navigation", "header": "page header", "footer": "page footer"}
_ROLES = {"navigation": "nav", "banner": "header", "contentinfo": "footer"}
_BODY = frozenset(["article", "main", "section"])
_DRAWN = {"thead": 0, "tfoot": 2}
"""Where a group of rows is drawn, wherever it stands in the source: the others between these."""
_NUMBER = re.compile(r"[ \t\r\n\f]*\+?([0-9]{1,9})")
_SPACE = re.compile(r"[ \t\r\n\f\v]+")
_BREAK = "\0"
"""Stands for a line break while spaces are drawn together; no text holds it."""


def read_html(source: str, name: str) -> Content:
    """The page in `source`. Raises Refused where it is nested more deeply than libxml2 reads."""
    parser = html.HTMLParser(no_network=True, remove_pis=True, encoding="utf-8")
    root = html.document_fromstring(source.encode(), parser)
    if any(fault.type_name == "ERR_RESOURCE_LIMIT" for fault in parser.error_log):
        raise Refused(f"{name} is nested too deeply: save the page anew as plain HTML or as text")
    page = _Page(root)
    blocks = list(page.flow(root))
    return Content(blocks=blocks, front=Front(title=_title(root, blocks)), left_out=page.left_out)


def _title(root: HtmlElement, blocks: Iterable[Block]) -> str | None:
    """The page's title; its main heading where the title is that with the site's name beside it."""
    title = " ".join(" ".join(root.xpath("//head/title/text()")).split())
    first = next((block.parts[0].text for block in blocks if block.shape == "heading"), "")
    return first if first and first.casefold() in title.casefold() else title or None


class _Page:
    def __init__(self, root: HtmlElement) -> None:
        self.left_out: list[LeftOut] = []
        self._hiding = Hiding(style.text or "" for style in root.iter("style"))
        self._keeps_header = not any(not self._in_header(heading) for heading in root.iter("h1"))

    def flow(self, node: HtmlElement) -> Iterator[Block]:
        """The blocks in a node: its own text between them is paragraphs."""
        inline = [node.text or ""]
        for child in node:
            if self._shown(child):
                if _is_block(child):
                    yield from _paragraph(inline)
                    inline = []
                    yield from self._block(child)
                else:
                    inline.append(self._inline(child))
            inline.append(child.tail or "")
        yield from _paragraph(inline)

    def _shown(self, node: HtmlElement) -> bool:
        """Whether a reader sees the node in the page's own text; if not, it is listed."""
        if not isinstance(node.tag, str):
            self._leave_out("comment", node.text or "")
            return False
        if node.tag in _NO_TEXT:
            return False
        if reason := self._reason(node):
            self._leave_out(reason, " ".join(node.itertext(with_tail=False)))
            return False
        return True

    def _reason(self, node: HtmlElement) -> str | None:
        if node.tag in _INSTEAD:
            return "shown instead of something else"
        if self._hiding.hides(node):
            return "hidden"
        place = _ROLES.get(node.get("role", ""), node.tag)
        if place == "nav":
            return _SITE[place]
        if place in _SITE and not any(above.tag in _BODY for above in node.iterancestors()):
            keeps = self._keeps_header and place == "header"
            return None if keeps else _SITE[place]
        return None

    def _in_header(self, heading: HtmlElement) -> bool:
        above = [_ROLES.get(node.get("role", ""), node.tag) for node in heading.iterancestors()]
        return "header" in above and not _BODY & set(above)

    def _leave_out(self, reason: str, text: str) -> None:
        if text := " ".join(text.split()):
            self.left_out.append(LeftOut(reason=reason, text=text))

    def _block(self, node: HtmlElement) -> Iterator[Block]:
        if level := _HEADINGS.get(node.tag):
            if text := " ".join(self._inline(node).replace(_BREAK, " ").split()):
                yield Block(shape="heading", level=level, parts=(Part(text),))
        elif node.tag in ("ul", "ol", "menu", "dir"):
            yield from self._list(node)
        elif node.tag == "dl":
            yield from self._definitions(node)
        elif node.tag == "table":
            yield from self._table(node)
        elif node.tag == "pre":
            if text := self._inline(node).replace(_BREAK, "\n").strip("\n"):
                yield Block(shape="text", parts=(Part(text),))
        else:
            yield from self.flow(node)

    def _list(self, node: HtmlElement) -> Iterator[Block]:
        start = node.get("start", "1")
        number = int(start) if re.fullmatch(r"[0-9]{1,6}", start) else 1
        stray: list[str] = []
        items: list[Part] = []
        for child in self._children(node, stray):
            blocks = list(self.flow(child) if _is_block(child) else _paragraph([self._inline(child)]))
            if blocks:
                items.append(Part(item(f"{number + len(items)}." if node.tag == "ol" else "-", blocks)))
        yield from _paragraph(stray)
        if items:
            yield Block(shape="list", parts=tuple(items))

    def _definitions(self, node: HtmlElement) -> Iterator[Block]:
        """Terms as items, what they mean below them."""
        stray: list[str] = []
        items: list[list[Block]] = []
        for child in self._children(node, stray):
            blocks = list(self.flow(child))
            if child.tag == "dd" and items:
                items[-1].extend(blocks)
            elif blocks:
                items.append(blocks)
        yield from _paragraph(stray)
        if items:
            yield Block(shape="list", parts=tuple(Part(item("-", blocks)) for blocks in items))

    def _table(self, node: HtmlElement) -> Iterator[Block]:
        """The rows; the cells' blocks one after the other if the table only lays out the page."""
        if _lays_out(node):
            yield from self.flow(node)
            return
        stray: list[str] = []
        groups: list[tuple[str, list[list[Cell]]]] = []
        for child in self._children(node, stray):
            is_group = child.tag in ("thead", "tbody", "tfoot")
            if is_group or not groups or groups[-1][0] != "table":
                groups.append((child.tag if is_group else "table", []))
            for row in self._children(child, stray) if is_group else [child]:
                if row.tag == "tr":
                    groups[-1][1].append(list(self._cells(row, stray)))
                else:
                    yield from self.flow(row)
        yield from _paragraph(stray)
        groups.sort(key=lambda group: _DRAWN.get(group[0], 1))
        grid = placed([rows for _, rows in groups])
        if block := table(flat(grid, _headers(groups))):
            yield block

    def _cells(self, row: HtmlElement, stray: list[str]) -> Iterator[Cell]:
        stray.append(row.text or "")
        for node in row:
            shown = self._shown(node)
            if shown or (node.tag in ("td", "th") and self._hiding.keeps_place(node)):
                yield Cell(
                    self._cell(node) if shown else "",
                    columns=_number(node, "colspan") or 1,
                    rows=_number(node, "rowspan"),
                    header=node.tag == "th" and node.get("scope", "").lower() not in ("row", "rowgroup"),
                )
            stray.append(node.tail or "")

    def _children(self, node: HtmlElement, stray: list[str]) -> Iterator[HtmlElement]:
        """What a reader sees of the node's children; text between them, where none belongs, goes to `stray`."""
        stray.append(node.text or "")
        for child in node:
            if self._shown(child):
                yield child
            stray.append(child.tail or "")

    def _cell(self, cell: HtmlElement) -> str:
        return in_cell(list(self.flow(cell)))

    def _inline(self, node: HtmlElement) -> str:
        if node.tag == "br":
            return _BREAK
        texts = [node.get("alt", "") if node.tag == "img" else node.text or ""]
        for child in node:
            texts.append(self._inline(child) if self._shown(child) else "")
            texts.append(child.tail or "")
        return "".join(texts)


def _lays_out(table: HtmlElement) -> bool:
    """Whether a table holds parts of a page. One that names its columns holds data, whatever is in its cells."""
    if table.get("role", "") in ("presentation", "none"):
        return True
    if next(table.iterdescendants("table", *_HEADINGS), None) is None:
        return False
    return not any(next(cell.iterancestors("table")) is table for cell in table.iterdescendants("th"))


def _headers(groups: Sequence[tuple[str, Sequence[Sequence[Cell]]]]) -> int:
    """How many rows name the columns: those of the head, or else the first ones that have nothing but such names."""
    if head := sum(len(rows) for tag, rows in groups if tag == "thead"):
        return head
    rows = [row for _, rows in groups for row in rows]
    naming = list(takewhile(_names_columns, rows))
    return len(naming) if len(naming) < len(rows) else 1


def _names_columns(row: Sequence[Cell]) -> bool:
    """Whether there are names of columns alone, perhaps behind an empty corner."""
    named = list(dropwhile(lambda cell: not cell.text, row))
    return bool(named) and all(cell.header for cell in named)


def _number(cell: HtmlElement, name: str) -> int:
    """The number in an attribute as HTML reads it; 1 without one."""
    found = _NUMBER.match(cell.get(name, ""))
    return int(found[1]) if found else 1


def _is_block(node: HtmlElement) -> bool:
    return node.tag in _BLOCKS or next(node.iterdescendants(*_BLOCKS), None) is not None


def _paragraph(inline: Iterable[str]) -> Iterator[Block]:
    lines = (_SPACE.sub(" ", line).strip() for line in "".join(inline).split(_BREAK))
    if text := "\n".join(line for line in lines if line):
        yield Block(shape="text", parts=(Part(text),))
