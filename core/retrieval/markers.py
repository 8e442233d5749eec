"""The `[n]` markers of a streamed text: checked before the text is shown.

A reader could not open a marker without a passage, and shown text cannot be taken back. So an unfinished marker is held
back until it is complete; one without a passage is removed and counted.
"""

import re

HELD = 64
"""The most characters that are held back: a longer text in brackets is not a marker."""

_NUMBERS = r"\s*(\^?\d{1,3}\^?(?:\s*[,、\uff0c]\s*\^?\d{1,3}\^?)*)\s*"
_MARKER = re.compile(rf" ?(?:\[{_NUMBERS}\]|\uff3b{_NUMBERS}\uff3d|【{_NUMBERS}(?:†[^\[\]【】\n]*)?】)")
"""`[1]`, and what models write in its place: `[1, 2]`, a footnote `[^1]`, `【1】` and `【1†source】`."""

_UNFINISHED = re.compile(r" ?(?:[\[\uff3b【][\d\s,、\uff0c^]*|【[\d\s,、\uff0c^]*†[^\[\]【】\n]*)\Z| \Z")
_OPEN = re.compile(r"[\[\uff3b【][\d\s,、\uff0c^]*\Z")
_NUMBER = re.compile(r"\d+")
_BRACKET = re.compile(r"[\[\uff3b【]")


class Markers:
    """The text of one answer, whose markers may be 1 to `passages`; `left_out` are the numbers that were removed.

    Each form of a marker becomes this one: `[2, 3]` becomes `[2][3]`, and `【2】` becomes `[2]`. With `passages` None
    the text is passed on unchanged.
    """

    def __init__(self, passages: int | None) -> None:
        self._passages = passages
        self._held = ""
        self._tail = ""
        self.left_out: list[int] = []

    def feed(self, text: str) -> str:
        """The text that may be shown after `text` arrived; "" while all of it may still become a marker."""
        if self._passages is None:
            return text
        if not self._held and not _BRACKET.search(text) and not text.endswith(" "):
            self._tail = (self._tail + text)[-HELD:]
            return text
        whole = self._held + text
        unfinished = _UNFINISHED.search(whole)
        cut = unfinished.start() if unfinished and len(whole) - unfinished.start() <= HELD else len(whole)
        self._held = whole[cut:]
        pieces: list[str] = []
        start = 0
        for marker in _MARKER.finditer(whole, 0, cut):
            if len(marker[0]) > HELD:
                continue  # it would have been shown already if it had come in pieces
            self._show(whole[start : marker.start()], pieces)
            # Removing the inner marker of "[9[9]]" would leave "[9]": a blank keeps the rest from becoming a marker.
            self._show(self._resolved(marker) or " " * bool(_OPEN.search(self._tail)), pieces)
            start = marker.end()
        self._show(whole[start:cut], pieces)
        return "".join(pieces)

    def end(self) -> str:
        """The text that was still held back, at the end of the answer."""
        rest, self._held = self._held, ""
        return rest

    def _show(self, piece: str, pieces: list[str]) -> None:
        pieces.append(piece)
        self._tail = (self._tail + piece)[-HELD:]

    def _resolved(self, marker: re.Match[str]) -> str:
        numbers = [int(number) for number in _NUMBER.findall(marker[1] or marker[2] or marker[3])]
        passages = range(1, (self._passages or 0) + 1)
        valid = [number for number in numbers if number in passages]
        self.left_out += [number for number in numbers if number not in passages]
        blank = " " if marker[0].startswith(" ") else ""
        return blank + "".join(f"[{number}]" for number in valid) if valid else ""
