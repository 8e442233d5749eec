"""Markdown as a document: front matter for what it says of itself, headings for where a passage stands.

Its text stays as it is written, so that a page can draw it; only what means nothing outside its folder is taken out:
targets of links within it, pictures, comments. Nothing but a heading at the margin is one: not in a quotation or code.
"""

import re
from collections.abc import Iterator, Sequence

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import ValidationError

from backends.handbooks.documents.markdown_tables import evened
from backends.handbooks.documents.model import Block, Content, Front, LeftOut, Part, Refused

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]]*)\]\((?!https?://|mailto:)[^)\s]*(?:\s+\"[^\"]*\")?\)|!\[([^\]]*)\]\([^)]*\)")
_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)


def read_markdown(source: str, name: str) -> Content:
    """The document in `source`; comments are left out. Raises Refused for front matter that cannot be understood."""
    matter = _FRONT.match(source)
    body = source[matter.end() if matter else 0 :]
    comments = [" ".join(comment[1].split()) for comment in _COMMENT.finditer(body)]
    return Content(
        blocks=list(_blocks(_LINK.sub(r"\1\2", _COMMENT.sub("", body)))),
        front=_front(matter[1], name) if matter else Front(),
        left_out=[LeftOut(reason="comment", text=comment) for comment in comments if comment],
    )


def _front(written: str, name: str) -> Front:
    """What the front matter says. An error tells where it is, not what stands there: it reaches logs."""
    try:
        return Front.model_validate(yaml.safe_load(written) or {})
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise Refused(f"{name}: its front matter is no YAML, at line {line}: mend it there") from error
    except ValidationError as error:
        keys = ", ".join(".".join(map(str, fault["loc"])) or "the whole" for fault in error.errors())
        raise Refused(f"{name}: its front matter says what cannot be understood: mend {keys}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Refused(f"{name}: its front matter is no YAML: mend it") from error


def _blocks(source: str) -> Iterator[Block]:
    lines = source.split("\n")
    tokens = MarkdownIt("commonmark").enable("table").parse(source)
    for n, token in enumerate(tokens):
        if token.level or not token.map or token.type == "hr":
            continue
        if token.type == "heading_open":
            if name := _plain(tokens[n + 1]):
                yield Block(shape="heading", level=int(token.tag[1:]), parts=(Part(name),))
        elif block := _block(tokens, n, lines[token.map[0] : token.map[1]]):
            yield block


def _plain(inline: Token) -> str:
    """A heading's words, without what marks them up."""
    breaks = {"softbreak": " ", "hardbreak": " ", "html_inline": ""}
    words = (breaks.get(child.type, child.content) for child in inline.children or [])
    return " ".join("".join(words).split())


def _block(tokens: Sequence[Token], opens: int, lines: Sequence[str]) -> Block | None:
    match tokens[opens].type:
        case "table_open":
            rows = evened([line.strip() for line in lines if line.strip()])
            head, parts = "\n".join(rows[:2]), tuple(map(Part, rows[2:]))
            return Block(shape="table", head=head, parts=parts) if parts else _text(head)
        case "bullet_list_open" | "ordered_list_open":
            starts = list(_items(tokens, opens))
            edges = zip(starts, [*starts[1:], len(lines)], strict=True)
            items = ("\n".join(lines[a:b]).rstrip() for a, b in edges)
            return Block(shape="list", parts=tuple(Part(item) for item in items if item))
        case _:
            return _text("\n".join(lines).strip())


def _text(text: str) -> Block | None:
    return Block(shape="text", parts=(Part(text),)) if text else None


def _items(tokens: Sequence[Token], opens: int) -> Iterator[int]:
    """The lines, counted from the list's first, on which its own items begin."""
    first = (tokens[opens].map or [0])[0]
    for n in range(opens + 1, len(tokens)):
        token = tokens[n]
        if token.level == 0:
            return
        if token.type == "list_item_open" and token.level == 1 and token.map:
            yield token.map[0] - first
