"""The retriever protocol: a question in, passages of handbooks out, and an opinion on whether they answer it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from core.gate import Viewer
from core.values import Audience, Judgement, Passage, Value


class Filters(Value):
    """Which handbooks a search is about: the ids of `documents`; [] is all of them."""

    documents: list[str] = []


class Retriever(Protocol):
    """Finds passages that this viewer may read."""

    async def search(
        self, query: str, viewer: Viewer, limit: int, filters: Filters | None = None, as_of: date | None = None
    ) -> list[Passage]:
        """At most `limit` passages, best first; [] when nothing fits. Any text is a valid query.

        Only what holds for the viewer (`holds_for`) and is in force on the day `as_of`, None today, in UTC.
        """

    async def judge(self, query: str, passages: Sequence[Passage]) -> Judgement | None:
        """Whether these passages, as `search` gave them for this query, answer it; None: this retriever cannot say."""

    async def versions(self) -> Mapping[str, str]:
        """The version in force today of each document, by its id: what a turn's snapshot names."""


def holds_for(audience: Audience, viewer: Viewer) -> bool:
    """Whether a handbook of this audience holds for the viewer. Whose country is unknown is of no country."""
    return (
        (not audience.countries or viewer.country in audience.countries)
        and (not audience.entities or viewer.entity in audience.entities)
        and (not audience.roles or not viewer.roles.isdisjoint(audience.roles))
    )
