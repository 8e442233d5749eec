"""The lines of a PDF's page: where each stands, how large and how bold it is; and the text on it that nobody sees.

pypdf draws the text together, and tells of each operator before it takes it: there a text that cannot be seen is
emptied, and filled again afterwards, so that both the seen and the unseen text of a page can be read, one at a time.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pypdf import PageObject
from pypdf.generic import ArrayObject, TextStringObject

Matrix: TypeAlias = Sequence[float]
Box: TypeAlias = tuple[float, float, float, float]
Seen: TypeAlias = Literal["seen", "hidden", "margin"]

SMALLEST = 1.5
"""Points, below which nobody reads a text."""
_WHITE = 0.97
_INVISIBLE = (3, 7)
_SHOWS = {b"Tj": 0, b"TJ": 0, b"'": 0, b'"': 2}
"""The operators that show text, and the place of the text among their operands."""
_FILLS = (b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*")
_ENDS = (*_FILLS, b"S", b"s", b"n")
_MARK = re.compile(r"(?:[0-9]+\.)+[0-9]*|[a-z]?[.)]|[^\w\s]")
"""The number or sign before a heading or an item, which stands far from it and is no cell."""
_NO_TEXT = {code: None for code in (*range(9), *range(14, 32), 0xFEFF, *range(0xD800, 0xE000))}
"""What a font's own table may call a letter, and is none: control characters and half surrogate pairs."""
_BOLD = ("bold", "black", "heavy", "semibd", "demi")


@dataclass(slots=True, kw_only=True)
class Line:
    """A line of text at the height `y`; `cells` are its parts that stand far apart, `xs` where each begins.

    All in points, from the page's lower left.
    """

    page: int
    y: float
    size: float
    bold: bool
    cells: list[str]
    xs: list[float]

    @property
    def x(self) -> float:
        return self.xs[0]

    @property
    def text(self) -> str:
        return " ".join(self.cells)


@dataclass(slots=True)
class _State:
    mode: int = 0
    white: bool = False
    size: float = 0.0
    clear: bool = False


@dataclass(slots=True)
class _Look:
    """What is drawn on a page so far, as far as it decides whether a text is seen."""

    box: Box
    clear: frozenset[str]
    state: _State = field(default_factory=_State)
    stack: list[_State] = field(default_factory=list)
    painted: list[Box] = field(default_factory=list)
    path: list[Box] = field(default_factory=list)
    marks: list[bool] = field(default_factory=list)
    forms: list[Matrix] = field(default_factory=list)

    def take(self, operator: bytes, operands: Sequence[object], cm: Matrix) -> None:
        numbers = [float(operand) for operand in operands if isinstance(operand, int | float)]
        match operator:
            case b"q":
                self.stack.append(_State(self.state.mode, self.state.white, self.state.size, self.state.clear))
            case b"Q" if self.stack:
                self.state = self.stack.pop()
            case b"Tr" if numbers:
                self.state.mode = int(numbers[0])
            case b"Tf" if numbers:
                self.state.size = numbers[-1]
            case b"g" | b"rg" | b"k" | b"sc" | b"scn":
                self.state.white = _white(numbers)
            case b"cs":
                self.state.white = False
            case b"gs" if operands:
                self.state.clear = str(operands[0]) in self.clear
            case b"re" if len(numbers) == 4:
                self.path.append(_moved(numbers, self._placed(cm)))
            case b"sh":
                self.painted.append((-math.inf, -math.inf, math.inf, math.inf))
            case b"Do":
                self.painted.append(_moved((0, 0, 1, 1), self._placed(cm)))
            case b"BMC" | b"BDC":
                self.marks.append(_is_margin(operands))
            case b"EMC" if self.marks:
                self.marks.pop()
        if operator in _ENDS:
            if operator in _FILLS and not self.state.white:
                self.painted += self.path
            self.path = []

    def sees(self, cm: Matrix, tm: Matrix) -> Seen:
        """Whether a text is seen that is shown now: hidden also outside the page, or white where nothing is painted."""
        if any(self.marks):
            return "margin"
        place = _times(tm, self._placed(cm))
        left, bottom, right, top = self.box
        x, y = place[4], place[5]
        tiny = self.state.size * max(math.hypot(*place[:2]), math.hypot(*place[2:4])) < SMALLEST
        outside = not (left - 1 <= x <= right + 1 and bottom - 1 <= y <= top + 1)
        unpainted = self.state.white and not any(a <= x <= c and b <= y <= d for a, b, c, d in self.painted)
        hidden = self.state.mode in _INVISIBLE or self.state.clear or tiny or outside or unpainted
        return "hidden" if hidden else "seen"

    def _placed(self, cm: Matrix) -> Matrix:
        for form in reversed(self.forms):
            cm = _times(cm, form)
        return cm


