"""The output of a command: plain text for people, JSON lines for programs, and its progress on stderr."""

import json
import re
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
LONGEST = 2_000
"""Characters of an error's message that are printed."""

_NOT_PRINTED = re.compile(r"[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What JSON may hold as it is, and a terminal obeys or a stream refuses: it is written as an escape."""


def tell(options: Given, items: Sequence[Json], text: str) -> None:
    """Print the items as JSON lines if `--json` was given, else the text if it is not empty."""
    if options.json:
        lines = "\n".join(json.dumps(item, ensure_ascii=False) for item in items)
        text = _NOT_PRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", lines)
    if text:
        print(text, flush=True)


class Pace:
    """Prints the progress of long work on stderr, at most once in PROGRESS_EVERY seconds."""

    def __init__(self) -> None:
        self._printed = time.monotonic()

    def say(self, line: str) -> None:
        """Print the line, or drop it if it is too early for another one."""
        if (now := time.monotonic()) - self._printed >= PROGRESS_EVERY:
            self._printed = now
            print(line, file=sys.stderr, flush=True)


def harmless(text: str) -> str:
    """The text on one line. Characters that a terminal would obey, or that reorder letters, are written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in " ".join(text.split()))


def one_line(message: str) -> str:
    """An error's message, harmless and not endless: it may quote what the command was given."""
    line = harmless(message)
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}… ({len(line):,} characters)"


def table(rows: Sequence[Sequence[str]]) -> str:
    """The rows in columns, each as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
