"""Why a passage stands where it does, in one plain sentence for who tries a question."""

from collections.abc import Sequence

from core.values import Audience, Leg

_NAMES = {"words": "wording", "vectors": "meaning", "tokens": "single words", "rerank": "a second reading"}


def reason(legs: Sequence[Leg], searched: Sequence[str], audience: Audience, note: str = "") -> str:
    """`searched` are the names of the legs that looked at all; `note` says what else the reader should know."""
    ranks: dict[int, list[str]] = {}
    for leg in legs:
        ranks.setdefault(leg.rank, []).append(_NAMES[leg.name])
    parts = [f"{_ordinal(rank)} on {' and '.join(names)}" for rank, names in sorted(ranks.items())]
    there = {leg.name for leg in legs}
    parts += [f"not found by {_NAMES[name]}" for name in searched if name not in there]
    said = ", ".join(parts)
    clauses = [said[:1].upper() + said[1:]]
    if own := [*audience.countries, *audience.entities]:
        clauses.append(f"holds for {', '.join(own)}")
    return "; ".join([*clauses, *([note] if note else [])])


def _ordinal(rank: int) -> str:
    if rank == 1:
        return "best"
    ending = {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th") if rank % 100 not in (11, 12, 13) else "th"
    return f"{rank}{ending}"
