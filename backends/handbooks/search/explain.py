"""Why a passage has its rank, in one sentence for the person who tries a question."""

from collections.abc import Sequence

from core.values import Audience, Leg

_NAMES = {"words": "wording", "vectors": "meaning", "tokens": "single words", "rerank": "a second reading"}


def reason(legs: Sequence[Leg], searched: Sequence[str], audience: Audience, note: str = "") -> str:
    """`searched` are the names of the legs that were searched; `note` is what else the reader should know."""
    ranks: dict[int, list[str]] = {}
    for leg in legs:
        ranks.setdefault(leg.rank, []).append(_NAMES[leg.name])
    parts = [f"{_ordinal(rank)} on {' and '.join(names)}" for rank, names in sorted(ranks.items())]
    ranked = {leg.name for leg in legs}
    parts += [f"not found by {_NAMES[name]}" for name in searched if name not in ranked]
    places = ", ".join(parts)
    clauses = [places[:1].upper() + places[1:]]
    if own := [*audience.countries, *audience.entities]:
        clauses.append(f"holds for {', '.join(own)}")
    return "; ".join([*clauses, *([note] if note else [])])


def _ordinal(rank: int) -> str:
    if rank == 1:
        return "best"
    ending = {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th") if rank % 100 not in (11, 12, 13) else "th"
    return f"{rank}{ending}"
