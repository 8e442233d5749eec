"""Copies of a Markdown handbook as HTML, Word and PDF, as a person would make them with a program.

python tests/handbook_copies.py FROM TO pdf      copies all of a folder, to measure how well they are found
"""

import html
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import docx
from fpdf import FPDF
from lxml.html import document_fromstring
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, StreamObject

from backends.handbooks.documents.model import Refused
from backends.handbooks.documents.read import read_document
from core.words import words

FONTS = Path("/usr/share/fonts/truetype/dejavu")
MISSING = "" if (FONTS / "DejaVuSans.ttf").exists() else f"no {FONTS}/DejaVuSans.ttf: install fonts-dejavu-core"
MARKDOWN = MarkdownIt("commonmark").enable("table")

Runs = list[tuple[str, bool]]


def to_html(title: str, body: str) -> bytes:
    """A page within its site: the handbook between a navigation and a footer."""
    return (
        f"<!doctype html><html><head><title>{html.escape(title)}</title><style>nav{{float:left}}</style></head><body>"
        f"<nav><a href='/'>All handbooks</a></nav><main>{MARKDOWN.render(body)}</main>"
        "<footer>People team</footer></body></html>"
    ).encode()


def to_docx(title: str, body: str) -> bytes:
    """A Word document in Word's own styles."""
    document = docx.Document()
    document.core_properties.title = title
    for node in _blocks(body):
        _add_to_docx(document, node, 0)
    file = BytesIO()
    document.save(file)
    return file.getvalue()


def to_pdf(title: str, body: str) -> bytes:
    """Pages with their number at the foot; larger letters for headings, and no outline."""
    pdf = _Pdf()
    pdf.set_title(title)
    for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        pdf.add_font("DejaVu", style, FONTS / file)
    pdf.add_page()
    for node in _blocks(body):
        pdf.add(node, 0)
    return bytes(pdf.output())


def raw_pdf(content: bytes) -> bytes:
    """A PDF of one page that shows `content`; /F is Helvetica."""
    writer = PdfWriter()
    page = writer.add_blank_page(595, 842)
    stream = StreamObject()
    stream.set_data(content)
    names = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica", "/Encoding": "/WinAnsiEncoding"}
    font = DictionaryObject({NameObject(name): NameObject(value) for name, value in names.items()})
    fonts = DictionaryObject({NameObject("/F"): font})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    page[NameObject("/Contents")] = writer._add_object(stream.flate_encode(level=9))
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


COPIES = {"html": to_html, "docx": to_docx, "pdf": to_pdf}


def _blocks(body: str) -> list[SyntaxTreeNode]:
    return SyntaxTreeNode(MARKDOWN.parse(body)).children


def _runs(node: SyntaxTreeNode, bold: bool = False) -> Runs:
    """The words of a node, as they are read, each with whether it is bold."""
    match node.type:
        case "text" | "code_inline":
            return [(node.content, bold)]
        case "softbreak":
            return [(" ", bold)]
        case "hardbreak":
            return [("\n", bold)]
        case "image":
            return [(node.content, bold)]
        case "html_inline":
            return []
    return [run for child in node.children for run in _runs(child, bold or node.type == "strong")]


def _words(node: SyntaxTreeNode) -> str:
    return "".join(text for text, _ in _runs(node))


def _plain(markup: str) -> str:
    return document_fromstring(f"<div>{markup}</div>").text_content().strip()


