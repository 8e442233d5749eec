"""Markdown documents as handbooks: front matter for what is in force, headings for where a passage stands.

Every passage can be read by itself: it knows its trail of headings, a table cut in two repeats its header and a list
the line that leads in to it. A file that cannot be read is an error that names it, never a handbook less.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, TypeAlias

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from core.entries import Passage
from core.errors import InvalidInput
from core.words import words

LONGEST = 240
"""Words in a passage, above which a section is cut; one paragraph, list item or table row is never cut."""

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]]*)\]\((?!https?://|mailto:)[^)\s]*(?:\s+\"[^\"]*\")?\)|!\[([^\]]*)\]\([^)]*\)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)

Shape: TypeAlias = Literal["text", "list", "table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handbook:
    """One document. `audience`, `owner` and `review_by` are as written; None where the front matter is silent.

    It is in force from `effective` to `until`, both included; None is no bound. The passages' scores are 0.
    """

    document: str
    title: str
    version: str
    effective: date | None
    until: date | None
    audience: str | None
    owner: str | None
    review_by: date | None
    passages: tuple[Passage, ...]


class _Front(BaseModel):
    """The front matter. Other keys are other programs' business."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    title: str | None = None
    version: str | None = None
    effective: date | None = None
    until: date | None = None
    audience: str | None = None
    owner: str | None = None
    review_by: date | None = None

    @field_validator("version", mode="before")
    @classmethod
    def _dated(cls, version: object) -> object:
        # YAML reads `version: 2026-07-01` as a date; its author meant the text.
        return version.isoformat() if isinstance(version, date) else version


@dataclass(frozen=True, slots=True)
class _Block:
    """A block of a section: `head` is repeated above each part when it is cut between its `parts`."""

    shape: Shape
    parts: tuple[str, ...]
    head: str = ""


def read_handbooks(folder: str | Path) -> list[Handbook]:
    """The `.md` files of the folder and all below it, by path; a README without a title in its front matter is none.

    A document's id is its path without the suffix, a passage's the document's and a slug of its heading. Raises
    InvalidInput for a folder that is not there, and for a file that is no UTF-8 or has unreadable front matter.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InvalidInput(f"no folder of handbooks at {root}")
    read = (_read(path, path.relative_to(root).with_suffix("").as_posix()) for path in sorted(root.rglob("*.md")))
    return [handbook for handbook in read if handbook is not None]


def _read(path: Path, document: str) -> Handbook | None:
    try:
        raw = path.read_bytes()
        source = raw.decode().replace("\r\n", "\n").removeprefix("\ufeff")
        matter = _FRONT.match(source)
        front = _Front.model_validate(yaml.safe_load(matter[1]) or {}) if matter else _Front()
    except OSError as error:
        raise InvalidInput(f"handbook {document} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise InvalidInput(f"handbook {document} cannot be read: {error}") from error
    if path.name == "README.md" and front.title is None:
        return None
    body = _COMMENT.sub("", source[matter.end() if matter else 0 :])
    sections = list(_sections(_LINK.sub(r"\1\2", body)))
    title = front.title or next((trail[0] for trail, _ in sections if trail), path.stem.replace("-", " "))
    version = front.version or hashlib.sha256(raw).hexdigest()[:12]
    passages: list[Passage] = []
    for trail, blocks in sections:
        inner = trail[1:] if trail[:1] == [title] else trail
        for text in _cut(blocks):
            passages.append(
                Passage(
                    id=_id(document, inner, passages),
                    document=document,
                    title=title,
                    section=inner,
                    version=version,
                    effective=front.effective.isoformat() if front.effective else None,
                    text=text,
                    score=0.0,
                )
            )
    return Handbook(
        document=document,
        title=title,
        version=version,
        effective=front.effective,
        until=front.until,
        audience=front.audience,
        owner=front.owner,
        review_by=front.review_by,
        passages=tuple(passages),
    )


def _id(document: str, trail: Sequence[str], taken: Iterable[Passage]) -> str:
    slug = f"{document}#{'-'.join(words(trail[-1])) if trail else 'start'}"
    ids = {passage.id for passage in taken}
    return next(id for n in range(1, len(ids) + 2) if (id := slug if n == 1 else f"{slug}-{n}") not in ids)


def _sections(source: str) -> Iterator[tuple[list[str], list[_Block]]]:
    """Each heading's own text, with the trail of headings above it, outermost first; what has no text is left out."""
    lines = source.split("\n")
    tokens = MarkdownIt("commonmark").enable("table").parse(source)
    trail: dict[int, str] = {}
    blocks: list[_Block] = []
    for n, token in enumerate(tokens):
        if token.type == "heading_open":
            if blocks:
                yield list(trail.values()), blocks
                blocks = []
            level = int(token.tag[1:])
            trail = {above: text for above, text in trail.items() if above < level} | {level: tokens[n + 1].content}
        elif token.level == 0 and token.map and token.type != "hr":
            blocks.append(_block(token, tokens[n + 1 :], lines))
    if blocks:
        yield list(trail.values()), blocks


def _block(token: Token, following: Sequence[Token], lines: Sequence[str]) -> _Block:
    start, end = token.map or (0, 0)
    match token.type:
        case "table_open":
            rows = [line.strip() for line in lines[start:end] if line.strip()]
            return _Block("table", tuple(rows[2:]), "\n".join(rows[:2]))
        case "bullet_list_open" | "ordered_list_open":
            starts = [
                item.map[0]
                for item in _until_closed(following)
                if item.type == "list_item_open" and item.level == 1 and item.map
            ]
            edges = zip(starts, [*starts[1:], end], strict=True)
            return _Block("list", tuple("\n".join(lines[a:b]).rstrip() for a, b in edges))
        case _:
            return _Block("text", ("\n".join(lines[start:end]).strip(),))


def _until_closed(following: Sequence[Token]) -> Iterator[Token]:
    for token in following:
        if token.level == 0:
            return
        yield token


def _cut(blocks: Sequence[_Block]) -> Iterator[str]:
    """The section's text in pieces of at most LONGEST words, cut between blocks, list items or table rows."""
    piece: list[str] = []
    size = 0
    for chunk in _chunks(blocks):
        length = len(chunk.split())
        if piece and size + length > LONGEST:
            yield "\n\n".join(piece)
            piece, size = [], 0
        piece.append(chunk)
        size += length
    if piece:
        yield "\n\n".join(piece)


def _chunks(blocks: Sequence[_Block]) -> Iterator[str]:
    """The blocks as texts that may stand alone: a line that ends with a colon stays with the list or table after it."""
    waiting = ""
    for n, block in enumerate(blocks):
        leads_in = block.shape == "text" and block.parts[0].endswith(":")
        if leads_in and n + 1 < len(blocks) and blocks[n + 1].shape != "text":
            waiting = block.parts[0]
            continue
        head = "\n\n".join(part for part in (waiting, block.head) if part)
        waiting = ""
        yield from _parts(block, head)


def _parts(block: _Block, head: str) -> Iterator[str]:
    gap = "\n" if block.head else "\n\n"
    rows: list[str] = []
    for part in block.parts:
        if rows and len(" ".join([head, *rows, part]).split()) > LONGEST:
            yield (head + gap if head else "") + "\n".join(rows)
            rows = []
        rows.append(part)
    yield (head + gap if head else "") + "\n".join(rows)
