"""The facts of an `installation:` stream."""

from typing import Literal

from core.log.facts.base import Fact
from core.values import Value


class InstallationContent(Value):
    """`key` is the secret of the installation's pseudonyms, as hexadecimal digits."""

    key: str


class InstallationMade(Fact):
    """What an installation makes once for itself. Only entry 1 of `installation:desk` counts."""

    kind: Literal["installation.made"] = "installation.made"
    content: InstallationContent | None
