"""A fault server's script in JSON: what a scripted model's script has, and what only a server can do.

    {
      "questions": [{"contains": "balance", "answers": [[{"call": "vacation_balance", "arguments": {}}]]}],
      "answers": [[{"refuse": "overloaded", "retry_after": 1}], [{"say": "Twelve days."}]],
      "loop": true
    }

`questions` are tried in order against all that was sent, capitals ignored; `answers` serves what none fits. Beside the
parts of a model's script there are

    {"refuse": "rate_limit", "retry_after": 2}
    {"page": "<html>", "status": 502}
    {"drop": true, "reset": true}
    {"hang": true, "ping_ms": 500}
    {"cut_after": 3, "how": "drop"}
    {"segments": 7}                                    null: all at once
    {"emit": {"type": "..."}, "event": "..."}
    {"bytes": "text"} or {"hex": "e282"}
    {"call_as": "tool", "arguments": {}, "id": null, "pieces": 1}
    {"stop_as": "content_filter"}
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import NonNegativeInt, PositiveInt, ValidationError

from backends.models.scripted.script_file import Strict, Written, part_of
from core.canonical import Json
from core.errors import InvalidInput
from tests.servers.faults.asked import Asked, one_by_one
from tests.servers.faults.parts import (
    Bytes,
    CallAs,
    CutAfter,
    Drop,
    Emit,
    Hang,
    Page,
    Refusal,
    Refuse,
    Segments,
    ServerAnswer,
    ServerPart,
    StopAs,
)


class _Refuse(Strict):
    refuse: Refusal
    retry_after: float | str | None = None


class _Page(Strict):
    page: str
    status: PositiveInt = 200
    content_type: str = "text/html"


class _Drop(Strict):
    drop: Literal[True]
    reset: bool = False


class _Hang(Strict):
    hang: Literal[True]
    ping_ms: PositiveInt | None = None


class _CutAfter(Strict):
    cut_after: NonNegativeInt
    how: Literal["end", "drop", "reset"] = "end"


class _Segments(Strict):
    segments: PositiveInt | None


class _Emit(Strict):
    emit: Json
    event: str = ""


class _Bytes(Strict):
    bytes: str


class _Hex(Strict):
    hex: str


class _CallAs(Strict):
    call_as: str
    arguments: Json
    id: str | None
    pieces: PositiveInt = 1


class _StopAs(Strict):
    stop_as: str | None


_ServerWritten: TypeAlias = (
    Written | _Refuse | _Page | _Drop | _Hang | _CutAfter | _Segments | _Emit | _Bytes | _Hex | _CallAs | _StopAs
)
_Answers: TypeAlias = tuple[tuple[_ServerWritten, ...], ...]


class _Question(Strict):
    contains: str
    answers: _Answers
    loop: bool = False


class _Script(Strict):
    delay_ms: NonNegativeInt = 0
    questions: tuple[_Question, ...] = ()
    answers: _Answers = ()
    loop: bool = False


def read_server_script(path: str) -> Callable[[Asked], ServerAnswer]:
    """What the JSON script at `path` answers. Raises InvalidInput where it is no such script."""
    try:
        script = _Script.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise InvalidInput(f"the script {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise InvalidInput(f"{path} is no script: {error}") from error
    folder = Path(path).resolve().parent

    def rule(answers: _Answers, loop: bool) -> Callable[[Asked], ServerAnswer]:
        played = [[_part(part, script.delay_ms, folder) for part in answer] for answer in answers]
        return one_by_one(played, loop=loop)

    rules = [(question.contains.casefold(), rule(question.answers, question.loop)) for question in script.questions]
    otherwise = rule(script.answers, script.loop)

    def answer(asked: Asked) -> ServerAnswer:
        sent = json.dumps(asked.body, ensure_ascii=False).casefold()
        return next((rule for contains, rule in rules if contains in sent), otherwise)(asked)

    return answer


def _part(part: _ServerWritten, delay_ms: int, folder: Path) -> ServerPart:
    match part:
        case _Refuse():
            return Refuse(part.refuse, part.retry_after)
        case _Page():
            return Page(part.page, part.status, part.content_type)
        case _Drop():
            return Drop(part.reset)
        case _Hang():
            return Hang(None if part.ping_ms is None else part.ping_ms / 1000)
        case _CutAfter():
            return CutAfter(part.cut_after, part.how)
        case _Segments():
            return Segments(part.segments)
        case _Emit():
            return Emit(part.emit, part.event)
        case _Bytes():
            return Bytes(part.bytes.encode())
        case _Hex():
            return Bytes(_unhexed(part.hex))
        case _CallAs():
            return CallAs(part.call_as, part.arguments, part.id, part.pieces)
        case _StopAs():
            return StopAs(part.stop_as)
        case _:
            return part_of(part, delay_ms, folder)


def _unhexed(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise InvalidInput(f"no hexadecimal digits: {digits!r}") from error
