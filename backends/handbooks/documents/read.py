"""Documents from outside, whatever their format: what is in them, in pieces, and what was left out of them.

What a file is, its content says. A suffix that promises another kind is believed where it does no harm (Word under a
name in .pdf), and refused where the file is likely not what its owner takes it for: a sign-in page saved as .pdf, a
picture named .md. `read_document` works in this process and is what the process with limits runs; `parse` is for
files from outside.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from backends.handbooks.documents.cutter import cut
from backends.handbooks.documents.kinds import decoded, kind_of
from backends.handbooks.documents.model import LARGEST, Block, Content, Kind, ParsedDocument, Part, Refused
from core.words import plain


def read_document(data: bytes, name: str) -> ParsedDocument:
    """The document in `data`, which came as a file of this name. Blocks, and may take all memory: see `parse`.

    Its title is the front's, the first heading where that is silent, or the file's name. Raises Refused.
    """
    if len(data) > LARGEST:
        raise Refused(f"{name} is larger than {LARGEST // 2**20} MB: split it, or leave out its pictures")
    kind = kind_of(data, name)
    try:
        content = _plain(_content(kind, data, name))
    except (Refused, MemoryError):
        raise
    except RecursionError as error:
        raise Refused(f"{name} is nested too deeply to be read: save it anew in a simpler form") from error
    except Exception as error:  # A damaged file takes the parsers, which others wrote, to places nobody thought of.
        raise Refused(f"{name} is damaged ({type(error).__name__}): open it, and save or export it anew") from error
    title = content.front.title or _first_heading(content.blocks) or plain(PurePath(name).stem).replace("-", " ")
    text, pieces = cut(content.blocks, title)
    if not pieces:
        raise Refused(f"{name} holds no text: fill it, or leave it out")
    return ParsedDocument(
        kind=kind,
        title=title,
        front=content.front,
        text=text,
        pieces=pieces,
        left_out=tuple(content.left_out),
        pages=content.pages,
    )


def _plain(content: Content) -> Content:
    """The content in one spelling of each character, whatever the program that wrote it."""
    front = content.front
    said = front.model_dump(include={"title", "owner", "version"}, exclude_unset=True, exclude_none=True)
    return replace(
        content,
        blocks=[
            replace(block, head=plain(block.head), parts=parts) for block in content.blocks if (parts := _parts(block))
        ],
        front=front.model_copy(update={name: plain(text) for name, text in said.items()}),
    )


def _parts(block: Block) -> tuple[Part, ...]:
    # A part of invisible characters alone is none.
    parts = (part._replace(text=plain(part.text)) for part in block.parts)
    return tuple(part for part in parts if part.text.strip())


def _content(kind: Kind, data: bytes, name: str) -> Content:
    match kind:
        case "markdown":
            from backends.handbooks.documents.markdown import read_markdown

            return read_markdown(decoded(data, name, kind), name)
        case "text":
            from backends.handbooks.documents.text import read_text

            return read_text(decoded(data, name, kind))
        case "html":
            from backends.handbooks.documents.html.reader import read_html

            return read_html(decoded(data, name, kind), name)
        case "docx":
            from backends.handbooks.documents.docx.reader import read_docx

            return read_docx(data, name)
        case "pdf":
            from backends.handbooks.documents.pdf.reader import read_pdf

            return read_pdf(data, name)


def _first_heading(blocks: Sequence[Block]) -> str | None:
    return next((block.parts[0].text for block in blocks if block.shape == "heading"), None)
