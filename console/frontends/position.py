"""Where a browser is in a turn's stream: the id of each server-sent event.

The id counts what the browser has, and not what a server has sent: texts in characters, tool calls by their number. So
any process continues from it, also if the texts come in other pieces and the parallel calls in another order.
"""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

from core.errors import InvalidInput

Ending: TypeAlias = Literal["-", "p", "e"]
"""Whether the stream goes on, has parked at an approval, or has ended."""

Part: TypeAlias = Literal["-", "t", "r"]
"""The part that is open: none, text or reasoning."""

_PATTERN = re.compile(
    r"(?P<protocol>[a-z]+\d+):(?P<turn>[^:]+):(?P<head>\d{1,2}):(?P<discards>\d{1,6}):(?P<start>\d{1,12})"
    r"(?P<part>[-tr]):(?P<length>\d{1,12}):(?P<digest>[0-9a-f]{16}):(?P<thought>\d{1,12}):(?P<calls>\d*)"
    r":(?P<ending>[-pe])(?P<left>\d{1,6})"
)


def digest_of(text: str) -> str:
    """What tells two texts apart in an id."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(slots=True, kw_only=True)
class Position:
    """What a browser has of a turn. `str` makes the id, `parsed` reads it.

    `head` counts the events that open the run. `length` and `digest` are of the text that counts, over all its parts.
    `thought` counts the characters of reasoning. `part` is the part that is open, and `start` is where it begins, in
    the text or in the reasoning. `discards` counts how often the text began anew. `calls` holds for each call of the
    turn, by number, how many of its events came. `ending` says how the run ended, and `left` how many of its last
    events are still missing.
    """

    protocol: str
    turn: str
    head: int = 0
    discards: int = 0
    start: int = 0
    part: Part = "-"
    length: int = 0
    digest: str = digest_of("")
    thought: int = 0
    calls: list[int] = field(default_factory=list)
    ending: Ending = "-"
    left: int = 0

    def __str__(self) -> str:
        calls = "".join(map(str, self.calls))
        text = f"{self.discards}:{self.start}{self.part}:{self.length}:{self.digest}:{self.thought}"
        return f"{self.protocol}:{self.turn}:{self.head}:{text}:{calls}:{self.ending}{self.left}"

    def of_call(self, number: int) -> int:
        """How many events of a call came."""
        return self.calls[number - 1] if number <= len(self.calls) else 0

    def has_of_call(self, number: int, step: int) -> None:
        """Note that the events of a call came up to `step`."""
        self.calls += [0] * (number - len(self.calls))
        self.calls[number - 1] = step


def parsed(last_event_id: str | None, protocol: str, turn_id: str) -> Position:
    """The position that a `Last-Event-ID` names; the start of the turn if it is None or "".

    Raises InvalidInput if it is not an id of this turn in this protocol.
    """
    if not last_event_id:
        return Position(protocol=protocol, turn=turn_id)
    match = _PATTERN.fullmatch(last_event_id)
    if match is None or match["protocol"] != protocol or match["turn"] != turn_id:
        raise InvalidInput(
            f"the Last-Event-ID is not of turn {turn_id} in this protocol: leave it out to get the turn from the start"
        )
    counts = {name: int(match[name]) for name in ("head", "discards", "start", "length", "thought", "left")}
    return Position(
        protocol=protocol,
        turn=turn_id,
        part=cast(Part, match["part"]),
        digest=match["digest"],
        calls=[int(step) for step in match["calls"]],
        ending=cast(Ending, match["ending"]),
        **counts,
    )
