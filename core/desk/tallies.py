"""Tallies put together: what the groups of a tally count."""

from collections.abc import Iterable

from core.store import Scalar, Tally


def size(groups: Iterable[Tally]) -> int:
    """How many records the groups have together."""
    return sum(group.count for group in groups)


def by_key(groups: Iterable[Tally], place: int) -> dict[Scalar, list[Tally]]:
    """The groups by the value at this place of their keys; past the end of a key it is None."""
    parts: dict[Scalar, list[Tally]] = {}
    for group in groups:
        parts.setdefault(group.key[place] if place < len(group.key) else None, []).append(group)
    return parts
