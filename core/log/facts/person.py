"""The facts of a `person:` stream."""

from typing import Literal

from core.log.facts.base import Fact


class NoticeAcknowledged(Fact):
    """A person has read the notice that an AI answers, and who can see what they write. `notice` is its version."""

    kind: Literal["notice.acknowledged"] = "notice.acknowledged"
    notice: str
