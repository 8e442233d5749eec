"""The facts of a live stream, which followers are shown before a model call or a tool call ends."""

from typing import Literal

from core.log.facts.base import Fact
from core.values import Value


class LiveTextContent(Value):
    text: str


class LiveText(Fact):
    """A piece of the text of model call `call`, in the order it came."""

    kind: Literal["live.text"] = "live.text"
    call: str
    content: LiveTextContent | None

    @property
    def text(self) -> str:
        """The piece of text, "" once erased."""
        return self.content.text if self.content else ""


class LiveReasoning(Fact):
    """A piece of the thinking of model call `call`, in the order it came."""

    kind: Literal["live.reasoning"] = "live.reasoning"
    call: str
    content: LiveTextContent | None

    @property
    def text(self) -> str:
        """The piece of thinking, "" once erased."""
        return self.content.text if self.content else ""


class LiveProgressContent(Value):
    message: str


class LiveProgress(Fact):
    """The progress of a running tool: `done` of `total`, None if unknown."""

    kind: Literal["live.progress"] = "live.progress"
    call: str
    done: float | None
    total: float | None
    content: LiveProgressContent | None


class Beat(Fact):
    kind: Literal["live.beat"] = "live.beat"


class Sealed(Fact):
    """The last entry of a live stream: the entries before it are all that was ever shown of its fence."""

    kind: Literal["sealed"] = "sealed"
