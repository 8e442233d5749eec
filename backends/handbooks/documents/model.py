"""The values of a document: what a format's reader makes of a file, and the document that comes of it.

They stand in a module of their own because the readers need them, and `read_document` needs the readers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePath
from typing import Literal, NamedTuple, TypeAlias

from pydantic import ConfigDict, field_validator

from core.errors import InvalidInput
from core.values import Audience, Value
from core.words import plain

Kind: TypeAlias = Literal["markdown", "pdf", "docx", "html", "text"]

Shape: TypeAlias = Literal["heading", "text", "list", "table"]

SUFFIXES: dict[str, Kind] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".pdf": "pdf",
    ".docx": "docx",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".txt": "text",
}
"""The kind of document that a suffix, in small letters, promises: what a folder is searched for."""

LARGEST = 32 * 1024 * 1024
"""Bytes in a file, above which it is refused unread."""

_PROGRAMS = frozenset([".doc", ".docx", ".dotx", ".indd", ".odt", ".pages", ".pdf", ".rtf", ".tmp", ".txt"])
_UNNAMED = frozenset(["", "untitled", "document", "word document"])
_PLURAL = {"country": "countries", "entity": "entities", "role": "roles"}


class Refused(InvalidInput):
    """A file that is no document that can be read; the message says why and what to do."""


class Part(NamedTuple):
    """A paragraph, an item with all that is nested in it, or a row; `page` counts from 1, None without pages."""

    text: str
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What a parser reads: a heading of a `level`, 0 a document's title, or parts that belong together.

    `head` stands above a table's parts, such as its header row, and is repeated when it is cut between them.
    """

    shape: Shape
    parts: tuple[Part, ...]
    head: str = ""
    level: int = 0


class Piece(Value):
    """A part of a document that can be read by itself: at most LONGEST words, or a table of LONGEST_TABLE.

    `section` is the trail of headings above it, outermost first, without the document's title. `start` and `end` are
    characters in the document's text, from the first heading that no piece before stands below. `text` is what
    stands there without headings; before it, a header or lead-in may be repeated from further up.
    """

    section: tuple[str, ...]
    text: str
    page: int | None
    start: int
    end: int


class Terms(Value):
    """For whom and when a document holds, who answers for it, and by when its owner reads it again.

    `topics` are the concerns of people in need that it is written for, such as `harassment`.

    It is in force from `effective` to `until`, both included; None leaves that end open. A knowledge owner's word is
    a partial one: a field that was not set (`model_fields_set`) leaves the document as it is.
    """

    effective: date | None = None
    until: date | None = None
    audience: Audience = Audience()
    owner: str | None = None
    review_by: date | None = None
    topics: tuple[str, ...] = ()


AS_WRITTEN = Terms()
"""The word that sets nothing: the document is as its file says."""


class Front(Terms):
    """What a document says of itself; a field that its file does not give has its default. Other keys are ignored."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    title: str | None = None
    version: str | None = None

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
    names = [plain(name).strip().casefold() for name in listed if name.strip()]
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
