"""Whether a passage that was found is the one that was looked for, however the handbooks were cut into passages.

The rule, for each gold section: the passage comes from its file, holds its evidence, and is that section, by a heading
of its trail or by sharing its words. A passage of the right section without the evidence does not answer; one that
runs across two sections, or is half of one, may.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

from .questions import Gold, Result

RUN = 4
"""Words in a run: two texts are compared by the runs of words that they share."""
SHARE = 0.3
"""From which share of the shorter text's runs a passage is the section, whatever its heading says."""
SUFFIXES = frozenset((".md", ".mdx", ".markdown", ".pdf", ".docx", ".html", ".htm", ".txt"))

_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2212"
_PLAIN = str.maketrans("\u2018\u2019\u201c\u201d" + _HYPHENS, "''\"\"" + "-" * len(_HYPHENS))
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TEMPLATE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#[\w-]+\}", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\((?:[^()\s]|\([^()]*\))*(?:\s+\"[^\"]*\")?\)")
_TAG = re.compile(r"<[^>\n]{1,300}>")
_RULE = re.compile(r"^\s*\|?[\s:|-]{3,}\|?\s*$", re.MULTILINE)
_MARKS = re.compile(r"^\s*#{1,6}\s*|[*`\\\u200b]|(?<!\w)_+|_+(?!\w)", re.MULTILINE)
_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title:\s*(.+?)\s*$", re.MULTILINE)
_FENCE = re.compile(r"\s{0,3}(```|~~~)")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*?)\s*#*\s*|#{1,6}(?=[A-Z])(.*?)\s*#*\s*")
_TRAIL = re.compile(r"\s+[>»/|]\s+")


def plain(markdown: str) -> str:
    """As it is compared: without marks and the targets of links, lower case, straight quotes, single spaces."""
    text = _TEMPLATE.sub(" ", markdown)
    text = _LINK.sub(r"\1", _LINK.sub(r"\1", text))  # twice: a picture inside a link
    text = _RULE.sub(" ", _TAG.sub(" ", _COMMENT.sub(" ", text)))
    text = _MARKS.sub("", text).replace("|", " ")
    return " ".join(unicodedata.normalize("NFKC", text).lower().translate(_PLAIN).split())


def sections(markdown: str) -> Iterator[tuple[str, str]]:
    """Each heading and its own text, up to the next one of any level, the heading above it.

    What stands before the first heading belongs to the title of the front matter, "" where there is none.
    """
    source = markdown.replace("\r\n", "\n").removeprefix("\ufeff")
    front = _FRONT.match(source)
    title = _TITLE.search(front[1]) if front else None
    heading, lines, fence = title[1].strip("\"'") if title else "", list[str](), ""
    for line in source[front.end() if front else 0 :].split("\n"):
        mark = _FENCE.match(line)
        if mark:
            fence = "" if fence == mark[1] else fence or mark[1]
        opened = None if fence or mark else _HEADING.fullmatch(line)
        if opened and (named := (opened[1] or opened[2] or "").strip(" *_")):
            yield heading, "\n".join([heading, *lines])
            heading, lines = named, []
        else:
            lines.append(line)
    yield heading, "\n".join([heading, *lines])


class Sections:
    """The sections of the Markdown files below `folder`; of files in other formats nothing is known but their path."""

    def __init__(self, folder: Path) -> None:
        self._texts: dict[tuple[str, str], str] = {}
        for path in sorted(folder.rglob("*.md")):
            name = path.relative_to(folder).as_posix()
            for heading, text in sections(path.read_text("utf-8", "replace")):
                key = name, _key(heading)
                self._texts[key] = f"{self._texts.get(key, '')}\n{text}"

    def text(self, gold: Gold) -> str | None:
        """The section's Markdown; None where there is no such file or no such heading in it."""
        return self._texts.get((gold.path, _key(gold.heading)))

    def holds(self, result: Result, gold: Gold) -> bool:
        """Whether this passage is that section, and has what answers. One without a text goes by its heading."""
        if not same_file(result.path, gold.path):
            return False
        trail = _TRAIL.split(result.heading) if isinstance(result.heading, str) else result.heading
        named = _key(gold.heading) in {_key(heading) for heading in trail} - {""}
        text = plain(result.text)
        if not text:
            return named
        return says(text, gold.evidence) and (named or self._share(text, gold) >= SHARE)

    def _share(self, text: str, gold: Gold) -> float:
        section, found = _runs(plain(self.text(gold) or "")), _runs(text)
        return len(section & found) / min(len(section), len(found))


def says(text: str, phrase: str) -> bool:
    """Whether the `plain` text holds the phrase, and not inside a longer word or number: 15 days are not 5 days."""
    wanted = plain(phrase)
    if not wanted:
        return True
    before = r"(?<![a-z0-9.,])" if wanted[0].isdigit() else r"(?<![a-z0-9])" if wanted[0].isalnum() else ""
    after = r"(?![a-z0-9]|[.,]\d)" if wanted[-1].isalnum() else ""
    return re.search(f"{before}{re.escape(wanted)}{after}", text) is not None


def same_file(found: str, wanted: str) -> bool:
    """Compared from the right, as far as the shorter one goes, without suffixes: copies in another format count.

    An index or a README, of which there are many, must be named in full.
    """
    ours, theirs = _parts(found), _parts(wanted)
    shared = min(len(ours), len(theirs))
    if not shared or ours[-shared:] != theirs[-shared:]:
        return False
    return shared > 1 or len(ours) == len(theirs) or ours[-1] not in ("index", "readme")


def _parts(path: str) -> tuple[str, ...]:
    pure = PurePosixPath(path.replace("\\", "/").casefold().strip("/"))
    return (pure.with_suffix("") if pure.suffix in SUFFIXES else pure).parts


def _key(heading: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", plain(heading)).strip()


@lru_cache(maxsize=4096)
def _runs(text: str) -> frozenset[tuple[str, ...]]:
    """All runs of RUN words; a shorter text is one run."""
    words = re.findall(r"[a-z0-9]+", text)
    return frozenset(tuple(words[n : n + RUN]) for n in range(max(1, len(words) - RUN + 1)))
