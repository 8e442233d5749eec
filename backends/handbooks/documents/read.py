"""Documents from outside, whatever their format: what is in them, in pieces, and what was left out of them.

What a file is, its content says. A suffix that promises another kind is believed where it does no harm (Word under a
name in .pdf), and refused where the file is likely not what its owner takes it for: a sign-in page saved as .pdf, a
picture named .md. `read_document` works in this process and is what the process with limits runs; `parse` is for
files from outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePath

from pydantic import BaseModel, ConfigDict, field_validator

from backends.handbooks.documents.cutter import Block, Piece, cut
from backends.handbooks.documents.kinds import SUFFIXES, Kind, Refused, decoded, kind_of
from core.values import Audience, Value

__all__ = ["LARGEST", "SUFFIXES", "Content", "Front", "LeftOut", "ParsedDocument", "Piece", "Refused", "read_document"]

LARGEST = 32 * 1024 * 1024
"""Bytes in a file, above which it is refused unread."""

_PROGRAMS = frozenset([".doc", ".docx", ".dotx", ".indd", ".odt", ".pages", ".pdf", ".rtf", ".tmp", ".txt"])
_UNNAMED = frozenset(["", "untitled", "document", "word document"])
_PLURAL = {"country": "countries", "entity": "entities", "role": "roles"}


class Front(BaseModel):
    """What a document says of itself. Other keys are other programs' business; None and [] where it is silent.

    It is in force from `effective` to `until`, both included.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    title: str | None = None
    version: str | None = None
    effective: date | None = None
    until: date | None = None
    audience: Audience = Audience()
    owner: str | None = None
    review_by: date | None = None

    @field_validator("version", mode="before")
    @classmethod
    def _dated(cls, version: object) -> object:
        # YAML reads `version: 2026-07-01` as a date; its author meant the text.
        return version.isoformat() if isinstance(version, date) else version

    @field_validator("audience", mode="before")
    @classmethod
    def _named(cls, audience: object) -> object:
        """`austria` is a country, `all` everybody; a mapping names countries, entities and roles, one or more."""
        if audience is None or isinstance(audience, Audience):
            return audience or {}
        if isinstance(audience, dict):
            return {_PLURAL.get(key, key): _names(names) for key, names in audience.items()}
        return {"countries": _names(audience)}


def _names(written: object) -> object:
    """One name or a list of them, casefolded, [] for all. Anything else as it is, for pydantic to refuse."""
    listed = [written] if isinstance(written, str) else written
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        return written
    names = [name.strip().casefold() for name in listed if name.strip()]
    return [] if "all" in names else names


class LeftOut(Value):
    """A text that is in the file, and not in the document: `reason` is such as `hidden` or `header on every page`."""

    reason: str
    text: str
    page: int | None = None


class ParsedDocument(Value):
    """A document as it was read. `pages` is None for a kind that has none.

    Every character of `text` but space is in the span of exactly one of `pieces`, which stand in its order.
    """

    kind: Kind
    title: str
    front: Front
    text: str
    pieces: tuple[Piece, ...]
    left_out: tuple[LeftOut, ...]
    pages: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a format's reader makes of a file. The front's title, if it has one, goes before the first heading."""

    blocks: Sequence[Block]
    front: Front = field(default_factory=Front)
    left_out: Sequence[LeftOut] = ()
    pages: int | None = None


def meant(title: str | None) -> str | None:
    """A title from a file's properties, if somebody meant it: not one that a program made of a file's name."""
    title = " ".join((title or "").split())
    named = PurePath(title.casefold()).suffix in _PROGRAMS or title.startswith("Microsoft Word - ")
    return None if named or title.casefold() in _UNNAMED else title


def read_document(data: bytes, name: str) -> ParsedDocument:
    """The document in `data`, which came as a file of this name. Blocks, and may take all memory: see `parse`.

    Its title is the front's, the first heading where that is silent, or the file's name. Raises Refused.
    """
    if len(data) > LARGEST:
        raise Refused(f"{name} is larger than {LARGEST // 2**20} MB: split it, or leave out its pictures")
    kind = kind_of(data, name)
    try:
        content = _content(kind, data, name)
    except (Refused, MemoryError):
        raise
    except RecursionError as error:
        raise Refused(f"{name} is nested too deeply to be read: save it anew in a simpler form") from error
    except Exception as error:  # A damaged file takes the parsers, which others wrote, to places nobody thought of.
        raise Refused(f"{name} is damaged ({type(error).__name__}): open it, and save or export it anew") from error
    title = content.front.title or _first_heading(content.blocks) or PurePath(name).stem.replace("-", " ")
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
