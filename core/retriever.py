"""The retriever protocol: a query in, passages of handbooks out, and a judgement whether they answer it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from core.gate import Viewer
from core.values import Audience, Judgement, Passage, Value


class Filters(Value):
    """The handbooks to search: `documents` are their ids, `topics` names of which one must be theirs; [] is all."""

    documents: list[str] = []
    topics: list[str] = []


class Retriever(Protocol):
    """Finds passages in the handbooks that apply to a viewer."""

    async def search(
        self, query: str, viewer: Viewer, limit: int, filters: Filters | None = None, as_of: date | None = None
    ) -> list[Passage]:
        """At most `limit` passages, best first; [] without a match. Any text is a valid query.

        The passages apply to the viewer (`holds_for`) and are in force on the day `as_of` in UTC, None for today.
        """

    async def judge(self, query: str, passages: Sequence[Passage]) -> Judgement | None:
        """Whether these passages, as `search` gave them, answer the query; None if this retriever cannot judge."""

    async def versions(self) -> Mapping[str, str]:
        """The version of each document that is in force today, by document id. Each turn records it."""


def holds_for(audience: Audience, viewer: Viewer) -> bool:
    """Whether a handbook for this audience applies to the viewer.

    A viewer whose country or entity is unknown gets only the handbooks that apply in every country or entity.
    """
    return (
        (not audience.countries or viewer.country in audience.countries)
        and (not audience.entities or viewer.entity in audience.entities)
        and (not audience.roles or not viewer.roles.isdisjoint(audience.roles))
    )
