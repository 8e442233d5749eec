"""Texts that a person or a program may send through any door, and what none of them may do.

A door is one place that takes a text: an argument of a command, a parameter of a page's URL, a widget of a page.
"""

import faulthandler
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.desks import PATIENCE

ANSI = "\x1b[31mred\x1b]0;title\x07\x9b2J"

HOSTILE = (
    "",
    " \t\n ",
    "\0",
    "a\0b",
    "\udcff",  # a byte that is not UTF-8, as Python reads it from a command line
    "\ud800x",
    "\u202ecod.exe\u2066",
    "\U000e0041\U000e007f",  # tag characters: invisible
    "a\u0300" * 200,
    "x" * 1_000_000,
    "x" * 10_000,
    ANSI,
    '{"$gt": ""}',
    "$where",
    "a.b.$.c",
    "../../../etc/passwd",
    "%00%2e%2e%2f",
    "/dev/zero",
    "е-1042",  # begins with a Cyrillic letter  # noqa: RUF001
    "e-1042\u200b",
    "(a+)+$" + "a" * 40 + "!",
    "' OR 1=1 --",
    "__class__",
    "=HYPERLINK(1)",
    "-1",
    "0",
    "9" * 40,
    "1" * 5_000,  # longer than the digits that int() reads
    "nan",
    "1e999",
    "٣",  # a digit that int() reads
    "true",
    "None",
    "[]",
    "2026-13-45",
    "9999-12-31T23:59:59+00:00",
    "0001-01-01T00:00:00+14:00",
    "a=b=c",
    "=",
    "=b",
    "javascript:alert(1)",
    "<script>alert(1)</script>",
    ":red[x] :material/delete:",
    "[" * 5_000,
)
"""Every one of them a different way in which code that reads text goes wrong."""

LIMIT = 10.0
"""Seconds that one call may take where the machine has nothing else to do."""


@contextmanager
def watched(seconds: float = PATIENCE) -> Iterator[None]:
    """End this process, with all its stacks, if the block takes longer: code that hangs in C hears no exception."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def rotated(door: int, rounds: int) -> tuple[str, ...]:
    """So many of the texts for the door of this number. The doors together get all of them, evenly."""
    return tuple(HOSTILE[(door * rounds + k) % len(HOSTILE)] for k in range(min(rounds, len(HOSTILE))))
