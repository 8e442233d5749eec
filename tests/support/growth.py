"""How the CPU time of a function grows with its input, and texts that are the worst for regular expressions."""

import gc
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import count
from math import inf, isqrt
from time import thread_time
from typing import Any, NamedTuple, TypeAlias

LINEAR = 6
"""How many times as much four times the input may cost: 4, and what processors and caches add."""
ENOUGH = 0.001
"""Seconds of CPU that the smaller input must take to be compared: below it, the rest of the call counts more."""
CHEAP = 0.05
"""Seconds of CPU below which the largest input is not a cliff, however it got there: memory comes in steps."""
ROUNDS = 9

Make: TypeAlias = Callable[[int], Any]
"""An input of size n."""


class Growth(NamedTuple):
    """The least seconds of CPU for an input of size n, and for one four times as large."""

    n: int
    small: float
    large: float

    @property
    def factor(self) -> float:
        return self.large / max(self.small, ENOUGH)


def growth(call: Callable[[Any], object], make: Make, most: int) -> Growth:
    """The growth at the smallest size that takes ENOUGH, or at a quarter of `most`, the largest input there is.

    `large` is 0 if even the largest input is CHEAP.
    """
    n = 250
    while 8 * n <= most and (taken := _seconds(call, make(n))) < ENOUGH:
        n = min(most // 4, n * max(2, min(8, int(ENOUGH / taken))))
    n = min(n, most // 4)
    found = _compared(call, make, n)
    if found.factor > LINEAR and 8 * n <= most:
        # A step, as if a list outgrows what the allocator has ready, is behind twice the size. A cliff is higher there.
        found = _compared(call, make, 2 * n)
    return found._replace(large=0) if found.large < CHEAP and 8 * found.n > most else found


def _compared(call: Callable[[Any], object], make: Make, n: int) -> Growth:
    inputs = make(n), make(4 * n)
    found = Growth(n, inf, inf)
    for _ in range(ROUNDS):
        small, large = (_seconds(call, given) for given in inputs)
        found = Growth(n, min(found.small, small), min(found.large, large))
        if found.factor <= LINEAR:
            break
    return found


def _seconds(call: Callable[[Any], object], given: Any) -> float:
    enabled = gc.isenabled()
    gc.disable()
    try:
        begun = thread_time()
        call(given)
        return thread_time() - begun
    finally:
        if enabled:
            gc.enable()


def run_of(unit: str) -> Make:
    """A text of n characters: the unit again and again, between two letters, at which most patterns fail."""
    return lambda n: f"a{unit * (n // len(unit))}b"


def run_of_units(units: Callable[[int], str]) -> Make:
    """A text of about n characters: what `units` makes of 0, 1, 2 and so on."""

    @lru_cache(maxsize=16)
    def make(n: int) -> str:
        pieces: list[str] = []
        length = 0
        for number in count():
            if length >= n:
                return "".join(pieces)
            pieces.append(units(number))
            length += len(pieces[-1])
        raise AssertionError

    return make


# fmt: off - a list of short texts, not forty lines
_UNITS = (
    " ",
    "\n",
    "a",
    "7",
    "?",
    "[",
    "(",
    "*",
    "`",
    "|",
    "<",
    "\u00ad",
    "\u0301",
    "a\u200d",
    "\ufb01",
    "a ",
    "A. ",
    "No. ",
    "7.",
    "7,",
    "a-",
    "[1]",
    "[1, ",
    "> a\n",
    "- a\n",
    "# a\n",
    "| a | b |\n",
    "```\n",
    "<p ",
    "![a](b",
    '"a" ',
    ":a[",
    "HR-204 ",
    "a@b.c ",
    "5 years ",
    "1 May ",
    "please ",
    "Urlaub",
)
# fmt: on
TEXTS: dict[str, Make] = {
    **{repr(unit): run_of(unit) for unit in _UNITS},
    "words that differ": run_of_units("word{} ".format),
    "sentences that differ": run_of_units("Rule {} gives five days. ".format),
    "codes that differ": run_of_units("HR-{} ".format),
    "numbers that differ": run_of_units("{} years, ".format),
    "rows that differ": run_of_units("| row {} | 5 days |\n".format),
    "a nested list": lambda n: "".join(f"{'  ' * depth}- a\n" for depth in range(isqrt(n))),
    "nested brackets": lambda n: "[" * (n // 2) + "]" * (n // 2),
}
"""By name, texts of about n characters that are the worst for one pattern or another."""


def exhaust(items: Iterable[object]) -> None:
    """Read all of an iterator."""
    for _ in items:
        pass
