"""The retriever protocol: a question in, passages of handbooks out."""

from collections.abc import Mapping
from typing import Protocol

from core.entries import Passage
from core.gate import Viewer


class Retriever(Protocol):
    """Finds passages that this viewer may read."""

    async def search(self, query: str, viewer: Viewer, limit: int) -> list[Passage]:
        """At most `limit` passages, best first; [] when nothing fits. Any text is a valid query."""

    async def versions(self) -> Mapping[str, str]:
        """The version in force of each document, by its id: what a turn's snapshot names."""