def _add_to_docx(document, node: SyntaxTreeNode, depth: int) -> None:
    match node.type:
        case "heading":
            document.add_heading(_words(node), int(node.tag[1:]))
        case "bullet_list" | "ordered_list":
            style = ("List Bullet" if node.type == "bullet_list" else "List Number") + (
                f" {depth + 1}" if depth else ""
            )
            for item in node.children:
                for n, child in enumerate(item.children):
                    if child.type == "paragraph" and n == 0:
                        _say_in_docx(document.add_paragraph(style=style), _runs(child))
                    else:
                        _add_to_docx(document, child, min(depth + 1, 2))
        case "table":
            rows = [row for part in node.children for row in part.children]
            table = document.add_table(len(rows), len(rows[0].children))
            for r, row in enumerate(rows):
                for c, cell in enumerate(row.children):
                    _say_in_docx(table.cell(r, c).paragraphs[0], _runs(cell))
        case "blockquote":
            for child in node.children:
                _add_to_docx(document, child, depth)
        case "hr":
            pass
        case "html_block":
            if text := _plain(node.content):
                document.add_paragraph(text)
        case "fence" | "code_block":
            document.add_paragraph(node.content.rstrip())
        case _:
            _say_in_docx(document.add_paragraph(), _runs(node))


def _say_in_docx(paragraph, runs: Runs) -> None:
    for text, bold in runs:
        paragraph.add_run(text).bold = bold


class _Pdf(FPDF):
    def footer(self) -> None:
        self.set_y(-15)
        self.set_font("DejaVu", size=8)
        self.cell(0, 10, f"People team, page {self.page_no()}", align="C")

    def add(self, node: SyntaxTreeNode, depth: int) -> None:
        match node.type:
            case "heading":
                self.ln(4)
                self.set_font("DejaVu", "B", max(18 - 2 * int(node.tag[1:]), 11))
                self.multi_cell(0, 8, _words(node), new_x="LMARGIN", new_y="NEXT", align="L")
                self.ln(1)
            case "bullet_list" | "ordered_list":
                for number, item in enumerate(node.children, 1):
                    self.add_item("\u2022" if node.type == "bullet_list" else f"{number}.", item, depth)
                self.ln(2 if depth == 0 else 0)
            case "table":
                self.add_table(node)
            case "blockquote":
                for child in node.children:
                    self.add(child, depth + 1)
            case "hr":
                pass
            case "html_block":
                self.say(_plain(node.content), depth)
            case "fence" | "code_block":
                self.say(node.content.rstrip(), depth)
            case _:
                self.say(_words(node), depth)

    def say(self, text: str, depth: int, mark: str = "") -> None:
        if not text.strip():
            return
        self.set_font("DejaVu", size=10)
        self.set_x(self.l_margin + 6 * depth)
        if mark:
            self.cell(6, 5, mark)
        self.multi_cell(0, 5, text, new_x="LMARGIN", new_y="NEXT", align="L")
        self.ln(0 if mark else 3)

    def add_item(self, mark: str, item: SyntaxTreeNode, depth: int) -> None:
        for n, child in enumerate(item.children):
            if child.type == "paragraph":
                self.say(_words(child), depth if n == 0 else depth + 1, mark if n == 0 else "")
            else:
                self.add(child, depth + 1)

    def add_table(self, node: SyntaxTreeNode) -> None:
        self.set_font("DejaVu", size=10)
        with self.table(text_align="LEFT") as table:
            for row in (row for part in node.children for row in part.children):
                cells = table.row()
                for cell in row.children:
                    cells.cell(_words(cell))
        self.ln(3)


def plain_words(text: str) -> list[str]:
    """The words of a piece as they are read: without links' targets, and without the numbers of a list's items."""
    read = re.sub(r"\]\(\S+\)|^\s*[0-9]+\.\s", " ", text, flags=re.MULTILINE)
    return words(read)


def copies(folder: Path, kind: str) -> Iterator[tuple[Path, bytes]]:
    """Each handbook of the folder as its path without the suffix, and its copy; one that cannot be read has none."""
    for path in sorted(folder.rglob("*.md")):
        try:
            read = read_document(path.read_bytes(), path.name)
        except Refused:
            continue
        yield path.relative_to(folder).with_suffix(""), COPIES[kind](read.title, read.text)


def main(source: str, target: str, kind: str) -> None:
    for path, copy in copies(Path(source), kind):
        file = (Path(target) / path).with_suffix(f".{kind}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(copy)


if __name__ == "__main__":
    main(*sys.argv[1:])
