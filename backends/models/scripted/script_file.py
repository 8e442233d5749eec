"""Scripts in JSON, so that a server in its own process can be told what its model will say.

    {
      "delay_ms": 20,
      "questions": [
        {"contains": "slow", "answers": [[{"say": "One two"}, {"wait_for_file": "go"}, {"say": " three."}]]},
        {"contains": "balance", "steps": [[{"call": "vacation_balance", "arguments": {}}], [{"say": "12 days."}]]}
      ],
      "answers": [[{"say": "Hello."}]],
      "loop": true
    }

`questions` are tried in order against the newest question, without regard to capitals; the first whose `contains` is in
it answers, and `answers` at the top serve every other question. Each request uses one of the `answers`; with `loop`
they start again. `steps` are chosen by how far the turn is (its first request, the one after the first tool results,
...), so that they hold across restarts and repeated questions. The parts of an answer:

    {"say": "text", "pieces": 3, "delay_ms": 50}      pieces and delay_ms may be left out
    {"think": "text"}
    {"call": "tool", "arguments": {} or "raw text"}
    {"pause_ms": 500}
    {"wait_for_file": "path"}                          until it exists; relative to the script
    {"cut": true}
    {"fail": "overloaded", "message": "...", "retryable": true}
    {"stop": "length"}
    {"bill": {"input": 90, "output": 7}, "cost": 1200}
    {"ping": true}
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal, TypeAlias

import anyio
from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, ValidationError

from backends.models.scripted.model import (
    Answer,
    Bill,
    Call,
    Cut,
    Fail,
    Part,
    Pause,
    Say,
    ScriptedModel,
    Stop,
    Think,
    Wait,
    one_by_one,
)
from core.canonical import Json
from core.errors import InvalidInput, ModelError
from core.model import ErrorCode, ModelRequest, Ping
from core.values import StopReason, Usage


class Strict(BaseModel):
    """A part of a script. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Say(Strict):
    say: str
    pieces: PositiveInt | None = None
    delay_ms: NonNegativeInt | None = None


class _Think(Strict):
    think: str


class _Call(Strict):
    call: str
    arguments: Json


class _Pause(Strict):
    pause_ms: NonNegativeInt


class _Wait(Strict):
    wait_for_file: str


class _Cut(Strict):
    cut: Literal[True]


class _Fail(Strict):
    fail: ErrorCode
    message: str = "the script says so"
    retryable: bool = False


class _Stop(Strict):
    stop: StopReason


class _Bill(Strict):
    bill: Usage
    cost: NonNegativeInt | None = None


class _Ping(Strict):
    ping: Literal[True]


Written: TypeAlias = _Say | _Think | _Call | _Pause | _Wait | _Cut | _Fail | _Stop | _Bill | _Ping
_Answers: TypeAlias = tuple[tuple[Written, ...], ...]


class _Question(Strict):
    contains: str
    answers: _Answers = ()
    steps: _Answers = ()
    loop: bool = False


class _Script(Strict):
    delay_ms: NonNegativeInt = 0
    questions: tuple[_Question, ...] = ()
    answers: _Answers = ()
    loop: bool = False


def read_script(path: str) -> ScriptedModel:
    """The model that the JSON script at `path` describes. Raises InvalidInput if it cannot be read or is malformed."""
    try:
        script = _Script.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise InvalidInput(f"the script {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "the whole"
        raise InvalidInput(
            f"the script {path} is malformed: {where}: {fault['msg']}; "
            'the shortest is {"answers": [[{"say": "Hello."}]]}'
        ) from error
    folder = Path(path).resolve().parent

    def scripts(answers: _Answers) -> list[Answer]:
        return [[part_of(part, script.delay_ms, folder) for part in answer] for answer in answers]

    rules = [(question.contains.casefold(), _rule(question, scripts)) for question in script.questions]
    otherwise = one_by_one(scripts(script.answers), loop=script.loop)

    def answer(request: ModelRequest) -> Answer:
        question, _ = _newest(request)
        rule = next((rule for contains, rule in rules if contains in question), otherwise)
        return rule(request)

    return ScriptedModel(answer, name=f"scripted:{path}")


def _rule(question: _Question, scripts: Callable[[_Answers], list[Answer]]) -> Callable[[ModelRequest], Answer]:
    if bool(question.answers) == bool(question.steps):
        raise InvalidInput(f"question {question.contains!r} needs answers or steps, and not both")
    if question.answers:
        return one_by_one(scripts(question.answers), loop=question.loop)
    steps = scripts(question.steps)

    def answer(request: ModelRequest) -> Answer:
        _, step = _newest(request)
        if step >= len(steps):
            raise ModelError("invalid_request", f"the script is used up: the question has {len(steps)} steps")
        return steps[step]

    return answer


def _newest(request: ModelRequest) -> tuple[str, int]:
    """The newest question, casefolded, and how many answers it has had: 0 for the first request of a turn."""
    step = 0
    for message in reversed(request.messages):
        match message.role:
            case "user":
                return message.text.casefold(), step
            case "assistant":
                step += 1
    return "", step


def part_of(part: Written, delay_ms: int, folder: Path) -> Part:
    """A part of a script as the model plays it. `delay_ms` is the default delay; `folder` has the files to wait for."""
    match part:
        case _Say():
            delay = delay_ms if part.delay_ms is None else part.delay_ms
            return Say(part.say, pieces=part.pieces, delay=delay / 1000)
        case _Think():
            return Think(part.think)
        case _Call():
            return Call(part.call, part.arguments)
        case _Pause():
            return Pause(part.pause_ms / 1000)
        case _Wait():
            return Wait(_exists(folder / part.wait_for_file))
        case _Cut():
            return Cut()
        case _Fail():
            return Fail(part.fail, part.message, retryable=part.retryable)
        case _Stop():
            return Stop(part.stop)
        case _Bill():
            return Bill(part.bill, part.cost)
        case _Ping():
            return Ping()


def _exists(path: Path) -> Callable[[], Awaitable[None]]:
    async def appears() -> None:
        while not await anyio.Path(path).exists():  # noqa: ASYNC110 - another process makes the file, and cannot set an Event
            await anyio.sleep(0.01)

    return appears