class PageText:
    """A page's text, read as often as somebody asks for it."""

    def __init__(self, page: PageObject, number: int) -> None:
        self._page = page
        self._number = number
        left, bottom, right, top = (float(edge) for edge in page.cropbox)
        self._box = (left, bottom, right, top)
        self.bottom, self.top = bottom, top
        self._clear = frozenset(_clear_states(page))
        self.kinds: set[Seen] = set()
        """What there is of it on the page, known after the first reading."""

    def lines(self, seen: Seen = "seen") -> list[Line]:
        """The lines of the text that is seen in this way, in the order in which they are drawn."""
        collected = _Lines(self._number)
        look = _Look(self._box, self._clear)
        emptied: list[object] | None = None

        def before(operator: bytes, operands: list[object], cm: Matrix, tm: Matrix) -> None:
            nonlocal emptied
            look.take(operator, operands, cm)
            if operator == b"Do":
                look.forms.append(list(cm))
            if operator in _SHOWS and len(operands) > _SHOWS[operator]:
                kind = look.sees(cm, tm)
                self.kinds.add(kind)
                if kind != seen:
                    emptied = list(operands)
                    operands[_SHOWS[operator]] = ArrayObject() if operator == b"TJ" else TextStringObject("")

        def after(operator: bytes, operands: list[object], cm: Matrix, tm: Matrix) -> None:
            nonlocal emptied
            if emptied is not None and operator in _SHOWS:
                operands[:] = emptied
                emptied = None
            if operator == b"Do" and look.forms:
                look.forms.pop()

        self._page.extract_text(visitor_operand_before=before, visitor_operand_after=after, visitor_text=collected.take)
        return collected.done()


class _Lines:
    def __init__(self, page: int) -> None:
        self._page = page
        self._lines: list[Line] = []
        self._line: Line | None = None
        self._bold = self._thin = 0
        self._sizes: dict[float, int] = {}
        self._x = 0.0

    def take(self, text: str, cm: Matrix, tm: Matrix, font: dict[str, object] | None, size: float) -> None:
        first, *others = text.translate(_NO_TEXT).split("\n")
        place = _times(tm, cm)
        self._add(first, place, font, size)
        for other in others:
            self._end()
            self._add(other, place, font, size)

    def done(self) -> list[Line]:
        self._end()
        return self._lines

    def _add(self, text: str, place: Matrix, font: dict[str, object] | None, size: float) -> None:
        if not text.strip():
            if self._line is not None and text:
                self._line.cells[-1] += " "
            return
        size = round(size * math.hypot(place[2], place[3]), 1)
        if self._line is None:
            self._line = Line(page=self._page, y=place[5], size=size, bold=False, cells=[""], xs=[place[4]])
            self._x = place[4]
        # A text that goes on where the last one began was only parted by its font.
        before = self._line.cells[-1].strip()
        gap = place[4] - self._x - 0.45 * size * len(before)
        if before and gap > 2 * size and not _MARK.fullmatch(before):
            self._line.cells.append("")
            self._line.xs.append(place[4])
        if place[4] != self._x:
            self._x = place[4]
        self._line.cells[-1] += text
        letters = len(text.strip())
        self._sizes[size] = self._sizes.get(size, 0) + letters
        bold = font is not None and any(word in str(font.get("/BaseFont", "")).lower() for word in _BOLD)
        self._bold += letters if bold else 0
        self._thin += 0 if bold else letters

    def _end(self) -> None:
        if self._line is not None:
            self._line.cells = [" ".join(cell.split()) for cell in self._line.cells]
            self._line.size = max(self._sizes, key=lambda size: self._sizes[size])
            self._line.bold = self._thin == 0
            self._lines.append(self._line)
        self._line, self._sizes, self._bold, self._thin = None, {}, 0, 0


def body_size(lines: Sequence[Line]) -> float:
    """The size of most letters; 0 without lines."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return max(sizes, key=lambda size: sizes[size], default=0.0)


def _white(numbers: Sequence[float]) -> bool:
    if len(numbers) == 4:
        return max(numbers) < 1 - _WHITE
    return len(numbers) in (1, 3) and min(numbers) > _WHITE


def _is_margin(operands: Sequence[object]) -> bool:
    """Whether marked content is a page's header or footer, as a program says that made it."""
    if not operands or str(operands[0]) != "/Artifact" or len(operands) < 2:
        return False
    properties = operands[1]
    return isinstance(properties, dict) and properties.get("/Type") == "/Pagination"


def _clear_states(page: PageObject) -> Iterator[str]:
    """The graphics states in which nothing that is filled can be seen."""
    states = page.get("/Resources", {}).get_object().get("/ExtGState", {})
    for name, state in dict(states.get_object() if hasattr(states, "get_object") else states).items():
        if float(state.get_object().get("/ca", 1)) < 1 - _WHITE:
            yield str(name)


def _times(a: Matrix, b: Matrix) -> Matrix:
    return (
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
        a[4] * b[0] + a[5] * b[2] + b[4],
        a[4] * b[1] + a[5] * b[3] + b[5],
    )


def _moved(box: Sequence[float], cm: Matrix) -> Box:
    x, y, width, height = box
    corners = [(x + i * width, y + j * height) for i in (0, 1) for j in (0, 1)]
    xs = [a * cm[0] + b * cm[2] + cm[4] for a, b in corners]
    ys = [a * cm[1] + b * cm[3] + cm[5] for a, b in corners]
    return min(xs), min(ys), max(xs), max(ys)
