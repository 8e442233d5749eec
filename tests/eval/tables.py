"""Tables of measures: plain ones for a terminal, Markdown ones for ARCHITECTURE.md."""

from collections.abc import Mapping, Sequence
from math import isnan

from .measures import MEASURES, Interval, columns
from .scoring import Score


def by_kind(scores: Sequence[Score]) -> dict[str, list[Score]]:
    """All of them, and then each kind's, in the order in which they come."""
    kinds: dict[str, list[Score]] = {"all": list(scores)}
    for score in scores:
        kinds.setdefault(score.kind, []).append(score)
    return kinds


def measured(parts: Mapping[str, Sequence[Score]]) -> str:
    """A line a part: how many questions, how many of them unanswerable, and every measure; - where there is none."""
    head = f"{'':16}{'n':>5}{'none':>6}" + "".join(f"{name:>9}" for name in MEASURES)
    lines = [head]
    for name, scores in parts.items():
        of = columns(scores)
        counts = f"{name[:16]:16}{len(scores):5}{sum(not score.answerable for score in scores):6}"
        lines.append(counts + "".join(f"{figure(measure(of)):>9}" for measure in MEASURES.values()))
    return "\n".join(lines)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def figure(value: float) -> str:
    return "-" if isnan(value) else f"{value:.3f}"


def bounds(of: Interval) -> str:
    return "-" if isnan(of.value) else f"{of.value:.3f} ({of.low:.2f} to {of.high:.2f})"


def change(of: Interval) -> str:
    return "-" if isnan(of.value) else f"{of.value:+.3f} ({of.low:+.2f} to {of.high:+.2f})"
