"""How a command tells what it did: plain text for people, JSON lines for programs, and how far it is on stderr."""

import json
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from typing import TypeAlias

from core.canonical import Json

Given: TypeAlias = Namespace

GOOD, LOOK_AT_IT, FAILED, INTERRUPTED = 0, 1, 2, 130
PROGRESS_EVERY = 1.0
"""Seconds between two lines of progress."""


def tell(given: Given, items: Sequence[Json], text: str) -> None:
    """Print the items, a line each, where JSON was asked for, and else the text; nothing for neither."""
    if given.json:
        text = "\n".join(json.dumps(item, ensure_ascii=False) for item in items)
    if text:
        print(text, flush=True)


class Pace:
    """Says on stderr how far long work is, now and then."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def say(self, line: str) -> None:
        """Print the line, unless the last one was just now."""
        if (now := time.monotonic()) - self._told >= PROGRESS_EVERY:
            self._told = now
            print(line, file=sys.stderr, flush=True)


def harmless(text: str) -> str:
    """The text on one line, with what a terminal would obey, or what turns letters around, written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in " ".join(text.split()))


def table(rows: Sequence[Sequence[str]]) -> str:
    """The rows in columns, each as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
