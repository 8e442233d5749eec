"""What an examination finds: the same list for `rolltop doctor` and for the page System."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["fact", "open", "trouble"]
"""`fact` is how things are, `open` what an installation has not set yet. `trouble` needs an operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line about a part of an installation. `to_do` is "" for what can stay as it is.

    It names ids, kinds, numbers and settings, and never what people, models or tools wrote.
    """

    about: str
    what: str
    to_do: str = ""
    level: Level = "fact"

    @property
    def text(self) -> str:
        """What was found, and after a colon what to do."""
        return f"{self.what}: {self.to_do}" if self.to_do else self.what
