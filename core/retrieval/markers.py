"""The `[n]` markers of a text that is still being written: resolved before anybody sees them.

A marker that points to no passage would be a source that nobody can open, and once shown it could not be taken back:
so an unfinished one is held back until it is whole, and one that points to nothing is left out and counted.
"""

import re

HELD = 16
"""Characters that are held back at most: what is longer is no marker."""

_MARKER = re.compile(r" ?\[\s*(\d{1,3}(?:\s*,\s*\d{1,3})*)\s*\]")
_UNFINISHED = re.compile(r" ?\[[\d\s,]*\Z| \Z")
_OPEN = re.compile(r"\[[\d\s,]*\Z")


class Markers:
    """The text of one answer, in which `passages` may be pointed to; `left_out` are the numbers that it is without.

    `[2, 3]` is written `[2][3]`. `passages` None: nothing in the text is a marker.
    """

    def __init__(self, passages: int | None) -> None:
        self._passages = passages
        self._held = ""
        self._tail = ""
        self.left_out: list[int] = []

    def feed(self, text: str) -> str:
        """What may be shown now that `text` came, "" while all of it may still become a marker."""
        if self._passages is None:
            return text
        whole = self._held + text
        unfinished = _UNFINISHED.search(whole)
        cut = unfinished.start() if unfinished and len(whole) - unfinished.start() <= HELD else len(whole)
        self._held = whole[cut:]
        pieces: list[str] = []
        start = 0
        for marker in _MARKER.finditer(whole, 0, cut):
            self._show(whole[start : marker.start()], pieces)
            # What is taken out of "[9[9]]" must not leave a marker behind.
            self._show(self._resolved(marker) or " " * bool(_OPEN.search(self._tail)), pieces)
            start = marker.end()
        self._show(whole[start:cut], pieces)
        return "".join(pieces)

    def end(self) -> str:
        """What was held back, now that nothing more comes."""
        held, self._held = self._held, ""
        return held

    def _show(self, piece: str, pieces: list[str]) -> None:
        pieces.append(piece)
        self._tail = (self._tail + piece)[-HELD:]

    def _resolved(self, marker: re.Match[str]) -> str:
        numbers = [int(number) for number in marker[1].split(",")]
        passages = range(1, (self._passages or 0) + 1)
        known = [number for number in numbers if number in passages]
        self.left_out += [number for number in numbers if number not in passages]
        blank = " " if marker[0].startswith(" ") else ""
        return blank + "".join(f"[{number}]" for number in known) if known else ""
