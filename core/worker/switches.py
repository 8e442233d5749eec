"""What an administrator has switched off, as a worker asks for it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OffNames:
    """The names of the tools and of the models that are switched off, also of those that this process lacks."""

    tools: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()


class Switches(Protocol):
    """Says what is switched off. A worker asks before each act."""

    async def off(self) -> OffNames:
        """What is off, as it was on record at most a second ago. Raises Unavailable while the store is away."""
