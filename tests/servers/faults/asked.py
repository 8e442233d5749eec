"""A request as a fault server took it, and which of a script's answers it is given."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, cycle

from core.canonical import Json
from core.errors import InvalidInput
from tests.servers.faults.errors import Api
from tests.servers.faults.parts import ServerAnswer
from tests.servers.faults.rules import Refused


@dataclass(slots=True)
class Asked:
    """A request as it came, `body` as JSON, `headers` with small names.

    `refused` says why it was turned away, None if it was not; `events` counts the events of its answer that were sent.
    """

    api: Api
    body: Json
    headers: Mapping[str, str]
    refused: str | None = None
    events: int = 0


def one_by_one(answers: Iterable[ServerAnswer], *, loop: bool) -> Callable[[Asked], ServerAnswer]:
    """A script that gives each request the next answer; when they are used up Refused, or the first again."""
    script = [tuple(answer) if isinstance(answer, list | tuple) else _no_answer(answer) for answer in answers]
    left = cycle(script) if loop else chain(script)

    def answer(asked: Asked) -> ServerAnswer:
        for following in left:
            return following
        raise Refused(f"the script is used up: it has {len(script)} answers")

    return answer


def _no_answer(value: object) -> ServerAnswer:
    raise InvalidInput(f"an answer is a list of parts, not {value!r}: write [[Say(...)], [Say(...)]]")
