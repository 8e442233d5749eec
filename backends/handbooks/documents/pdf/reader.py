"""A PDF as a document: pages of lines, drawn together to headings, paragraphs and lists.

Only its outline and the size and weight of its letters say what a heading is. Headers and footers that stand on many
pages at the same height, and what nobody sees, are left out and listed.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import Destination

from backends.handbooks.documents.model import Content, Front, LeftOut, Refused, meant
from backends.handbooks.documents.pdf.lines import PageText
from backends.handbooks.documents.pdf.margins import margins
from backends.handbooks.documents.pdf.rows import rows
from backends.handbooks.documents.pdf.structure import blocks, key

PAGES = 1000
"""Pages in a document, above which it is refused."""


def read_pdf(data: bytes, name: str) -> Content:
    """The document in `data`. Raises Refused where it is encrypted, damaged, too long, or holds pictures of text."""
    try:
        reader = PdfReader(BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Refused(f"{name} is encrypted: save it without a password")
        count = len(reader.pages)
        if count > PAGES:
            raise Refused(f"{name} has {count} pages, and at most {PAGES} are read: split it")
        pages = [PageText(page, number) for number, page in enumerate(reader.pages, 1)]
        lines = [page.lines() for page in pages]
        outline = dict(_outline(reader))
        title = meant(reader.metadata.title if reader.metadata else None)
    except PyPdfError as error:
        raise Refused(f"{name} is no PDF that can be read: export it anew") from error
    left_out = list(_unseen(pages))
    repeated = margins(lines, pages)
    left_out += [LeftOut(reason=reason, text=line.text, page=line.page) for reason, line in repeated]
    gone = {id(line) for _, line in repeated}
    kept = [line for page in lines for line in page if id(line) not in gone]
    if not kept:
        raise Refused(f"{name} has no text on its {count} pages, as a scan has none: recognise its text first (OCR)")
    return Content(blocks=list(blocks(rows(kept), outline)), front=Front(title=title), left_out=left_out, pages=count)


def _unseen(pages: Sequence[PageText]) -> Iterator[LeftOut]:
    for page in pages:
        for kind, reason in (("hidden", "hidden"), ("margin", "page header or footer")):
            for line in page.lines(kind) if kind in page.kinds else ():
                yield LeftOut(reason=reason, text=line.text, page=line.page)


def _outline(reader: PdfReader) -> Iterator[tuple[tuple[int, str], int]]:
    """By page and title, how deep an entry of the outline is: 1 at the top."""
    waiting: list[tuple[int, Sequence[object]]] = [(1, reader.outline)]
    while waiting:
        depth, entries = waiting.pop()
        for entry in entries:
            if isinstance(entry, list):
                waiting.append((depth + 1, entry))
            elif isinstance(entry, Destination) and (page := reader.get_destination_page_number(entry)) is not None:
                yield (page + 1, key(str(entry.title))), depth
